//! `skip(n)`: leave out the first `n` events.
//!
//! Holds one number.

use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`skip`](super::Selecting::skip).
#[derive(Clone, Copy, Debug)]
pub struct Skip {
    pub(super) left: usize,
}

impl<T> Filter<T> for Skip {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.left == 0 {
            return out.next(event);
        }
        self.left -= 1;
        Ok(Demand::More)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let most = self.left;
        self.left.on_state("left out", state);
        if self.left > most {
            state.refuse("left out");
            self.left = most;
        }
    }
}
