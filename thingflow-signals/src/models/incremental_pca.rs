//! [`IncrementalPca`]: the few directions in which many numbers go together.

use thingflow_core::StateVisitor;

use super::Model;
use crate::remembered::{count, finite};

/// Transforms samples of `D` numbers into how far they lie along the `K` directions in which samples differ most, their principal
/// components, the strongest first. It learns them sample by sample, without a matrix: candid covariance-free incremental
/// principal component analysis (J. Weng, Y. Zhang and W.-S. Hwang, IEEE Transactions on Pattern Analysis and Machine
/// Intelligence 25, 2003, pp. 1034-1040). With a `memory` of `n` samples old ones fade, and the directions follow a process that
/// changes.
///
/// The sign of a direction is that of the first sample that showed it. Samples with a NaN or an infinity teach nothing, and
/// count by their other numbers. Scale numbers of different units first, so that none outweighs the others.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::models::{IncrementalPca, Learning, Model};
/// // Three bearings of one machine: all warm up with its load, and little else.
/// let readings = (0..2_000).map(|n| {
///     let (load, noise) = (f64::from(n * 37 % 100) / 10.0, f64::from(n % 7 - 3) * 0.01);
///     [40.0 + 2.0 * load, 45.0 + load + noise, 50.0 + 2.0 * load - noise]
/// });
/// let mut pca = IncrementalPca::<3, 2>::new(500);
/// readings.for_each(|sample| pca.learn(&sample));
/// let [[a, b, c], _] = pca.components();
/// assert!((a / b - 2.0).abs() < 0.01 && (c / b - 2.0).abs() < 0.01);
/// // A bearing that warms up alone: along the first direction little has happened, along the second very much.
/// let [usual, alone] = pca.predict(&[50.0, 58.0, 60.0]);
/// assert!(alone.abs() > 5.0 && usual.abs() < 3.0, "{usual} {alone}");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct IncrementalPca<const D: usize, const K: usize> {
    mean: [f64; D],
    /// The directions, each as long as the variance along it.
    scaled: [[f64; D]; K],
    count: u64,
    memory: u64,
}

impl<const D: usize, const K: usize> IncrementalPca<D, K> {
    const SOME: () = assert!(K > 0 && K <= D, "a sample of D numbers has 1 to D directions");

    /// With a memory of so many samples, 2 at least; `u64::MAX` forgets nothing.
    pub fn new(memory: u64) -> Self {
        let () = Self::SOME;
        Self { mean: [0.0; D], scaled: [[0.0; D]; K], count: 0, memory: memory.max(2) }
    }

    /// The directions, each of length 1; of what has not been seen yet all numbers are 0.
    pub fn components(&self) -> [[f64; D]; K] {
        self.scaled.map(|direction| unit(&direction).1)
    }

    /// The variances along the directions.
    pub fn variances(&self) -> [f64; K] {
        self.scaled.map(|direction| unit(&direction).0)
    }

    /// What a sample lies off the mean; a number that is missing lies on it.
    fn centred(&self, sample: &[f64; D]) -> [f64; D] {
        let off = |n: usize| sample[n] - self.mean[n];
        core::array::from_fn(|n| Some(off(n)).filter(|off| off.is_finite()).unwrap_or(0.0))
    }
}

/// The length of a vector, and a vector of length 1 in its direction.
fn unit<const D: usize>(vector: &[f64; D]) -> (f64, [f64; D]) {
    let largest = vector.iter().fold(0.0, |largest: f64, value| largest.max(libm::fabs(*value)));
    if largest == 0.0 {
        return (0.0, [0.0; D]);
    }
    let scaled = vector.map(|value| value / largest); // its squares neither overflow nor vanish
    let length = libm::sqrt(dot(&scaled, &scaled));
    (largest * length, scaled.map(|value| value / length))
}

fn dot<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl<const D: usize, const K: usize> Model<[f64; D]> for IncrementalPca<D, K> {
    type Out = [f64; K];
    fn predict(&self, sample: &[f64; D]) -> [f64; K] {
        let off = self.centred(sample);
        self.components().map(|direction| dot(&direction, &off))
    }
    #[allow(clippy::cast_precision_loss)] // a share
    fn learn(&mut self, sample: &[f64; D]) {
        if sample.iter().any(|value| !value.is_finite()) {
            return;
        }
        self.count = self.count.saturating_add(1).min(self.memory);
        let share = 1.0 / self.count as f64;
        self.mean.iter_mut().zip(sample).for_each(|(mean, value)| *mean = *mean * (1.0 - share) + value * share);
        let mut left = self.centred(sample);
        for direction in &mut self.scaled {
            let (length, known) = unit(direction);
            let along = dot(&left, &known);
            let learnt: [f64; D] = if length > 0.0 {
                core::array::from_fn(|n| direction[n] * (1.0 - share) + left[n] * along * share)
            } else {
                let (length, new) = unit(&left);
                new.map(|value| value * length * length * share)
            };
            if learnt.iter().all(|value| value.is_finite()) {
                *direction = learnt;
            }
            let (_, new) = unit(direction);
            let along = dot(&left, &new);
            left = core::array::from_fn(|n| left[n] - along * new[n]);
            if left.iter().any(|value| !value.is_finite()) {
                return;
            }
        }
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        count(state, "samples", &mut self.count, self.memory);
        self.mean.iter_mut().for_each(|mean| finite(state, "mean", mean));
        self.scaled.iter_mut().flatten().for_each(|value| finite(state, "direction", value));
    }
}
