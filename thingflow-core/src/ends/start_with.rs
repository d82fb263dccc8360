//! `start_with(events)`: send some events of one's own first.
//!
//! Holds the events given to it, until the start.

use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`start_with`](super::Ends::start_with).
#[derive(Clone, Copy, Debug)]
pub struct StartWith<I>(pub(super) Option<I>);

impl<T, I: IntoIterator<Item = T>> Filter<T> for StartWith<I> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.0.take().map_or(Ok(Demand::More), |events| out.send_all(events))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let mut waits = self.0.is_some();
        waits.on_state("waits", state);
        if !waits {
            self.0 = None;
        }
    }
}
