//! [`Frequent`]: which values come often.

use core::hash::Hash;

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use thingflow_core::StateVisitor;
use thingflow_core::windows::{Aggregate, Merge};

/// The values that come most often in a window, with the bounds of their number, the most frequent first; of many different values, as
/// no [`ValueCounts`](thingflow_core::windows::ValueCounts) could hold them.
///
/// It holds up to three quarters of `size` values. Of a window of `n` values a number is off by at most 3.5 `n` / `size`, and a value that comes
/// more often than that is in the result (Misra and Gries; D. Anderson and others, *A High-Performance Algorithm for Identifying Frequent
/// Items in Data Streams*, 2017). A walk that saves state does not reach into it, since a value may be of any type, and
/// [is told so](thingflow_core::SavedState::unsaved).
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
}

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
            Ok(sketch) if fits => Self { sketch },
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
            at_most: row.upper_bound(),
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
    }
}
