//! [`AlphaBeta`]: a value and its rate, with two fixed shares.

use thingflow_core::{Instant, StateVisitor};

use super::ValueAndRate;
use crate::processor::Processor;
use crate::remembered::{finite, flag};
use crate::time::Elapsed;

/// Follows a value that changes steadily, and says how fast: each sample corrects the value by the share `alpha` of the
/// surprise, and the rate by the share `beta`.
///
/// ```
/// use thingflow_core::Instant;
/// use thingflow_signals::{estimate::AlphaBeta, prelude::*};
/// let mut level = AlphaBeta::new(0.5, 0.2);
/// let rising = (0..100).filter_map(|n| level.process(f64::from(n) * 3.0, Instant::from_nanos(u64::from(n as u32) * 1_000_000_000)));
/// let last = rising.last().unwrap();
/// assert!((last.value - 297.0).abs() < 1e-6 && (last.rate - 3.0).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AlphaBeta {
    alpha: f64,
    beta: f64,
    now: ValueAndRate,
    elapsed: Elapsed,
    has_begun: bool,
}

impl AlphaBeta {
    /// It is stable for an `alpha` between 0 and 1 and a `beta` between 0 and 4 - 2·alpha. For the least error of a given
    /// delay beta is alpha² / (2 - alpha) (T. R. Benedict and G. W. Bordner, 1962).
    ///
    /// # Panics
    /// If a share is not in its range.
    #[track_caller]
    pub fn new(alpha: f64, beta: f64) -> Self {
        assert!(alpha > 0.0 && alpha <= 1.0, "AlphaBeta::new({alpha}, ..): alpha is more than 0 and at most 1");
        assert!(beta >= 0.0 && beta < 4.0 - 2.0 * alpha, "AlphaBeta::new(.., {beta}): beta is 0 to 4 - 2 alpha");
        Self { alpha, beta, now: ValueAndRate { value: 0.0, rate: 0.0 }, elapsed: Elapsed::default(), has_begun: false }
    }
}

impl Processor for AlphaBeta {
    type Out = ValueAndRate;
    fn process(&mut self, value: f64, at: Instant) -> Option<ValueAndRate> {
        let seconds = self.elapsed.since_last(at);
        if !core::mem::replace(&mut self.has_begun, true) {
            self.now.value = value;
            return Some(self.now);
        }
        let seconds = seconds.unwrap_or(0.0);
        let expected = self.now.value + self.now.rate * seconds;
        let surprise = value - expected;
        self.now.value = expected + self.alpha * surprise;
        if seconds > 0.0 {
            self.now.rate += self.beta * surprise / seconds;
        }
        if !self.now.is_finite() {
            self.now = ValueAndRate { value, rate: 0.0 }; // beyond the range of a float: it begins anew
        }
        Some(self.now)
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        finite(state, "value", &mut self.now.value);
        finite(state, "rate", &mut self.now.rate);
        flag(state, "has begun", &mut self.has_begun);
        self.elapsed.state(state);
    }
}
