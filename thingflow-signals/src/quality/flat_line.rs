//! [`FlatLine`]: a sensor that is stuck.

use core::time::Duration;

use thingflow_core::{Instant, StateVisitor};

use super::{Check, Quality};
use crate::remembered::{finite, finite_from};
use crate::time::on_state;

/// Marks a value that has not moved by more than a tolerance for a time: as suspect, then as bad. A sensor that is alive has
/// noise; of one that rounds it away the tolerance and the times must be chosen larger. In a state that is restored the time goes on, over
/// a reboot too; where nobody knows how long the machine was off it begins anew.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::Instant;
/// use thingflow_signals::quality::{Check, FlatLine, Quality};
/// let mut stuck = FlatLine::new(0.01, Duration::from_secs(60), Duration::from_secs(300));
/// let mut check = |secs: u64, value| stuck.check(value, Instant::from_nanos(secs * 1_000_000_000));
/// assert_eq!(check(0, 5.0), Quality::Good);
/// assert_eq!(check(60, 5.01), Quality::Suspect);
/// assert_eq!(check(300, 5.0), Quality::Bad);
/// assert_eq!(check(310, 5.1), Quality::Good);
/// ```
#[derive(Clone, Debug)]
pub struct FlatLine {
    tolerance: f64,
    suspect_after: Duration,
    bad_after: Duration,
    lowest: f64,
    highest: f64,
    since: Option<Instant>,
}

impl FlatLine {
    /// `tolerance`: by how much the values of a sensor that is stuck may still differ from each other, in their unit.
    ///
    /// # Panics
    /// If the tolerance is negative or no number, or `bad_after` is shorter than `suspect_after`.
    #[track_caller]
    pub fn new(tolerance: f64, suspect_after: Duration, bad_after: Duration) -> Self {
        assert!(tolerance >= 0.0, "FlatLine::new({tolerance}, ..): how much values differ is 0 or more");
        assert!(
            suspect_after <= bad_after,
            "FlatLine::new(.., {suspect_after:?}, {bad_after:?}): a value is suspect before it is bad"
        );
        Self { tolerance, suspect_after, bad_after, lowest: 0.0, highest: 0.0, since: None }
    }
}

impl Check for FlatLine {
    fn check(&mut self, value: f64, at: Instant) -> Quality {
        (self.lowest, self.highest) = (self.lowest.min(value), self.highest.max(value));
        let has_moved = self.highest - self.lowest > self.tolerance;
        let since = match self.since {
            Some(since) if !has_moved && since <= at => since,
            _ => {
                (self.lowest, self.highest, self.since) = (value, value, Some(at));
                at
            }
        };
        match at.since(since) {
            flat if flat >= self.bad_after => Quality::Bad,
            flat if flat >= self.suspect_after => Quality::Suspect,
            _ => Quality::Good,
        }
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        finite(state, "lowest", &mut self.lowest);
        finite_from(state, "highest", &mut self.highest, self.lowest);
        on_state(&mut self.since, "since", state);
        self.since.take_if(|since| since.is_long_ago()); // nobody knows for how long: it counts from the next reading on
    }
}
