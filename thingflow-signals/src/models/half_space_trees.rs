//! [`HalfSpaceTrees`]: how unusual a sample is, among several numbers.

use alloc::vec;
use alloc::vec::Vec;

use thingflow_core::StateVisitor;

use super::Model;
use crate::remembered::{count, flag};

/// Says how unusual a sample of `D` numbers is, from 0 to 1: by how many samples of the last window fell into the same corner of
/// the space, which trees have divided at random. Where there are as many as if all were spread evenly it is 0.5 (S. C. Tan, K. M. Ting and T. F. Liu, *Fast Anomaly Detection for
/// Streaming Data*, IJCAI 2011). It needs no examples of what is wrong, and a fixed time and memory for each sample. Until the
/// first window is full nothing is unusual.
///
/// The same seed makes the same trees. Samples with a NaN or an infinity are as unusual as can be, and teach nothing.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::models::{HalfSpaceTrees, Learning};
/// // Two numbers that usually rise together.
/// let readings = (0..600).map(|n| { let x = f64::from(n % 50) / 50.0; if n == 555 { [0.9, 0.1] } else { [x, x] } });
/// let trees = HalfSpaceTrees::new(&[0.0..=1.0, 0.0..=1.0], 250, 1);
/// let scores = from_iter(readings).pipe(Learning(trees)).collect_now();
/// let worst = (500..600).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
/// assert_eq!(worst, 555);
/// ```
#[derive(Clone, Debug)]
pub struct HalfSpaceTrees<const D: usize> {
    trees: Vec<Tree>,
    window: u64,
    count: u64,
    has_reference: bool,
}

#[derive(Clone, Debug)]
struct Tree {
    /// The inner nodes, the root first; the children of `n` are `2n + 1` and `2n + 2`.
    splits: Vec<(usize, f64)>,
    /// Of all nodes: the samples of the last window, and of the one that is being filled.
    masses: Vec<[u64; 2]>,
}

/// As the paper has it: 25 trees of 15 levels would take 25 · 2¹⁶ numbers; 8 levels find as much of what sensors do.
const TREES: usize = 25;
const LEVELS: u32 = 8;

impl<const D: usize> HalfSpaceTrees<D> {
    /// For numbers that are usually within these ranges, with windows of so many samples; 250 is usual.
    ///
    /// # Panics
    /// If a range is empty or not finite, or the window is 0.
    #[track_caller]
    pub fn new(ranges: &[core::ops::RangeInclusive<f64>; D], window: u64, seed: u64) -> Self {
        assert!(window > 0, "HalfSpaceTrees::new(.., 0, ..): a window has a sample or more");
        for range in ranges {
            let is_finite = range.start().is_finite() && range.end().is_finite();
            assert!(
                is_finite && range.start() < range.end(),
                "HalfSpaceTrees::new({range:?}, ..): a range has an inside"
            );
        }
        let mut random = Random(seed);
        let trees = (0..TREES).map(|_| Tree::new(ranges, &mut random)).collect();
        Self { trees, window, count: 0, has_reference: false }
    }
}

impl Tree {
    fn new<const D: usize>(ranges: &[core::ops::RangeInclusive<f64>; D], random: &mut Random) -> Self {
        // A range around a point at random, wide enough to hold the usual one.
        let space = core::array::from_fn::<_, D, _>(|n| {
            let (low, high) = (*ranges[n].start(), *ranges[n].end());
            let at = low + random.next() * (high - low);
            let reach = 2.0 * (at - low).max(high - at);
            (at - reach, at + reach)
        });
        let inner = (1 << LEVELS) - 1;
        let mut tree = Self { splits: vec![(0, 0.0); inner], masses: vec![[0; 2]; 2 * inner + 1] };
        tree.split(0, space, random);
        tree
    }

    fn split<const D: usize>(&mut self, node: usize, space: [(f64, f64); D], random: &mut Random) {
        let Some(split) = self.splits.get_mut(node) else { return };
        let number = random.below(D);
        let (low, high) = space[number];
        let middle = low + (high - low) / 2.0;
        *split = (number, middle);
        let (mut left, mut right) = (space, space);
        (left[number].1, right[number].0) = (middle, middle);
        self.split(2 * node + 1, left, random);
        self.split(2 * node + 2, right, random);
    }

    /// The nodes that a sample falls into, with their depths, from the root on.
    fn path<'a>(&'a self, sample: &'a [f64]) -> impl Iterator<Item = (usize, u32)> + 'a {
        let next = |&(node, depth): &(usize, u32)| {
            let (number, middle) = self.splits.get(node)?;
            Some((2 * node + if sample[*number] < *middle { 1 } else { 2 }, depth + 1))
        };
        core::iter::successors(Some((0, 0)), next)
    }

    /// How usual a sample is: the mass of the last node that holds enough, larger for deeper ones.
    #[allow(clippy::cast_precision_loss)] // a score
    fn score(&self, sample: &[f64], enough: u64) -> f64 {
        let found = self.path(sample).find(|(node, depth)| self.masses[*node][0] <= enough || *depth == LEVELS);
        found.map_or(0.0, |(node, depth)| self.masses[node][0] as f64 * libm::ldexp(1.0, depth.cast_signed()))
    }

    fn learn(&mut self, sample: &[f64]) {
        let nodes: heapless::Vec<usize, { LEVELS as usize + 1 }> = self.path(sample).map(|(node, _)| node).collect();
        for node in nodes {
            self.masses[node][1] += 1;
        }
    }
}

impl<const D: usize> Model<[f64; D]> for HalfSpaceTrees<D> {
    type Out = f64;
    #[allow(clippy::cast_precision_loss)] // a score
    fn predict(&self, sample: &[f64; D]) -> f64 {
        if sample.iter().any(|value| !value.is_finite()) {
            return 1.0;
        }
        if !self.has_reference {
            return 0.0;
        }
        let score: f64 = self.trees.iter().map(|tree| tree.score(sample, self.window / 10)).sum();
        let density = score / (TREES as f64 * self.window as f64);
        1.0 / (1.0 + density)
    }
    fn learn(&mut self, sample: &[f64; D]) {
        if sample.iter().any(|value| !value.is_finite()) {
            return;
        }
        self.trees.iter_mut().for_each(|tree| tree.learn(sample));
        self.count += 1;
        if self.count < self.window {
            return;
        }
        (self.count, self.has_reference) = (0, true);
        let masses = self.trees.iter_mut().flat_map(|tree| &mut tree.masses);
        masses.for_each(|mass| *mass = [mass[1], 0]);
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        count(state, "samples", &mut self.count, self.window - 1);
        flag(state, "has a reference", &mut self.has_reference);
        for mass in self.trees.iter_mut().flat_map(|tree| &mut tree.masses).flatten() {
            count(state, "mass", mass, self.window);
        }
    }
}

/// Numbers that look like chance (S. Vigna, SplitMix64).
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to less than 1.
    #[allow(clippy::cast_precision_loss)] // 53 bits are exact
    fn next(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    #[allow(clippy::cast_possible_truncation)] // the remainder is small
    fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }
}
