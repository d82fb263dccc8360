//! [`Decimate`]: fewer samples, without aliases.

use thingflow_core::{Instant, StateVisitor};

use super::Butterworth;
use crate::processor::Processor;
use crate::remembered::count;

/// Sends every `factor`th sample, after a low pass of order 8 at 0.8 of half the new rate: what the new rate cannot show is
/// weakened (by 50 dB at 1.6 of half the new rate), where it would otherwise appear as a slower oscillation that is not
/// there.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{filters::Decimate, prelude::*};
/// // 9 Hz, seen ten times a second, would look like 1 Hz.
/// let fast = (0..4000).map(|n| (std::f64::consts::TAU * 9.0 * f64::from(n) / 100.0).sin());
/// let slow = from_iter(fast).process(Decimate::new(10)).skip(100).max_by_key(|x| (x * 1e6) as i64).collect_now();
/// assert!(slow[0] < 0.01);
/// ```
#[derive(Clone, Debug)]
pub struct Decimate {
    low_pass: Butterworth,
    factor: u64,
    /// Samples since the last that was sent.
    count: u64,
}

impl Decimate {
    /// Sends one of `factor` samples.
    ///
    /// # Panics
    /// If the factor is less than 2.
    #[track_caller]
    #[allow(clippy::cast_precision_loss)] // a frequency need not be exact
    pub fn new(factor: u64) -> Self {
        assert!(factor >= 2, "Decimate::new({factor}) leaves out nothing: the factor is 2 or more");
        Self { low_pass: Butterworth::low_pass(8, 0.4, factor as f64), factor, count: 0 }
    }
}

impl Processor for Decimate {
    type Out = f64;
    #[inline]
    fn process(&mut self, value: f64, at: Instant) -> Option<f64> {
        let smooth = self.low_pass.process(value, at);
        self.count += 1;
        if self.count < self.factor {
            return None;
        }
        self.count = 0;
        smooth
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        self.low_pass.state(state);
        count(state, "samples since the last", &mut self.count, self.factor - 1);
    }
}
