//! `map_with(state, f)`: as `map`, with a state of its own.
//!
//! Holds the state.

use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`map_with`](super::Elementwise::map_with).
#[derive(Clone, Copy, Debug)]
pub struct MapWith<S, F> {
    pub(super) state: S,
    pub(super) f: F,
}

impl<In, Out, S, F: FnMut(&mut S, In) -> Out> Filter<In> for MapWith<S, F> {
    type Out = Out;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Out>>) -> Receipt {
        out.next((self.f)(&mut self.state, event))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        state.unsaved("map_with");
    }
}

impl<S: Saved, F> SavedEvents for MapWith<S, F> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.state.on_state("state", state);
    }
}
