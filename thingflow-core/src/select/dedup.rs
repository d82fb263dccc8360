//! `dedup()`, `dedup_by_key(f)`, `dedup_by(same)`: leave out events that equal the one before.
//!
//! Holds one event.

use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`dedup`](super::Selecting::dedup), [`dedup_by_key`](super::Selecting::dedup_by_key) and
/// [`dedup_by`](super::Selecting::dedup_by).
#[derive(Clone, Copy, Debug)]
pub struct Dedup<T, S> {
    last: Option<T>,
    same: S,
}

impl<T, S> Dedup<T, S> {
    pub(super) fn new(same: S) -> Self {
        Self { last: None, same }
    }
}

/// Tells whether an event is to be taken for the same as the one that was sent last.
pub trait Same<T> {
    /// Whether it is.
    fn is_same(&mut self, event: &T, last: &T) -> bool;
}

/// Events are the same that are equal.
#[derive(Clone, Copy, Debug)]
pub struct Equal;
impl<T: PartialEq> Same<T> for Equal {
    #[inline]
    fn is_same(&mut self, event: &T, last: &T) -> bool {
        event == last
    }
}

/// Events are the same whose keys are equal.
#[derive(Clone, Copy, Debug)]
pub struct EqualKeys<F>(pub(super) F);
impl<T, K: PartialEq, F: FnMut(&T) -> K> Same<T> for EqualKeys<F> {
    #[inline]
    fn is_same(&mut self, event: &T, last: &T) -> bool {
        (self.0)(event) == (self.0)(last)
    }
}

/// Events are the same of which a function says so.
#[derive(Clone, Copy, Debug)]
pub struct SameBy<F>(pub(super) F);
impl<T, F: FnMut(&T, &T) -> bool> Same<T> for SameBy<F> {
    #[inline]
    fn is_same(&mut self, event: &T, last: &T) -> bool {
        (self.0)(event, last)
    }
}

impl<T: Clone, S: Same<T>> Filter<T> for Dedup<T, S> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.last.as_ref().is_some_and(|last| self.same.is_same(&event, last)) {
            return Ok(Demand::More);
        }
        self.last = Some(event.clone());
        out.next(event)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.last.is_some() {
            state.unsaved("dedup");
        }
    }
}

impl<T: Saved, S> SavedEvents for Dedup<T, S> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.last.on_state("last", state);
    }
}
