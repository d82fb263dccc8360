//! `distinct_recent(n)`, `distinct_recent_by_key(n, f)`, `distinct_recent_of::<N>()`: leave out events that are among the
//! last `n` different ones.
//!
//! Holds up to `n` events, or their keys.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use {
    crate::size::Size,
    alloc::{collections::BTreeMap, vec::Vec},
};

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
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let key = (self.key)(&event);
        if self.seen.touch(&key).is_some() {
            return Ok(Demand::More);
        }
        self.seen.insert(key, ());
        out.next(event)
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
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if let Some(at) = self.seen.iter().position(|seen| seen.as_ref() == Some(&event)) {
            self.seen[..=at].rotate_right(1);
            return Ok(Demand::More);
        }
        self.seen.rotate_right(1);
        self.seen[0] = Some(event.clone());
        out.next(event)
    }
}

/// A map of bounded size: a new key takes the place of the one that was not used for longest.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub(crate) struct Recent<K, V> {
    at: BTreeMap<K, usize>,
    /// A list linked by indices, with `newest` at one end and `oldest` at the other.
    slots: Vec<Slot<K, V>>,
    newest: usize,
    oldest: usize,
    capacity: usize,
}

#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
struct Slot<K, V> {
    key: K,
    value: V,
    newer: usize,
    older: usize,
}

/// No slot.
#[cfg(feature = "alloc")]
const NONE: usize = usize::MAX;

#[cfg(feature = "alloc")]
impl<K: Ord + Clone, V> Recent<K, V> {
    pub(crate) fn new(capacity: Size) -> Self {
        Self { at: BTreeMap::new(), slots: Vec::new(), newest: NONE, oldest: NONE, capacity: capacity.get() }
    }

    /// The value of a key, which counts as used.
    pub(crate) fn touch(&mut self, key: &K) -> Option<&mut V> {
        let at = *self.at.get(key)?;
        if at != self.newest {
            self.unlink(at);
            self.link(at);
        }
        Some(&mut self.slots[at].value)
    }

    /// Takes in a key that is not there. If there is no room, the one not used for longest goes.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<(K, V)> {
        let slot = Slot { key: key.clone(), value, newer: NONE, older: NONE };
        let (at, gone) = if self.slots.len() < self.capacity {
            self.slots.push(slot);
            (self.slots.len() - 1, None)
        } else {
            let at = self.oldest;
            self.unlink(at);
            let gone = core::mem::replace(&mut self.slots[at], slot);
            self.at.remove(&gone.key);
            (at, Some((gone.key, gone.value)))
        };
        self.link(at);
        self.at.insert(key, at);
        gone
    }

    /// The values, the one not used for longest first.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        let slot = |at: usize| self.slots.get(at);
        core::iter::successors(slot(self.oldest), move |last| slot(last.newer)).map(|slot| &slot.value)
    }

    fn unlink(&mut self, at: usize) {
        let (newer, older) = (self.slots[at].newer, self.slots[at].older);
        match self.slots.get_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match self.slots.get_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }

    /// Makes a slot that is not linked the newest.
    fn link(&mut self, at: usize) {
        self.slots[at].newer = NONE;
        self.slots[at].older = self.newest;
        match self.slots.get_mut(self.newest) {
            Some(slot) => slot.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
    }
}
