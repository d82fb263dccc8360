//! `count()`: send the number of events, at completion.
//!
//! Holds one number.

use crate::state::{Saved, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`count`](super::Reducing::count).
#[derive(Clone, Copy, Debug)]
pub struct Count(pub(super) u64);

impl<T> Filter<T> for Count {
    type Out = u64;
    #[inline]
    fn on_next(&mut self, _: T, _: &mut Emitter<'_, '_, impl InputThing<u64>>) -> Receipt {
        self.0 = self.0.saturating_add(1);
        Ok(Demand::More)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<u64>>) -> Closed {
        out.flush([self.0])
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state("count", state);
    }
}
