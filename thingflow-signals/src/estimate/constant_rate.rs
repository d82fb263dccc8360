//! [`ConstantRate`]: a value and its rate, with their errors.

use thingflow_core::{Instant, StateVisitor};

use super::ValueAndRate;
use crate::processor::Processor;
use crate::remembered::{finite, flag};
use crate::time::Elapsed;

/// The best estimate of a value and its rate, of a thing whose rate changes at random: a Kalman filter with two states and
/// white noise of acceleration (Y. Bar-Shalom, *Estimation with Applications to Tracking and Navigation*, 2001, 6.2.2).
///
/// ```
/// use thingflow_core::Instant;
/// use thingflow_signals::{estimate::ConstantRate, prelude::*};
/// // A tank that is being filled: its rate changes by about 0.01 l/s in a second, the gauge is right to 2 l.
/// let mut tank = ConstantRate::new(0.01, 2.0);
/// let gauge = |n: u64| 50.0 + 0.5 * n as f64 + if n % 2 == 0 { 1.5 } else { -1.5 };
/// let last = (0..300).filter_map(|n| tank.process(gauge(n), Instant::from_nanos(n * 1_000_000_000))).last().unwrap();
/// assert!((last.value - 199.5).abs() < 1.0 && (last.rate - 0.5).abs() < 0.05);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ConstantRate {
    change: f64,
    noise: f64,
    now: ValueAndRate,
    /// Of the value, of both together, of the rate.
    covariance: [f64; 3],
    elapsed: Elapsed,
    has_begun: bool,
}

impl ConstantRate {
    /// How uncertain the rate is at the beginning, against the noise: anything goes.
    const UNKNOWN: f64 = 1e6;

    /// `change`: the standard deviation of how much the rate changes in one second. `noise`: that of a reading. In the unit of
    /// the samples.
    ///
    /// # Panics
    /// If the change is negative, or the noise is not positive.
    #[track_caller]
    pub fn new(change: f64, noise: f64) -> Self {
        assert!(change >= 0.0 && change.is_finite(), "ConstantRate::new({change}, ..): a change is 0 or more");
        assert!(
            noise > 0.0 && noise.is_finite(),
            "ConstantRate::new(.., {noise}): a sensor has some noise, more than 0"
        );
        let (change, noise) = (change * change, noise * noise);
        let new = Self {
            change,
            noise,
            now: ValueAndRate { value: 0.0, rate: 0.0 },
            covariance: [0.0; 3],
            elapsed: Elapsed::default(),
            has_begun: false,
        };
        Self { covariance: new.at_first(), ..new }
    }

    /// The covariance at the beginning.
    fn at_first(&self) -> [f64; 3] {
        [self.noise, 0.0, self.noise * Self::UNKNOWN]
    }

    /// The standard deviations of the value and of the rate.
    pub fn deviations(&self) -> (f64, f64) {
        (libm::sqrt(self.covariance[0]), libm::sqrt(self.covariance[2]))
    }

    fn predict(&mut self, seconds: f64) {
        let [value, both, rate] = self.covariance;
        let (t, q) = (seconds, self.change);
        self.now.value += self.now.rate * t;
        self.covariance = [
            value + 2.0 * t * both + t * t * rate + q * t * t * t / 3.0,
            both + t * rate + q * t * t / 2.0,
            rate + q * t,
        ];
    }

    fn correct(&mut self, sample: f64) {
        let [value, both, rate] = self.covariance;
        let total = value + self.noise;
        let surprise = sample - self.now.value;
        self.now.value += value / total * surprise;
        self.now.rate += both / total * surprise;
        self.covariance =
            [value * self.noise / total, both * self.noise / total, (rate - both * both / total).max(0.0)];
    }
}

impl Processor for ConstantRate {
    type Out = ValueAndRate;
    fn process(&mut self, value: f64, at: Instant) -> Option<ValueAndRate> {
        let seconds = self.elapsed.since_last(at);
        if core::mem::replace(&mut self.has_begun, true) {
            self.predict(seconds.unwrap_or(0.0));
            self.correct(value);
        } else {
            self.now.value = value;
        }
        if !self.now.is_finite() || self.covariance.iter().any(|entry| !entry.is_finite()) {
            // Beyond the range of a float: it begins anew.
            self.now = ValueAndRate { value, rate: 0.0 };
            self.covariance = self.at_first();
        }
        Some(self.now)
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        finite(state, "value", &mut self.now.value);
        finite(state, "rate", &mut self.now.rate);
        self.covariance.iter_mut().for_each(|entry| finite(state, "covariance", entry));
        let [value, both, rate] = self.covariance;
        if value < 0.0 || rate < 0.0 || both * both > value * rate * (1.0 + 1e-6) {
            state.refuse("covariance"); // there are no two numbers that vary so
            self.covariance = self.at_first();
        }
        flag(state, "has begun", &mut self.has_begun);
        self.elapsed.state(state);
    }
}
