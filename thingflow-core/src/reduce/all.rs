//! `all(p)`: send whether a predicate holds for all events, as soon as that is known.
//!
//! Holds nothing.

use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`all`](super::Reducing::all).
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
