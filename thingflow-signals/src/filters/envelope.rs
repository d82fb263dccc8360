//! [`Envelope`]: how strong an oscillation is.

use thingflow_core::{Instant, StateVisitor};

use crate::processor::Processor;
use crate::remembered::finite_from;

/// Follows the size of a signal: up within the time `attack`, down within the time `release`, both in seconds, in which the
/// distance falls to 1/e. The signal's mean should be 0: a [high pass](super::Butterworth::high_pass) in front sees to that.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{filters::Envelope, prelude::*};
/// let burst = (0..1000).map(|n| if n < 500 { (f64::from(n) * 0.5).sin() * 2.0 } else { 0.0 });
/// let strength = from_iter(burst).process(Envelope::new(0.001, 0.05, 1000.0)).collect_now();
/// assert!(strength[499] > 1.7 && strength[999] < 0.01);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Envelope {
    attack: f64,
    release: f64,
    level: f64,
}

impl Envelope {
    /// For `rate` samples a second.
    ///
    /// # Panics
    /// If a time is negative, or the rate is not positive.
    #[track_caller]
    pub fn new(attack: f64, release: f64, rate: f64) -> Self {
        assert!(
            attack >= 0.0 && release >= 0.0,
            "the times of an envelope are 0 s or more, not {attack} and {release}"
        );
        assert!(rate > 0.0 && rate.is_finite(), "there are more than 0 samples a second, not {rate}");
        let share = |time: f64| if time == 0.0 { 1.0 } else { -libm::expm1(-1.0 / (time * rate)) };
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
