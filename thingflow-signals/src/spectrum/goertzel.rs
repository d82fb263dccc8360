//! [`Goertzel`]: how strong a signal is at one frequency.

use thingflow_core::{Instant, StateVisitor};

use crate::filters::check_frequency;
use crate::processor::Processor;
use crate::remembered::{count, finite};

/// Sends, after each `length` samples, the amplitude at one frequency: of `a · sin(2π·f·t)` about `a`, exactly so where a
/// piece holds a whole number of periods (G. Goertzel, *An Algorithm for the Evaluation of Finite Trigonometric Series*,
/// 1958). Frequencies that are further apart than `rate / length` hertz are told from each other.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{prelude::*, spectrum::Goertzel};
/// let hum = (0..200).map(|n| 1.5 * (std::f64::consts::TAU * 50.0 * f64::from(n) / 1000.0).sin());
/// let strength = from_iter(hum).process(Goertzel::new(50.0, 1000.0, 200)).round(9).collect_now();
/// assert_eq!(strength, [1.5]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Goertzel {
    coefficient: f64,
    length: u64,
    count: u64,
    delayed: [f64; 2],
}

impl Goertzel {
    /// Watches `hertz`, for `rate` samples a second, in pieces of `length` samples.
    ///
    /// # Panics
    /// If the frequency does not lie between 0 and half the rate, or the length is 0.
    #[track_caller]
    pub fn new(hertz: f64, rate: f64, length: u64) -> Self {
        check_frequency(hertz, rate);
        assert!(length > 0, "a piece of 0 samples has no frequencies");
        let coefficient = 2.0 * libm::cos(core::f64::consts::TAU * hertz / rate);
        Self { coefficient, length, count: 0, delayed: [0.0; 2] }
    }
}

impl Processor for Goertzel {
    type Out = f64;
    #[inline]
    #[allow(clippy::cast_precision_loss)] // a number of samples
    fn process(&mut self, value: f64, _: Instant) -> Option<f64> {
        let [newer, older] = self.delayed;
        self.delayed = [value + self.coefficient * newer - older, newer];
        self.count += 1;
        if self.count < self.length {
            return None;
        }
        let [newer, older] = core::mem::take(&mut self.delayed);
        self.count = 0;
        let power = newer * newer + older * older - self.coefficient * newer * older;
        Some(2.0 * libm::sqrt(power.max(0.0)) / self.length as f64)
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        count(state, "samples", &mut self.count, self.length - 1);
        self.delayed.iter_mut().for_each(|delayed| finite(state, "delayed", delayed));
    }
}
