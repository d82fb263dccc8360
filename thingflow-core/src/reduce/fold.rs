//! `fold(seed, f)`: send the final result of a function of two, at completion.
//!
//! Holds the result so far.

use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`fold`](super::Reducing::fold).
#[derive(Clone, Copy, Debug)]
pub struct Fold<S, F> {
    /// `None` only while `f` has it.
    pub(super) state: Option<S>,
    pub(super) f: F,
}

impl<T, S, F: FnMut(S, T) -> S> Filter<T> for Fold<S, F> {
    type Out = S;
    #[inline]
    fn on_next(&mut self, event: T, _: &mut Emitter<'_, '_, impl InputThing<S>>) -> Receipt {
        self.state = self.state.take().map(|state| (self.f)(state, event));
        Ok(Demand::More)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<S>>) -> Closed {
        out.flush(self.state.take())
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.state.is_some() {
            state.unsaved("fold");
        }
    }
}

impl<S: Saved, F> SavedEvents for Fold<S, F> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.state.get_or_insert_with(S::blank).on_state("state", state);
    }
}
