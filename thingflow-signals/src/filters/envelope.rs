//! [`Envelope`]: how strong an oscillation is.

use core::time::Duration;

use thingflow_core::{Instant, StateVisitor};

use crate::processor::Processor;
use crate::remembered::finite_from;

/// Follows the size of a signal: up within the time `attack`, down within the time `release`, in which the distance falls
/// to 1/e. The signal's mean should be 0: a [high pass](super::Butterworth::high_pass) in front sees to that.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{filters::Envelope, prelude::*};
/// let burst = (0..1000).map(|n| if n < 500 { (f64::from(n) * 0.5).sin() * 2.0 } else { 0.0 });
/// let envelope = Envelope::new(Duration::from_millis(1), Duration::from_millis(50), 1000.0);
/// let strength = from_iter(burst).process(envelope).collect_now();
/// assert!(strength[499] > 1.7 && strength[999] < 0.01);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Envelope {
    attack: f64,
    release: f64,
    level: f64,
}

impl Envelope {
    /// For `rate` samples a second. A time of zero follows at once.
    ///
    /// # Panics
    /// If the rate is not positive.
    #[track_caller]
    pub fn new(attack: Duration, release: Duration, rate: f64) -> Self {
        assert!(rate > 0.0 && rate.is_finite(), "there are more than 0 samples a second, not {rate}");
        let share =
            |time: Duration| if time.is_zero() { 1.0 } else { -libm::expm1(-1.0 / (time.as_secs_f64() * rate)) };
        Self { attack: share(attack), release: share(release), level: 0.0 }
    }
}

impl Processor for Envelope {
    type Out = f64;
    #[inline]
    fn process(&mut self, value: f64, _: Instant) -> Option<f64> {
        let size = libm::fabs(value);
        let share = if size > self.level { self.attack } else { self.release };
        self.level += share * (size - self.level);
        Some(self.level)
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        finite_from(state, "level", &mut self.level, 0.0);
    }
}
