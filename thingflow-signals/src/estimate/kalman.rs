//! [`Kalman`]: the value of a sensor that is noisy, of a thing that drifts.

use thingflow_core::{Instant, StateVisitor};

use crate::processor::Processor;
use crate::remembered::{finite, finite_from, flag};
use crate::time::Elapsed;

/// The best estimate of a value that drifts at random, by a sensor with noise: a Kalman filter with one state
/// (R. E. Kalman, *A New Approach to Linear Filtering and Prediction Problems*, 1960). Unlike a mean it is quick after a long
/// silence and calm when readings come fast.
///
/// ```
/// use thingflow_core::Instant;
/// use thingflow_signals::{estimate::Kalman, prelude::*};
/// // A room drifts by about 0.02 °C in a second; the sensor is right to 0.5 °C.
/// let mut room = Kalman::new(0.02, 0.5);
/// let second = |n: u64| Instant::from_nanos(n * 1_000_000_000);
/// let noisy = (0..200).map(|n| (n, if n % 2 == 0 { 20.4 } else { 19.6 }));
/// let last = noisy.filter_map(|(n, celsius)| room.process(celsius, second(n))).last().unwrap();
/// assert!((last - 20.0).abs() < 0.05);
/// assert!(room.deviation() < 0.11);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Kalman {
    drift: f64,
    noise: f64,
    value: f64,
    variance: f64,
    elapsed: Elapsed,
    has_begun: bool,
}

impl Kalman {
    /// `drift`: the standard deviation of how much the value changes in one second (over `t` seconds √t times that).
    /// `noise`: the standard deviation of a reading. Both in the unit of the samples.
    ///
    /// # Panics
    /// If the drift is negative, or the noise is not positive.
    #[track_caller]
    pub fn new(drift: f64, noise: f64) -> Self {
        assert!(drift >= 0.0 && drift.is_finite(), "Kalman::new({drift}, ..): a drift is 0 or more");
        assert!(noise > 0.0 && noise.is_finite(), "Kalman::new(.., {noise}): a sensor has some noise, more than 0");
        Self {
            drift: drift * drift,
            noise: noise * noise,
            value: 0.0,
            variance: 0.0,
            elapsed: Elapsed::default(),
            has_begun: false,
        }
    }

    /// The standard deviation of the estimate; 0 before the first sample.
    pub fn deviation(&self) -> f64 {
        libm::sqrt(self.variance)
    }
}

impl Processor for Kalman {
    type Out = f64;
    fn process(&mut self, value: f64, at: Instant) -> Option<f64> {
        let seconds = self.elapsed.since_last(at);
        if !core::mem::replace(&mut self.has_begun, true) {
            (self.value, self.variance) = (value, self.noise);
            return Some(value);
        }
        let before = self.variance + self.drift * seconds.unwrap_or(0.0);
        let gain = before / (before + self.noise);
        self.value += gain * (value - self.value);
        self.variance = gain * self.noise;
        if !self.value.is_finite() || !self.variance.is_finite() {
            (self.value, self.variance) = (value, self.noise); // beyond the range of a float: it begins anew
        }
        Some(self.value)
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        finite(state, "value", &mut self.value);
        finite_from(state, "variance", &mut self.variance, 0.0);
        flag(state, "has begun", &mut self.has_begun);
        self.elapsed.state(state);
    }
}
