//! `all(p)`: send whether a predicate holds for all events, as soon as that is known.
//!
//! Holds nothing.

use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`all`](super::Filters::all). It holds for a stream without events. An error goes on: nothing is known then.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// assert_eq!(from_iter(1..).all(|x| x < 10).collect_now(), [false]); // at the 10th event; then it asks for no more
/// assert_eq!(from_iter(1..9).all(|x| x < 10).collect_now(), [true]); // at completion
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct All<P>(pub(super) P);

impl<T, P: FnMut(T) -> bool> Filter<T> for All<P> {
    type Out = bool;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Receipt {
        if (self.0)(event) {
            return Ok(Demand::More);
        }
        out.flush([false])?;
        Ok(Demand::Done)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Closed {
        out.flush([true])
    }
}
