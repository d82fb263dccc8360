//! `distinct(max)`, `distinct_by_key(max, f)`: leave out events that equal any event before.
//!
//! Holds one event, or its key, for each different one, up to `max`.

use alloc::collections::BTreeSet;
use alloc::format;

use crate::error::StreamError;
use crate::size::Size;
use crate::state::{Saved, SavedEvents, SavedItems, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`distinct`](super::Selecting::distinct) and [`distinct_by_key`](super::Selecting::distinct_by_key).
#[derive(Clone, Debug)]
pub struct Distinct<K, F> {
    seen: BTreeSet<K>,
    max: usize,
    key: F,
}

impl<K, F> Distinct<K, F> {
    pub(super) fn new(max: Size, key: F) -> Self {
        Self { seen: BTreeSet::new(), max: max.get(), key }
    }
}

impl<T, K: Ord, F: FnMut(&T) -> K> Filter<T> for Distinct<K, F> {
    type Out = T;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let key = (self.key)(&event);
        if self.seen.contains(&key) {
            return Ok(Demand::More);
        }
        if self.seen.len() == self.max {
            return out.fail(too_many("distinct", self.max));
        }
        self.seen.insert(key);
        out.next(event)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.seen.is_empty() {
            state.unsaved("distinct");
        }
    }
}

impl<K: Saved + Ord, F> SavedEvents for Distinct<K, F> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        let mut held = core::mem::take(&mut self.seen).into_iter();
        let mut items = SavedItems::of("keys", held.len(), state);
        while items.another(state) {
            let mut key = held.next().unwrap_or_else(K::blank);
            key.on_state("key", state);
            if self.seen.len() < self.max {
                self.seen.insert(key);
            }
        }
    }
}

/// What an operator says that may not remember more different events.
#[cold]
pub(crate) fn too_many(operator: &str, max: usize) -> StreamError {
    StreamError::msg(format!("{operator} may remember {max} different events, and here is one more: allow it more"))
}
