//! `accumulate(f)`: as `scan`, beginning with the first event.
//!
//! Holds one event: the result so far.

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
}
