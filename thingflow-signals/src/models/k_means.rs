//! [`KMeans`]: which of a few kinds a sample is.

use thingflow_core::StateVisitor;

use super::Model;
use crate::remembered::{count, finite, place};

/// Divides samples of `D` numbers into `K` groups, each around its mean, and says the number of the nearest (J. MacQueen, *Some
/// Methods for Classification and Analysis of Multivariate Observations*, 1967). The first `K` samples that differ are the
/// first means. With a `memory` of `n` samples old ones fade, and a mean follows its group when that moves.
///
/// Samples with a NaN or an infinity are of the nearest group by their other numbers, and teach nothing. Scale numbers of
/// different units first, so that none outweighs the others.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::models::{KMeans, Learning};
/// // A machine that idles at about 2 A and 40 °C, and works at about 9 A and 60 °C.
/// let readings = (0..100).map(|n| if n % 4 == 0 { [9.0, 60.0] } else { [2.0 + f64::from(n % 3) * 0.1, 40.0] });
/// let states = from_iter(readings).pipe(Learning(KMeans::<2, 2>::new(50))).skip(10).collect_now();
/// assert!(states.iter().filter(|state| **state == states[2]).count() == 22); // each fourth
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KMeans<const D: usize, const K: usize> {
    means: [[f64; D]; K],
    counts: [u64; K],
    known: usize,
    memory: u64,
}

impl<const D: usize, const K: usize> KMeans<D, K> {
    const SOME: () = assert!(D > 0 && K > 0, "samples have a number or more, and there is a group or more");

    /// With a memory of so many samples a group; `u64::MAX` forgets nothing.
    pub fn new(memory: u64) -> Self {
        let () = Self::SOME;
        Self { means: [[0.0; D]; K], counts: [0; K], known: 0, memory: memory.max(1) }
    }

    /// The means of the groups that are known.
    pub fn means(&self) -> &[[f64; D]] {
        &self.means[..self.known]
    }
}

/// The square of the distance, by the numbers that are finite.
fn distance<const D: usize>(mean: &[f64; D], sample: &[f64; D]) -> f64 {
    let steps = mean.iter().zip(sample).filter(|(_, value)| value.is_finite());
    steps.map(|(mean, value)| (value - mean) * (value - mean)).sum()
}

impl<const D: usize, const K: usize> Model<[f64; D]> for KMeans<D, K> {
    type Out = usize;
    fn predict(&self, sample: &[f64; D]) -> usize {
        let distances = self.means().iter().map(|mean| distance(mean, sample)).enumerate();
        distances.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(group, _)| group)
    }
    #[allow(clippy::cast_precision_loss)] // a share
    fn learn(&mut self, sample: &[f64; D]) {
        if sample.iter().any(|value| !value.is_finite()) {
            return;
        }
        if self.known < K && !self.means().contains(sample) {
            self.means[self.known] = *sample;
            self.known += 1;
        }
        let group = self.predict(sample);
        self.counts[group] = self.counts[group].saturating_add(1).min(self.memory);
        let share = 1.0 / self.counts[group] as f64;
        self.means[group]
            .iter_mut()
            .zip(sample)
            .for_each(|(mean, value)| *mean = *mean * (1.0 - share) + value * share);
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        place(state, "groups", &mut self.known, K);
        for (mean, learnt) in self.means.iter_mut().zip(&mut self.counts).take(self.known) {
            mean.iter_mut().for_each(|value| finite(state, "mean", value));
            count(state, "samples", learnt, self.memory);
        }
    }
}
