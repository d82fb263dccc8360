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
/// sample; other values are drawn from other places, so no place in a window is preferred over many windows. Nothing can be taken out of it, so
/// windows that overlap are refused when they are made.
///
/// A sample that is restored by a program that asks for fewer values is thinned out, each value as likely as any other; where more are
/// asked for the sample stays as small until its window ends.
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
    /// Up to how many values all are taken in: `size`, or fewer where some have been left out already.
    room: usize,
    values: Vec<V>,
    /// How many values there were.
    count: u64,
    random: u64,
}

impl<V> Reservoir<V> {
    /// Begins with no value; the sample has `n` values at most.
    #[track_caller]
    pub fn new(n: impl Into<Size>, seed: u64) -> Self {
        let size = n.into().get();
        Self { size, room: size, values: Vec::new(), count: 0, random: seed }
    }

    /// A number below `end`, each as likely (but for one in 2^64 divided by `end`).
    #[allow(clippy::cast_possible_truncation)] // the upper half
    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        ((u128::from(mixed(self.random)) * u128::from(end)) >> 64) as u64
    }

    fn at_random(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// A copy of a value, on which depends what is drawn from now on: each window begins with the same seed.
    fn copy(&mut self, value: &V) -> V
    where
        V: Clone + Saved,
    {
        let mut copy = value.clone();
        copy.on_state("value", &mut MixIn(&mut self.random));
        copy
    }
}

/// The bits of a number, each dependent on all of them.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Mixes what it is shown into a number.
struct MixIn<'a>(&'a mut u64);

impl StateVisitor for MixIn<'_> {
    fn integer(&mut self, _: &str, value: &mut u64) {
        *self.0 = mixed(*self.0 ^ *value);
    }
    fn float(&mut self, _: &str, value: &mut f64) {
        *self.0 = mixed(*self.0 ^ value.to_bits());
    }
}

impl<V: Clone + Saved> Aggregate<V> for Reservoir<V> {
    type Out = Vec<V>;
    const ROOM: usize = 0;
    fn add(&mut self, value: &V) {
        self.count = self.count.saturating_add(1);
        let held = self.values.len();
        let place = if held < self.room { held } else { usize::try_from(self.below(self.count)).unwrap_or(usize::MAX) };
        if place >= self.room {
            return;
        }
        let copy = self.copy(value);
        match self.values.get_mut(place) {
            Some(drawn) => *drawn = copy,
            None => self.values.push(copy),
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
            self.values.push(value);
        }
        self.count = self.count.max(self.values.len() as u64);
        while self.values.len() > self.size {
            let at = self.at_random(self.values.len());
            self.values.swap_remove(at);
        }
        if self.values.is_empty() && self.count > 0 {
            state.refuse("sample"); // there has been a value, so there is one
            self.count = 0;
        }
        self.room = if (self.values.len() as u64) < self.count { self.values.len() } else { self.size };
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
        self.room = self.room.min(later.room);
        while self.values.len() < self.room && !(mine.is_empty() && later.values.is_empty()) {
            let is_mine = later.values.is_empty() || !mine.is_empty() && self.below(own.saturating_add(others)) < own;
            let (from, left) = if is_mine { (&mut mine, &mut own) } else { (&mut later.values, &mut others) };
            *left = left.saturating_sub(1);
            let at = self.at_random(from.len());
            self.values.push(from.swap_remove(at));
        }
    }
}
