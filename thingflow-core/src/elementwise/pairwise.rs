//! `pairwise()`: send each event together with the one before.
//!
//! Holds one event.

use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`pairwise`](super::Elementwise::pairwise).
#[derive(Clone, Copy, Debug)]
pub struct Pairwise<T>(pub(super) Option<T>);

impl<T: Clone> Filter<T> for Pairwise<T> {
    type Out = (T, T);
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<(T, T)>>) -> Receipt {
        match self.0.replace(event.clone()) {
            Some(before) => out.next((before, event)),
            None => Ok(Demand::More),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.0.is_some() {
            state.unsaved("pairwise");
        }
    }
}

impl<T: Saved> SavedEvents for Pairwise<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state("before", state);
    }
}
