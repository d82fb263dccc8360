//! `take_until(trigger)`: passes events until another stream has one, then completes.
//!
//! Holds nothing.

use core::marker::PhantomData;

use super::rule::{At, Rule, Takes};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Made by [`take_until`](super::Joins::take_until), or by `default` without an allocator.
///
/// The value of the trigger does not matter. A trigger that completes without an event ends nothing; its error ends the
/// stream, as that of the events does.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let (levels, stop, seen) = (Port::new(), Port::new(), Recorder::new());
/// levels.take_until(&stop).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// levels.emit(1, cx)?;
/// levels.emit(2, cx)?;
/// stop.emit((), cx)?;
/// assert_eq!((seen.text(), levels.emit(3, cx)?), ("1 2 |".into(), Demand::Done));
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TakeUntil<T>(PhantomData<fn(T)>);

impl<T> Default for TakeUntil<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T> Rule for TakeUntil<T> {
    type Out = T;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if input == 0 { out.finish() } else { Ok(Demand::More) }
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind || input == 1
    }
}

impl<T> Takes<At<0>, T> for TakeUntil<T> {
    #[inline]
    fn on_next(&mut self, _: At<0>, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
}

impl<T, U> Takes<At<1>, U> for TakeUntil<T> {
    fn on_next(&mut self, _: At<1>, _: U, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.finish()
    }
}
