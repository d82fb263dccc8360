//! `merge(inputs)`: sends the events of all inputs as they come.
//!
//! Holds nothing.

use core::marker::PhantomData;

use super::rule::{Index, Rule, Takes};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use super::{Inputs, Join, Wire};

/// Sends the events of all inputs in the order in which they come. It completes when all have ended.
///
/// ```
/// use thingflow_core::{joins, prelude::*, testing::Recorder};
/// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
/// joins::merge([&a, &b]).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// b.emit(1, cx)?;
/// a.emit(2, cx)?;
/// a.complete(cx)?;
/// b.emit(3, cx)?;
/// b.complete(cx)?;
/// assert_eq!(seen.text(), "1 2 3 |");
/// # Ok::<(), FatalError>(())
/// ```
#[cfg(feature = "alloc")]
pub fn merge<I, T>(inputs: I) -> Join<I, Merge<T>>
where
    I: Inputs + Wire<Merge<T>>,
{
    let rule = Merge::of(inputs.count());
    Join::of(inputs, rule)
}

/// Made by [`merge`](super::Joins::merge), or by [`of`](Self::of) without an allocator.
#[derive(Clone, Debug)]
pub struct Merge<T> {
    open: usize,
    events: PhantomData<T>,
}

impl<T> Merge<T> {
    /// The rule for a number of inputs.
    pub const fn of(inputs: usize) -> Self {
        Self { open: inputs, events: PhantomData }
    }
}

impl<T> Rule for Merge<T> {
    type Out = T;
    fn on_completed(&mut self, _: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.open -= 1;
        if self.open == 0 { out.finish() } else { Ok(Demand::More) }
    }
    #[cfg(feature = "alloc")]
    fn on_added(&mut self, _: usize) {
        self.open += 1;
    }
    #[cfg(feature = "alloc")]
    fn on_removed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.on_completed(input, out)
    }
}

impl<I: Index, T> Takes<I, T> for Merge<T> {
    #[inline]
    fn on_next(&mut self, _: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
}
