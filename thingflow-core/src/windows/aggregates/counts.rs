//! [`ValueCounts`] and [`Mode`]: which values a window has, and how often.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::Aggregate;
use crate::measure::Number;
use crate::state::{Saved, SavedEvents, SavedItems, StateVisitor};
use crate::windows::Merge;

/// How often each different value is in the window, as pairs `(value, count)`, the most frequent first, and of equal counts the smaller
/// value first: of whole numbers, characters, names.
///
/// It holds each different value; the result of many is long, so ask for it where windows do not overlap. An event costs time in
/// proportion to the logarithm of their number.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::ValueCounts;
/// let states = from_iter(["idle", "run", "run", "fault"]);
/// let counts = states.aggregate(Window::tumbling(4), ValueCounts::new());
/// assert_eq!(counts.collect_now(), [[("run", 2), ("fault", 1), ("idle", 1)]]);
/// ```
#[derive(Clone, Debug)]
pub struct ValueCounts<V>(BTreeMap<V, u64>);

impl<V: Ord> ValueCounts<V> {
    /// Begins with no value.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Begins with the counts of an earlier run.
    pub fn starting_at(counts: impl IntoIterator<Item = (V, u64)>) -> Self {
        Self(counts.into_iter().collect())
    }
}

impl<V: Ord> Default for ValueCounts<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Ord + Clone> Aggregate<V> for ValueCounts<V> {
    type Out = Vec<(V, u64)>;
    fn add(&mut self, value: &V) {
        match self.0.get_mut(value) {
            Some(count) => *count = count.saturating_add(1),
            None => drop(self.0.insert(value.clone(), 1)),
        }
    }
    fn remove(&mut self, value: &V) {
        match self.0.get_mut(value) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.0.remove(value)),
        }
    }
    fn value(&self) -> Option<Vec<(V, u64)>> {
        let mut counts: Vec<_> = self.0.iter().map(|(value, count)| (value.clone(), *count)).collect();
        counts.sort_by(|(_, a), (_, b)| b.cmp(a)); // stable: the smaller value stays first
        Some(counts)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.0.is_empty() {
            state.unsaved("ValueCounts");
        }
    }
}

impl<V: Saved + Ord> SavedEvents for ValueCounts<V> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        let mut held = core::mem::take(&mut self.0).into_iter();
        let mut items = SavedItems::of("values", held.len(), state);
        while items.another(state) {
            let mut counted = held.next().unwrap_or_else(<(V, u64)>::blank);
            counted.on_state("value", state);
            self.0.insert(counted.0, counted.1);
        }
    }
}

/// The value that is in the window most often; of several that are, the smallest. A NaN is left out; without any other value there is none.
///
/// It holds each different value, so round a reading first. An event costs time in proportion to the logarithm of their number.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Mode;
/// let votes = from_iter([21.5, 21.5, 22.0, 22.0, 22.0]);
/// assert_eq!(votes.aggregate(Window::sliding(4), Mode::new()).collect_now(), [21.5, 22.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Mode<V> {
    counts: BTreeMap<Ordered<V>, u64>,
    /// The most frequent is the last, and of those the smallest.
    ranks: BTreeSet<(u64, core::cmp::Reverse<Ordered<V>>)>,
}

impl<V: Number> Mode<V> {
    /// Begins with no value.
    pub const fn new() -> Self {
        Self { counts: BTreeMap::new(), ranks: BTreeSet::new() }
    }

    fn count(&mut self, value: V, change: impl FnOnce(u64) -> u64) {
        let value = Ordered(value);
        let before = self.counts.get(&value).copied().unwrap_or(0);
        let after = change(before);
        self.ranks.remove(&(before, core::cmp::Reverse(value)));
        if after == 0 {
            self.counts.remove(&value);
        } else {
            self.counts.insert(value, after);
            self.ranks.insert((after, core::cmp::Reverse(value)));
        }
    }
}

impl<V: Number> Default for Mode<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// A number in the order of all numbers, but that 0.0 and -0.0, which is what rounding makes of -0.04, are one.
#[derive(Clone, Copy, Debug)]
struct Ordered<V>(V);

impl<V: Number> Ord for Ordered<V> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 { Ordering::Equal } else { self.0.order(&other.0) }
    }
}
impl<V: Number> PartialOrd for Ordered<V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<V: Number> PartialEq for Ordered<V> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl<V: Number> Eq for Ordered<V> {}

impl<V: Number> Aggregate<V> for Mode<V> {
    type Out = V;
    fn add(&mut self, value: &V) {
        if !value.is_nan() {
            self.count(*value, |count| count.saturating_add(1));
        }
    }
    fn remove(&mut self, value: &V) {
        if !value.is_nan() {
            self.count(*value, |count| count.saturating_sub(1));
        }
    }
    fn value(&self) -> Option<V> {
        self.ranks.last().map(|(_, value)| value.0.0)
    }
    fn is_missing(&self, value: &V) -> bool {
        value.is_nan()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let mut counts = core::mem::take(self).counts.into_iter();
        let mut items = SavedItems::of("values", counts.len(), state);
        while items.another(state) {
            let (mut value, mut count) = counts.next().map_or((V::blank(), 0), |(value, count)| (value.0, count));
            value.on_state("value", state);
            count.on_state("count", state);
            self.count(value, |_| count);
        }
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        value.on_state("value", state);
    }
}

impl<V: Ord> Merge for ValueCounts<V> {
    fn merge(&mut self, later: Self) {
        for (value, count) in later.0 {
            let own = self.0.entry(value).or_insert(0);
            *own = own.saturating_add(count);
        }
    }
}

impl<V: Number> Merge for Mode<V> {
    fn merge(&mut self, later: Self) {
        for (value, count) in later.counts {
            self.count(value.0, |own| own.saturating_add(count));
        }
    }
}
