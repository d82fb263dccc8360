//! `element_at(n)`, `element_at_or(n, v)`: send the event with a given number, counted from 0, then complete.
//!
//! Holds one number, and the default.

use crate::error::StreamError;
use crate::state::{Saved, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// What a stream ends by that is shorter than the number asked for.
const TOO_FEW: StreamError = StreamError::new("too few elements");

/// Made by [`element_at`](super::Selecting::element_at) and [`element_at_or`](super::Selecting::element_at_or).
#[derive(Clone, Copy, Debug)]
pub struct ElementAt<T> {
    pub(super) before: usize,
    pub(super) default: Option<T>,
}

impl<T> Filter<T> for ElementAt<T> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.before > 0 {
            self.before -= 1;
            return Ok(Demand::More);
        }
        out.flush([event])?;
        Ok(Demand::Done)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        match self.default.take() {
            Some(default) => out.flush([default]),
            None => out.error(TOO_FEW),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let most = self.before;
        self.before.on_state("before", state);
        if self.before > most {
            state.refuse("before");
            self.before = most;
        }
    }
}
