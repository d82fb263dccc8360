//! `accumulate(f)`: as `scan`, beginning with the first event.
//!
//! Holds one event: the result so far.

use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`accumulate`](super::Elementwise::accumulate).
#[derive(Clone, Copy, Debug)]
pub struct Accumulate<T, F> {
    pub(super) state: Option<T>,
    pub(super) f: F,
}

impl<T: Clone, F: FnMut(T, T) -> T> Filter<T> for Accumulate<T, F> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let state = match self.state.take() {
            Some(state) => (self.f)(state, event),
            None => event,
        };
        out.next(self.state.insert(state).clone())
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.state.is_some() {
            state.unsaved("accumulate");
        }
    }
}

impl<T: Saved, F> SavedEvents for Accumulate<T, F> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.state.on_state("state", state);
    }
}
