//! [`MovingVariance`]: mean and variance in which old samples fade.

use thingflow_core::{Instant, StateVisitor};

use crate::processor::Processor;
use crate::remembered::{finite, finite_from, flag};

/// Mean and variance in which the newest sample has the share `alpha` and all before it the rest. As a processor it sends the
/// standard deviation.
///
/// The variance is that of the weights as they are, without a correction for their number (T. Finch, *Incremental Calculation
/// of Weighted Mean and Variance*, 2009; `ewm(alpha, adjust=False).var(bias=True)` of pandas).
///
/// ```
/// use thingflow_signals::estimate::MovingVariance;
/// let mut moving = MovingVariance::new(0.5);
/// [2.0, 4.0, 4.0].map(|sample| moving.push(sample));
/// assert_eq!((moving.mean(), moving.variance()), (3.5, 0.75));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MovingVariance {
    alpha: f64,
    mean: f64,
    variance: f64,
    has_begun: bool,
}

impl MovingVariance {
    /// `alpha` is more than 0 and at most 1. An `alpha` of 2 / (n + 1) weighs about as a window of `n` samples.
    ///
    /// # Panics
    /// If it is not in that range.
    #[track_caller]
    pub fn new(alpha: f64) -> Self {
        assert!(
            alpha > 0.0 && alpha <= 1.0,
            "the share of the newest sample is more than 0 and at most 1, not {alpha}"
        );
        Self { alpha, mean: 0.0, variance: 0.0, has_begun: false }
    }

    /// Takes a sample.
    pub fn push(&mut self, sample: f64) {
        if !self.has_begun {
            (self.mean, self.has_begun) = (sample, true);
            return;
        }
        let distance = sample - self.mean;
        let step = self.alpha * distance;
        self.mean += step;
        self.variance = (1.0 - self.alpha) * (self.variance + distance * step);
        if !self.mean.is_finite() || !self.variance.is_finite() {
            (self.mean, self.variance) = (sample, 0.0); // beyond the range of a float: it begins anew
        }
    }

    /// The mean; 0 without samples.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The variance, never negative; 0 without samples.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// Shows mean and variance to a walk that saves or restores them.
    pub fn state(&mut self, state: &mut dyn StateVisitor) {
        finite(state, "mean", &mut self.mean);
        finite_from(state, "variance", &mut self.variance, 0.0);
        flag(state, "has begun", &mut self.has_begun);
    }
}

impl Processor for MovingVariance {
    type Out = f64;
    fn process(&mut self, value: f64, _: Instant) -> Option<f64> {
        self.push(value);
        Some(libm::sqrt(self.variance))
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        Self::state(self, state);
    }
}
