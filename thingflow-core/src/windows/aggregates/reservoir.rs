//! [`Reservoir`]: a sample of the values in a window, each as likely as any other.

use alloc::vec::Vec;

use super::Aggregate;
use crate::size::Size;
use crate::state::{Saved, SavedItems, StateVisitor};
use crate::windows::Merge;

/// A sample of `n` values of a window in which each value is as likely as any other, whatever their number: to draw a chart of, to look at
/// some of very many. Of fewer values it has all.
///
/// It holds the sample (algorithm R, J. S. Vitter, *Random Sampling with a Reservoir*, 1985). The same seed and the same values give the same
/// sample. Nothing can be taken out of it, so windows that overlap are refused when they are made.
///
/// ```
/// # use thingflow_core::prelude::*;
/// use thingflow_core::windows::Reservoir;
/// let readings = (0..10_000).map(f64::from);
/// let sample = from_iter(readings).aggregate(Window::tumbling(10_000), Reservoir::new(100, 1)).collect_now().remove(0);
/// let mean = sample.iter().sum::<f64>() / 100.0;
/// assert!((4_000.0..6_000.0).contains(&mean));
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "sample")]
pub struct Reservoir<V> {
    size: usize,
    values: Vec<V>,
    /// How many values there were.
    count: u64,
    random: u64,
}

impl<V> Reservoir<V> {
    /// Begins with no value; the sample has `n` values at most.
    #[track_caller]
    pub fn new(n: impl Into<Size>, seed: u64) -> Self {
        Self { size: n.into().get(), values: Vec::new(), count: 0, random: seed }
    }

    /// A number below `end`, each as likely (but for one in 2^64 divided by `end`).
    #[allow(clippy::cast_possible_truncation)] // the upper half
    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(end)) >> 64) as u64
    }

    fn at_random(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }
}

impl<V: Clone + Saved> Aggregate<V> for Reservoir<V> {
    type Out = Vec<V>;
    const ROOM: usize = 0;
    fn add(&mut self, value: &V) {
        self.count = self.count.saturating_add(1);
        if self.values.len() < self.size {
            return self.values.push(value.clone());
        }
        let place = self.below(self.count);
        if let Some(drawn) = usize::try_from(place).ok().and_then(|place| self.values.get_mut(place)) {
            *drawn = value.clone();
        }
    }
    fn remove(&mut self, _: &V) {}
    fn value(&self) -> Option<Vec<V>> {
        Some(self.values.clone())
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.count.on_state("count", state);
        self.random.on_state("random", state);
        let mut held = core::mem::take(&mut self.values).into_iter();
        let mut items = SavedItems::of("sample", held.len(), state);
        while items.another(state) {
            let mut value = held.next().unwrap_or_else(V::blank);
            value.on_state("value", state);
            if self.values.len() < self.size {
                self.values.push(value);
            }
        }
        self.count = self.count.max(self.values.len() as u64);
    }
}

/// Each value of both is as likely in the sample as any other.
impl<V> Merge for Reservoir<V> {
    fn merge(&mut self, mut later: Self) {
        let (mut own, mut others) = (self.count, later.count);
        let mut mine = core::mem::take(&mut self.values);
        self.count = own.saturating_add(others);
        // Both may have begun with one seed: what is drawn now is to have nothing to do with what was drawn before.
        self.random = self.random.wrapping_mul(0xd134_2543_de82_ef95) ^ later.random.rotate_left(32) ^ own;
        self.below(1);
        while self.values.len() < self.size && !(mine.is_empty() && later.values.is_empty()) {
            let is_mine = later.values.is_empty() || !mine.is_empty() && self.below(own.saturating_add(others)) < own;
            let (from, left) = if is_mine { (&mut mine, &mut own) } else { (&mut later.values, &mut others) };
            *left = left.saturating_sub(1);
            let at = self.at_random(from.len());
            self.values.push(from.swap_remove(at));
        }
    }
}
