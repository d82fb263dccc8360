//! `scan(seed, f)`: send the running result of a function of two, for each event.
//!
//! Holds the result so far.

use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`scan`](super::Elementwise::scan).
#[derive(Clone, Copy, Debug)]
pub struct Scan<S, F> {
    /// `None` only while `f` has it.
    pub(super) state: Option<S>,
    pub(super) f: F,
}

impl<T, S: Clone, F: FnMut(S, T) -> S> Filter<T> for Scan<S, F> {
    type Out = S;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<S>>) -> Receipt {
        let Some(state) = self.state.take() else { return Ok(Demand::Done) };
        let state = self.state.insert((self.f)(state, event));
        out.next(state.clone())
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.state.is_some() {
            state.unsaved("scan");
        }
    }
}

impl<S: Saved, F> SavedEvents for Scan<S, F> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.state.get_or_insert_with(S::blank).on_state("state", state);
    }
}
