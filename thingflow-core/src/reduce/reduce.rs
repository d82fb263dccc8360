//! `reduce(f)`: as `fold`, beginning with the first event.
//!
//! Holds one event: the result so far.

use crate::select::last::NO_ELEMENTS;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`reduce`](super::Reducing::reduce).
#[derive(Clone, Copy, Debug)]
pub struct Reduce<T, F> {
    pub(super) state: Option<T>,
    pub(super) f: F,
}

impl<T, F: FnMut(T, T) -> T> Filter<T> for Reduce<T, F> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.state = Some(match self.state.take() {
            Some(state) => (self.f)(state, event),
            None => event,
        });
        Ok(Demand::More)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        match self.state.take() {
            Some(state) => out.flush([state]),
            None => out.error(NO_ELEMENTS),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.state.is_some() {
            state.unsaved("reduce");
        }
    }
}

impl<T: Saved, F> SavedEvents for Reduce<T, F> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.state.on_state("state", state);
    }
}
