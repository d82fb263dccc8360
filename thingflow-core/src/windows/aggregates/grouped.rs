//! [`Grouped`]: what an aggregate makes of the values of each key in a window.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use super::Aggregate;
use crate::state::{Saved, SavedItems, StateVisitor, shown_or_unsaved};
use crate::windows::{KeyedBy, Keying, Merge, SavedKey};

/// Makes groups of the values in a window by a key, and sends what an aggregate makes of each, as pairs `(key, result)` in the order of
/// their keys: one window over all sensors, and a mean of each. (With [`by_key`](crate::windows::CountWindow::by_key) each key has windows of its own.)
///
/// It holds the aggregate of each key that is in the window; a key goes with its last value. A value costs time in proportion to the
/// logarithm of the number of keys, and a result in proportion to their number. In a window that never ends no key goes: where there is no end of
/// keys, take `by_key`, which has a bound. A walk that saves state reaches into it with [`by_saved_key`](Self::by_saved_key).
///
/// ```
/// # use thingflow_core::prelude::*;
/// use thingflow_core::windows::{Grouped, Mean, Of};
/// let celsius = from_iter([("hall", 20.0), ("attic", 12.0), ("hall", 22.0), ("attic", 14.0)]);
/// let mean = Of(|(_, celsius): &(&str, f64)| *celsius, Mean::new());
/// let means = celsius.aggregate(Window::sliding(3), Grouped::by(|(room, _): &(&'static str, f64)| *room, mean));
/// assert_eq!(means.collect_now(), [[("attic", 12.0), ("hall", 21.0)], [("attic", 13.0), ("hall", 22.0)]]);
/// ```
#[derive(Clone)]
pub struct Grouped<Q, K, A> {
    key: Q,
    fresh: A,
    groups: BTreeMap<K, Group<A>>,
    is_stale: bool,
}

/// The values of one key, and how many there are.
#[derive(Clone)]
struct Group<A> {
    count: u64,
    aggregate: A,
}

impl<F, K: Ord, A> Grouped<KeyedBy<F>, K, A> {
    /// Groups by the key that `key` gives for a value; `aggregate` is that of each group.
    pub const fn by(key: F, aggregate: A) -> Self {
        Self { key: KeyedBy(key), fresh: aggregate, groups: BTreeMap::new(), is_stale: false }
    }
}

impl<F, K: Ord + Saved, A> Grouped<SavedKey<F>, K, A> {
    /// As [`by`](Grouped::by), by a key that can be saved, a number or a [`SensorId`](crate::SensorId): a walk that saves the state of the
    /// graph saves the groups, too, as [`by_saved_key`](crate::windows::TumblingWindow::by_saved_key) has it do for windows.
    pub const fn by_saved_key(key: F, aggregate: A) -> Self {
        Self { key: SavedKey(key), fresh: aggregate, groups: BTreeMap::new(), is_stale: false }
    }
}

impl<Q, K: Ord, A: Clone> Grouped<Q, K, A> {
    fn group<V>(&mut self, value: &V) -> &mut A
    where
        Q: Keying<V, Key = K>,
    {
        let fresh = || Group { count: 0, aggregate: self.fresh.clone() };
        let group = self.groups.entry(self.key.key(value)).or_insert_with(fresh);
        group.count = group.count.saturating_add(1);
        &mut group.aggregate
    }
}

impl<V, K: Ord + Clone, Q: Keying<V, Key = K>, A: Aggregate<V> + Clone> Aggregate<V> for Grouped<Q, K, A> {
    type Out = Vec<(K, A::Out)>;
    const ROOM: usize = A::ROOM;
    fn add(&mut self, value: &V) {
        self.group(value).add(value);
    }
    fn remove(&mut self, value: &V) {
        let key = self.key.key(value);
        let Some(group) = self.groups.get_mut(&key) else { return };
        group.count = group.count.saturating_sub(1);
        if group.count == 0 {
            self.groups.remove(&key);
            return;
        }
        group.aggregate.remove(value);
        self.is_stale |= group.aggregate.is_stale();
    }
    fn value(&self) -> Option<Self::Out> {
        let results = self.groups.iter().filter_map(|(key, group)| Some((key.clone(), group.aggregate.value()?)));
        Some(results.collect())
    }
    fn is_stale(&self) -> bool {
        self.is_stale
    }
    fn absorb(&mut self, value: &V) {
        self.group(value).absorb(value);
    }
    fn is_missing(&self, value: &V) -> bool {
        self.fresh.is_missing(value)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !Q::IS_SAVED {
            if !self.groups.is_empty() {
                state.unsaved("Grouped");
            }
            return;
        }
        self.is_stale.on_state("is stale", state);
        let mut held = core::mem::take(&mut self.groups).into_iter();
        let mut items = SavedItems::of("groups", held.len(), state);
        while items.another(state) {
            let (mut key, group) = held.next().unzip();
            let mut group = group.unwrap_or_else(|| Group { count: 0, aggregate: self.fresh.clone() });
            Q::on_key(&mut key, state);
            group.count.on_state("count", state);
            shown_or_unsaved("Grouped", true, |state| group.aggregate.on_state(state), state);
            match key.filter(|key| group.count > 0 && !self.groups.contains_key(key)) {
                Some(key) => drop(self.groups.insert(key, group)),
                None => state.refuse("Grouped"),
            }
        }
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        A::on_value(value, state);
    }
}

impl<Q, K: Ord, A: Merge> Merge for Grouped<Q, K, A> {
    fn merge(&mut self, later: Self) {
        for (key, group) in later.groups {
            match self.groups.get_mut(&key) {
                Some(own) => {
                    own.count = own.count.saturating_add(group.count);
                    own.aggregate.merge(group.aggregate);
                }
                None => drop(self.groups.insert(key, group)),
            }
        }
    }
}

impl<Q, K, A> fmt::Debug for Grouped<Q, K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grouped").field("keys", &self.groups.len()).finish_non_exhaustive()
    }
}
