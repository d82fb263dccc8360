//! `filter_with(state, p)`: as `filter`, with a state of its own.
//!
//! Holds the state.

use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`filter_with`](super::Selecting::filter_with).
#[derive(Clone, Copy, Debug)]
pub struct FilterWith<S, P> {
    pub(super) state: S,
    pub(super) p: P,
}

impl<T, S, P: FnMut(&mut S, &T) -> bool> Filter<T> for FilterWith<S, P> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if (self.p)(&mut self.state, &event) { out.next(event) } else { Ok(Demand::More) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        state.unsaved("filter_with");
    }
}

impl<S: Saved, P> SavedEvents for FilterWith<S, P> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.state.on_state("state", state);
    }
}
