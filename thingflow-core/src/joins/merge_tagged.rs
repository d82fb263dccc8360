//! `merge_tagged(inputs)`: sends the events of all inputs as they come, each with the number of its input.
//!
//! Holds nothing.

use core::marker::PhantomData;

use super::rule::{Index, Rule, Takes};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use super::{Inputs, Join, Wire};

/// As [`merge`](super::merge()), each event with the number of its input, from 0 on: `(input, event)`.
///
/// ```
/// use thingflow_core::{joins, prelude::*, testing::Recorder};
/// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
/// joins::merge_tagged([&a, &b]).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// b.emit("x", cx)?;
/// a.emit("y", cx)?;
/// assert_eq!(seen.events(), [(1, "x"), (0, "y")]);
/// # Ok::<(), FatalError>(())
/// ```
#[cfg(feature = "alloc")]
pub fn merge_tagged<I, T>(inputs: I) -> Join<I, MergeTagged<T>>
where
    I: Inputs + Wire<MergeTagged<T>>,
{
    let rule = MergeTagged::of(inputs.count());
    Join::of(inputs, rule)
}

/// Made by [`merge_tagged`](super::Joins::merge_tagged), or by [`of`](Self::of) without an allocator.
#[derive(Clone, Debug)]
pub struct MergeTagged<T> {
    open: usize,
    events: PhantomData<T>,
}

impl<T> MergeTagged<T> {
    /// The rule for a number of inputs.
    pub const fn of(inputs: usize) -> Self {
        Self { open: inputs, events: PhantomData }
    }
}

impl<T> Rule for MergeTagged<T> {
    type Out = (usize, T);
    fn on_completed(&mut self, _: usize, out: &mut Emitter<'_, '_, impl InputThing<(usize, T)>>) -> Receipt {
        self.open -= 1;
        if self.open == 0 { out.finish() } else { Ok(Demand::More) }
    }
}

impl<I: Index, T> Takes<I, T> for MergeTagged<T> {
    #[inline]
    fn on_next(&mut self, input: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<(usize, T)>>) -> Receipt {
        out.next((input.number(), event))
    }
}
