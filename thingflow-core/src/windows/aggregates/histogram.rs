//! [`Histogram`]: how many values of a window lie in each of some ranges.

use super::Aggregate;
use crate::measure::Number;
use crate::state::{Saved, StateVisitor};
use crate::windows::Merge;

/// How many values of the window lie in each of the ranges between some edges, in fixed memory: of `N` edges there are `N - 1` ranges, and
/// what lies below the first edge and from the last one on. A range includes its lower edge and not its upper one. A NaN is left
/// out.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Histogram;
/// # #[cfg(feature = "alloc")] {
/// let waits = from_iter([1_i32, 3, 5, 10, 12, -1]); // ms
/// let bins = waits.aggregate(Window::tumbling(6), Histogram::new([0, 5, 10])).collect_now();
/// assert_eq!(bins[0].counts(), [2, 1]); // of [0, 5) and [5, 10)
/// assert_eq!((bins[0].below, bins[0].above), (1, 2));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Histogram<V, const N: usize> {
    edges: [V; N],
    bins: Bins<N>,
}

/// How many values lie where. Made by [`Histogram`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bins<const N: usize> {
    /// How many are below the first edge.
    pub below: u64,
    /// How many are at the last edge or above it.
    pub above: u64,
    /// From each edge to the next one; that of the last edge is 0.
    counts: [u64; N],
}

impl<const N: usize> Bins<N> {
    /// How many are between each two edges: one number fewer than there are edges.
    pub fn counts(&self) -> &[u64] {
        self.counts.split_last().map_or(&[], |(_, counts)| counts)
    }

    /// How many values there are in all.
    pub fn total(&self) -> u64 {
        self.counts().iter().fold(self.below.saturating_add(self.above), |sum, count| sum.saturating_add(*count))
    }

    fn at(&mut self, edges_below: usize) -> &mut u64 {
        match edges_below.checked_sub(1) {
            None => &mut self.below,
            Some(at) if at + 1 < N => &mut self.counts[at],
            Some(_) => &mut self.above,
        }
    }
}

impl<V: Number, const N: usize> Histogram<V, N> {
    /// Begins with no value.
    ///
    /// # Panics
    /// If there is no edge, or the edges do not rise.
    #[track_caller]
    pub fn new(edges: [V; N]) -> Self {
        const { assert!(N > 0, "a histogram without edges: give it one or more") };
        let rises = edges.windows(2).all(|two| two[0].order(&two[1]).is_lt());
        assert!(
            rises && !edges.iter().any(Number::is_nan),
            "Histogram::new({edges:?}): edges rise from one to the next"
        );
        Self { edges, bins: Bins { below: 0, above: 0, counts: [0; N] } }
    }

    /// Begins with what was kept from an earlier run, with the same edges.
    #[must_use]
    pub fn starting_at(self, bins: Bins<N>) -> Self {
        Self { bins, ..self }
    }

    fn bin(&mut self, value: &V) -> &mut u64 {
        // 0.0 and -0.0 are one number, although they have an order.
        let edges_below = self.edges.partition_point(|edge| edge.order(value).is_le() || edge == value);
        self.bins.at(edges_below)
    }
}

impl<V: Number, const N: usize> Aggregate<V> for Histogram<V, N> {
    type Out = Bins<N>;
    fn add(&mut self, value: &V) {
        if !value.is_nan() {
            let bin = self.bin(value);
            *bin = bin.saturating_add(1);
        }
    }
    fn remove(&mut self, value: &V) {
        if !value.is_nan() {
            let bin = self.bin(value);
            *bin = bin.saturating_sub(1);
        }
    }
    fn value(&self) -> Option<Bins<N>> {
        Some(self.bins)
    }
    fn is_missing(&self, value: &V) -> bool {
        value.is_nan()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let Bins { below, above, counts } = &mut self.bins;
        below.on_state("below", state);
        above.on_state("above", state);
        counts.on_state("counts", state);
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        value.on_state("value", state);
    }
}

/// Of two with the same edges.
impl<V, const N: usize> Merge for Histogram<V, N> {
    fn merge(&mut self, later: Self) {
        let Bins { below, above, counts } = later.bins;
        self.bins.below = self.bins.below.saturating_add(below);
        self.bins.above = self.bins.above.saturating_add(above);
        self.bins.counts.iter_mut().zip(counts).for_each(|(bin, count)| *bin = bin.saturating_add(count));
    }
}
