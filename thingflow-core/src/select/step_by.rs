//! `step_by(n)`: pass the first event, then every `n`th after it.
//!
//! Holds one number.

use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`step_by`](super::Selecting::step_by).
#[derive(Clone, Copy, Debug)]
pub struct StepBy {
    pub(super) step: usize,
    /// How many events to leave out before the next one.
    pub(super) left: usize,
}

impl<T> Filter<T> for StepBy {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.left > 0 {
            self.left -= 1;
            return Ok(Demand::More);
        }
        self.left = self.step - 1;
        out.next(event)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.left.on_state("left out", state);
        if self.left >= self.step {
            state.refuse("left out");
            self.left = 0;
        }
    }
}
