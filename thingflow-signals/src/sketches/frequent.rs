//! [`Frequent`]: which values come often.

use core::hash::Hash;

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use thingflow_core::windows::{Aggregate, Merge};
use thingflow_core::{Saved, SavedEvents, SavedItems, StateVisitor};

/// The values that come most often in a window, with the bounds of their number, the most frequent first; of many different values, as
/// no [`ValueCounts`](thingflow_core::windows::ValueCounts) could hold them.
///
/// It holds up to three quarters of `size` values. Of a window of `n` values a number is off by at most 3.5 `n` / `size`, and a value that comes
/// more often than that is in the result (Misra and Gries; D. Anderson and others, *A High-Performance Algorithm for Identifying Frequent
/// Items in Data Streams*, 2017). Where values can be [`Saved`], the window that it is in is part of the state of a graph within a
/// [`Saving`](thingflow_core::Saving); otherwise a walk that saves state [is told](thingflow_core::SavedState::unsaved) that it is not.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::sketches::Frequent;
/// let codes = (0..10_000_u32).map(|n| if n % 3 == 0 { 404 } else { n }); // one code often, all others once
/// let often = from_iter(codes).aggregate(Window::tumbling(10_000), Frequent::new(64)).collect_now().remove(0);
/// assert_eq!(often[0].value, 404);
/// assert!((often[0].at_least..=often[0].at_most).contains(&3_334));
/// ```
#[derive(Clone, Debug)]
pub struct Frequent<V> {
    sketch: FrequentItemsSketch<V>,
    /// How often a value may have come that is not in a sketch which has been put together anew from a state.
    missed: u64,
}

/// The most values of a state: far fewer than the sketch can count.
const MOST: u64 = 1 << 48;

/// A value and how often it has come. Made by [`Frequent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frequency<V> {
    /// The value.
    pub value: V,
    /// It has come so often or more often.
    pub at_least: u64,
    /// It has come so often or less often.
    pub at_most: u64,
}

impl<V: Eq + Hash> Frequent<V> {
    /// Begins with no value.
    ///
    /// # Panics
    /// If the size is not a power of two from 8 to 2^26.
    #[track_caller]
    pub fn new(size: usize) -> Self {
        let fits = size.is_power_of_two() && (8..=1 << 26).contains(&size);
        match FrequentItemsSketch::new(size) {
            Ok(sketch) if fits => Self { sketch, missed: 0 },
            _ => panic!("Frequent::new({size}): use a power of two, from 8 to 67,108,864"),
        }
    }
}

impl<V: Eq + Hash + Clone> Aggregate<V> for Frequent<V> {
    type Out = Vec<Frequency<V>>;
    const ROOM: usize = 0;
    fn add(&mut self, value: &V) {
        self.sketch.update_ref(value);
    }
    fn remove(&mut self, _: &V) {}
    fn value(&self) -> Option<Vec<Frequency<V>>> {
        let rows = self.sketch.frequent_items(ErrorType::NoFalseNegatives);
        let frequency = |row: &datasketches::frequencies::Row<V>| Frequency {
            value: row.item().clone(),
            at_least: row.lower_bound(),
            at_most: row.upper_bound() + self.missed,
        };
        let mut frequencies: Vec<_> = rows.iter().map(frequency).collect();
        frequencies.sort_by_key(|frequency| std::cmp::Reverse(frequency.at_most));
        Some(frequencies)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.sketch.is_empty() {
            state.unsaved("Frequent");
        }
    }
}

impl<V: Eq + Hash + Clone> Merge for Frequent<V> {
    fn merge(&mut self, later: Self) {
        self.sketch.merge(&later.sketch);
        self.missed += later.missed;
    }
}

impl<V: Eq + Hash + Clone + Saved> SavedEvents for Frequent<V> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        let rows = self.sketch.frequent_items(ErrorType::NoFalseNegatives);
        let mut missed = self.missed + self.sketch.maximum_error();
        self.sketch.reset();
        missed.on_state("missed", state);
        let mut left = MOST.saturating_sub(missed);
        let mut held = rows.iter();
        let mut items = SavedItems::of("values", held.len(), state);
        while items.another(state) {
            let row = held.next();
            let (mut value, mut count) =
                row.map_or_else(|| (V::blank(), 0), |row| (row.item().clone(), row.lower_bound()));
            value.on_state("value", state);
            count.on_state("count", state);
            match left.checked_sub(count) {
                Some(rest) => {
                    left = rest;
                    self.sketch.update_with_count(value, count);
                }
                None => state.refuse("values"),
            }
        }
        self.missed = missed.min(MOST);
    }
}
