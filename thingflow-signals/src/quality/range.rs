//! [`Range`]: what a sensor can measure, and what it usually does.

use core::ops::RangeInclusive;

use thingflow_core::Instant;

use super::{Check, Quality};

/// Marks a value outside of a range as bad, and one outside of the usual range as suspect. The limits belong to the ranges.
///
/// ```
/// use thingflow_core::Instant;
/// use thingflow_signals::quality::{Check, Quality, Range};
/// let mut humidity = Range::new(0.0..=100.0).usual(10.0..=95.0);
/// let marks = [100.1, 100.0, 95.0].map(|percent| humidity.check(percent, Instant::ZERO));
/// assert_eq!(marks, [Quality::Bad, Quality::Suspect, Quality::Good]);
/// ```
#[derive(Clone, Debug)]
pub struct Range {
    possible: RangeInclusive<f64>,
    usual: Option<RangeInclusive<f64>>,
}

impl Range {
    /// What the sensor can measure, in its unit.
    ///
    /// # Panics
    /// If the range is empty.
    #[track_caller]
    pub fn new(possible: RangeInclusive<f64>) -> Self {
        assert!(possible.start() <= possible.end(), "Range::new({possible:?}) is empty: the lower limit comes first");
        Self { possible, usual: None }
    }

    /// What is measured at this place.
    ///
    /// # Panics
    /// If the range is empty.
    #[must_use]
    #[track_caller]
    pub fn usual(self, usual: RangeInclusive<f64>) -> Self {
        assert!(usual.start() <= usual.end(), "usual({usual:?}) is empty: the lower limit comes first");
        Self { usual: Some(usual), ..self }
    }
}

impl Check for Range {
    fn check(&mut self, value: f64, _: Instant) -> Quality {
        if !self.possible.contains(&value) {
            Quality::Bad
        } else if self.usual.as_ref().is_some_and(|usual| !usual.contains(&value)) {
            Quality::Suspect
        } else {
            Quality::Good
        }
    }
}
