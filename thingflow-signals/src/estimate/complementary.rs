//! [`Complementary`]: one value out of a sensor of its rate and a sensor of itself.

use core::time::Duration;

use thingflow_core::{Instant, StateVisitor};

use crate::remembered::{finite, flag};
use crate::time::Elapsed;

/// Puts together what a fast sensor says of changes and what a slow or noisy one says of the value: an angle out of a
/// gyroscope, which drifts, and an accelerometer, which shakes. Changes that are quicker than the time constant are taken from
/// the rate, slower ones from the value.
///
/// It has two inputs, so it is called by hand, in the `map_with` of a join of both.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::Instant;
/// use thingflow_signals::estimate::Complementary;
/// let mut angle = Complementary::new(Duration::from_millis(500));
/// let mut last = 0.0;
/// for n in 0..1000 {
///     let at = Instant::from_nanos(n * 10_000_000);
///     last = angle.update(0.2, 30.0 + if n % 2 == 0 { 5.0 } else { -5.0 }, at); // a gyroscope that drifts by 0.2 °/s
/// }
/// assert!((last - 30.0).abs() < 0.3);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Complementary {
    time_constant: f64,
    value: f64,
    elapsed: Elapsed,
    has_begun: bool,
}

impl Complementary {
    /// `time_constant`: for how long the sensor of the rate is right.
    ///
    /// # Panics
    /// If it is zero.
    #[track_caller]
    pub fn new(time_constant: Duration) -> Self {
        assert!(!time_constant.is_zero(), "Complementary::new({time_constant:?}): a time constant is more than 0 s");
        Self { time_constant: time_constant.as_secs_f64(), value: 0.0, elapsed: Elapsed::default(), has_begun: false }
    }

    /// Takes a rate, in the value's unit a second, and a value; gives the estimate. An input that is not finite is left out.
    pub fn update(&mut self, rate: f64, value: f64, at: Instant) -> f64 {
        let seconds = self.elapsed.since_last(at).unwrap_or(0.0);
        if !self.has_begun {
            if value.is_finite() {
                (self.value, self.has_begun) = (value, true);
            }
            return self.value;
        }
        if rate.is_finite() {
            self.value += rate * seconds;
        }
        if value.is_finite() {
            self.value += seconds / (self.time_constant + seconds) * (value - self.value);
        }
        if !self.value.is_finite() {
            (self.value, self.has_begun) = (0.0, false); // beyond the range of a float: it begins anew
        }
        self.value
    }

    /// Shows the estimate to a walk that saves or restores it.
    pub fn state(&mut self, state: &mut dyn StateVisitor) {
        finite(state, "value", &mut self.value);
        flag(state, "has begun", &mut self.has_begun);
        self.elapsed.state(state);
    }
}
