//! [`Recent`]: a map that forgets.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::size::Size;

/// A map of bounded size: a new key takes the place of the one that was not used for longest.
///
/// ```
/// use thingflow_core::Size;
/// use thingflow_core::kit::Recent;
/// let mut sensors = Recent::new(Size::from(2));
/// sensors.insert("roof", 1);
/// sensors.insert("tank", 2);
/// assert_eq!(sensors.touch(&"roof"), Some(&mut 1));
/// assert_eq!(sensors.insert("hall", 3), Some(("tank", 2)));
/// ```
#[derive(Clone, Debug)]
pub struct Recent<K, V> {
    at: BTreeMap<K, usize>,
    /// A list linked by indices, with `newest` at one end and `oldest` at the other.
    slots: Vec<Slot<K, V>>,
    newest: usize,
    oldest: usize,
    capacity: usize,
}

#[derive(Clone, Debug)]
struct Slot<K, V> {
    key: K,
    value: V,
    newer: usize,
    older: usize,
}

/// No slot.
const NONE: usize = usize::MAX;

impl<K: Ord + Clone, V> Recent<K, V> {
    /// Room for so many keys.
    pub fn new(capacity: Size) -> Self {
        Self { at: BTreeMap::new(), slots: Vec::new(), newest: NONE, oldest: NONE, capacity: capacity.get() }
    }

    /// The value of a key, which counts as used.
    pub fn touch(&mut self, key: &K) -> Option<&mut V> {
        let at = *self.at.get(key)?;
        if at != self.newest {
            self.unlink(at);
            self.link(at);
        }
        Some(&mut self.slots[at].value)
    }

    /// Takes in a key that is not there. If there is no room, the one not used for longest goes.
    pub fn insert(&mut self, key: K, value: V) -> Option<(K, V)> {
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
    pub fn values(&self) -> impl Iterator<Item = &V> {
        let slot = |at: usize| self.slots.get(at);
        core::iter::successors(slot(self.oldest), move |last| slot(last.newer)).map(|slot| &slot.value)
    }

    /// The keys, the one not used for longest first.
    pub fn keys(&self) -> impl Iterator<Item = &K> + Clone {
        let slot = |at: usize| self.slots.get(at);
        core::iter::successors(slot(self.oldest), move |last| slot(last.newer)).map(|slot| &slot.key)
    }

    /// An empty map of the same capacity.
    #[must_use]
    pub fn fresh(&self) -> Self {
        let capacity = self.capacity;
        Self { at: BTreeMap::new(), slots: Vec::new(), newest: NONE, oldest: NONE, capacity }
    }

    /// The values, to be changed, in any order. None counts as used.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.slots.iter_mut().map(|slot| &mut slot.value)
    }

    /// Whether a new key takes the place of another.
    pub(crate) fn is_full(&self) -> bool {
        self.slots.len() == self.capacity
    }

    /// Takes all of them out, the one not used for longest first.
    pub(crate) fn take_all(&mut self) -> Vec<(K, V)> {
        let fresh = self.fresh();
        let Self { slots, mut oldest, .. } = core::mem::replace(self, fresh);
        let mut slots: Vec<_> = slots.into_iter().map(Some).collect();
        let next = || {
            let slot = slots.get_mut(oldest)?.take()?;
            oldest = slot.newer;
            Some((slot.key, slot.value))
        };
        core::iter::from_fn(next).collect()
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
