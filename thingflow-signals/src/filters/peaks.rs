//! [`Peaks`]: the tops of a signal, as soon as they are known to be tops.

use core::time::Duration;

use thingflow_core::{Instant, Saved, StateVisitor};

use crate::processor::Processor;
use crate::remembered::{finite, flag};
use crate::time::on_state;

/// Finds the peaks of a signal: samples that stand out on both sides by a prominence, which is how far the signal falls from a peak
/// before it is higher again. They are those of SciPy's `find_peaks(.., height, prominence)`, but sent while the signal comes: a peak
/// is known when the signal has fallen by the prominence. Of equal peaks without such a fall between them it sends the first.
///
/// It holds five numbers, whatever the signal. [`throttle`](thingflow_core::Timing::throttle) behind it thins out peaks that are close.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::{filters::{Peak, Peaks}, prelude::*};
/// let pulse = [0.0, 1.0, 0.9, 3.0, 2.8, 2.9, 1.0, 5.0, 0.0];
/// let peaks = from_iter(pulse).process(Peaks::new(1.5)).map(|peak: Peak| (peak.value, peak.samples_ago)).collect_now();
/// assert_eq!(peaks, [(3.0, 3), (5.0, 1)]);
/// let high = from_iter(pulse).process(Peaks::new(1.5).height(4.0)).map(|peak: Peak| peak.value).collect_now();
/// assert_eq!(high, [5.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Peaks {
    prominence: f64,
    height: f64,
    /// Where it rises the highest sample, where it falls the lowest one since it began to.
    extreme: Option<f64>,
    is_rising: bool,
    at: Instant,
    samples_ago: u64,
}

/// A peak. Made by [`Peaks`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// How high it is.
    pub value: f64,
    /// How long it is over.
    pub ago: Duration,
    /// How many samples it is over.
    pub samples_ago: u64,
}

impl Peaks {
    /// How far the signal falls on both sides of a peak, in its unit.
    ///
    /// # Panics
    /// If it is not more than 0.
    #[track_caller]
    pub fn new(prominence: f64) -> Self {
        assert!(prominence > 0.0, "Peaks::new({prominence}): what stands out does so by more than 0");
        let (height, at) = (f64::NEG_INFINITY, Instant::ZERO);
        Self { prominence, height, extreme: None, is_rising: false, at, samples_ago: 0 }
    }

    /// Only peaks that are as high as this or higher.
    #[must_use]
    pub fn height(self, height: f64) -> Self {
        Self { height, ..self }
    }

    /// The peak that a sample makes known.
    fn fallen(&mut self, value: f64, at: Instant) -> Option<Peak> {
        let extreme = self.extreme.get_or_insert(value);
        let is_beyond = if self.is_rising { value > *extreme } else { value < *extreme };
        let turned = if self.is_rising { *extreme - value } else { value - *extreme } >= self.prominence;
        self.samples_ago = self.samples_ago.saturating_add(1);
        let peak = Peak { value: *extreme, ago: at.since(self.at), samples_ago: self.samples_ago };
        if !is_beyond && !turned {
            return None;
        }
        let is_peak = turned && self.is_rising;
        self.is_rising ^= turned;
        (*extreme, self.at, self.samples_ago) = (value, at, 0);
        is_peak.then_some(peak)
    }
}

impl Processor for Peaks {
    type Out = Peak;
    fn process(&mut self, value: f64, at: Instant) -> Option<Peak> {
        self.fallen(value, at).filter(|peak| peak.value >= self.height)
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        let mut has_begun = self.extreme.is_some();
        let mut extreme = self.extreme.unwrap_or_default();
        flag(state, "has begun", &mut has_begun);
        finite(state, "extreme", &mut extreme);
        self.extreme = has_begun.then_some(extreme);
        flag(state, "is rising", &mut self.is_rising);
        let mut at = Some(self.at);
        on_state(&mut at, "extreme at", state);
        self.at = at.unwrap_or(self.at);
        self.samples_ago.on_state("samples ago", state);
    }
}
