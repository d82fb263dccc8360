//! [`RateOfChange`]: what changes faster than the thing can.

use thingflow_core::{Instant, StateVisitor};

use super::{Check, Quality};
use crate::remembered::finite;
use crate::time::Elapsed;

/// Marks a value as suspect that has changed by more than so much a second since the reading before, be that good or not:
/// both sides of a jump are marked. Readings at the same time may not differ.
///
/// ```
/// use thingflow_core::Instant;
/// use thingflow_signals::quality::{Check, Quality, RateOfChange};
/// let mut room = RateOfChange::new(0.5); // kelvin a second
/// let at = |secs: u64| Instant::from_nanos(secs * 1_000_000_000);
/// assert_eq!(room.check(20.0, at(0)), Quality::Good);
/// assert_eq!(room.check(24.0, at(10)), Quality::Good);
/// assert_eq!(room.check(30.0, at(11)), Quality::Suspect);
/// ```
#[derive(Clone, Debug)]
pub struct RateOfChange {
    most: f64,
    before: f64,
    elapsed: Elapsed,
}

impl RateOfChange {
    /// The most that the value can change in a second, in its unit a second.
    ///
    /// # Panics
    /// If it is negative or no number.
    #[track_caller]
    pub fn new(most_per_second: f64) -> Self {
        assert!(most_per_second >= 0.0, "RateOfChange::new({most_per_second}): how much a value changes is 0 or more");
        Self { most: most_per_second, before: 0.0, elapsed: Elapsed::default() }
    }
}

impl Check for RateOfChange {
    fn check(&mut self, value: f64, at: Instant) -> Quality {
        let change = libm::fabs(value - core::mem::replace(&mut self.before, value));
        match self.elapsed.since_last(at) {
            Some(seconds) if change > self.most * seconds => Quality::Suspect,
            _ => Quality::Good,
        }
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        finite(state, "value before", &mut self.before);
        self.elapsed.state(state);
    }
}
