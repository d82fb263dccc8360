//! `contains(v)`: send whether a value is among the events, as soon as that is known.
//!
//! Holds one event: the value looked for.

use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`contains`](super::Reducing::contains).
#[derive(Clone, Copy, Debug)]
pub struct Contains<T>(pub(super) T);

impl<T: PartialEq> Filter<T> for Contains<T> {
    type Out = bool;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Receipt {
        if event != self.0 {
            return Ok(Demand::More);
        }
        out.flush([true])?;
        Ok(Demand::Done)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Closed {
        out.flush([false])
    }
}
