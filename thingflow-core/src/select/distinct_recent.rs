//! `distinct_recent(n)`, `distinct_recent_by_key(n, f)`, `distinct_recent_of::<N>()`: leave out events that are among the
//! last `n` different ones.
//!
//! Holds up to `n` events, or their keys.

#[cfg(feature = "alloc")]
use crate::kit::Recent;
#[cfg(feature = "alloc")]
use crate::state::SavedItems;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use crate::size::Size;

/// Made by [`distinct_recent`](super::Selecting::distinct_recent) and
/// [`distinct_recent_by_key`](super::Selecting::distinct_recent_by_key).
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct DistinctRecent<K, F> {
    seen: Recent<K, ()>,
    key: F,
}

#[cfg(feature = "alloc")]
impl<K: Ord + Clone, F> DistinctRecent<K, F> {
    pub(super) fn new(n: Size, key: F) -> Self {
        Self { seen: Recent::new(n), key }
    }
}

#[cfg(feature = "alloc")]
impl<T, K: Ord + Clone, F: FnMut(&T) -> K> Filter<T> for DistinctRecent<K, F> {
    type Out = T;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let key = (self.key)(&event);
        if self.seen.touch(&key).is_some() {
            return Ok(Demand::More);
        }
        self.seen.insert(key, ());
        out.next(event)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.seen.keys().next().is_some() {
            state.unsaved("distinct_recent");
        }
    }
}

#[cfg(feature = "alloc")]
impl<K: Saved + Ord + Clone, F> SavedEvents for DistinctRecent<K, F> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        let fresh = self.seen.fresh();
        let held = core::mem::replace(&mut self.seen, fresh);
        let mut keys = held.keys();
        let mut items = SavedItems::of("keys", keys.clone().count(), state);
        while items.another(state) {
            let mut key = keys.next().cloned().unwrap_or_else(K::blank);
            key.on_state("key", state);
            if self.seen.touch(&key).is_none() {
                self.seen.insert(key, ());
            }
        }
    }
}

/// Made by [`distinct_recent_of`](super::Selecting::distinct_recent_of).
#[derive(Clone, Debug)]
pub struct DistinctRecentOf<T, const N: usize> {
    /// The most recent first.
    pub(super) seen: [Option<T>; N],
}

impl<T: Clone + PartialEq, const N: usize> Filter<T> for DistinctRecentOf<T, N> {
    type Out = T;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if let Some(at) = self.seen.iter().position(|seen| seen.as_ref() == Some(&event)) {
            self.seen[..=at].rotate_right(1);
            return Ok(Demand::More);
        }
        self.seen.rotate_right(1);
        self.seen[0] = Some(event.clone());
        out.next(event)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.seen.iter().any(Option::is_some) {
            state.unsaved("distinct_recent");
        }
    }
}

impl<T: Saved, const N: usize> SavedEvents for DistinctRecentOf<T, N> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.seen.on_state("seen", state);
    }
}
