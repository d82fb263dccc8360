//! The end of the current interval, for filters that divide time.

use core::time::Duration;

use crate::clock::{Instant, nanos};
use crate::state::{Saved, StateVisitor};

/// The end of the current interval, for a stage that divides time. Nothing drifts, and intervals that have passed unseen are
/// left out.
///
/// ```
/// use core::time::Duration;
/// use thingflow_core::Instant;
/// use thingflow_core::kit::Ticker;
/// let at = |secs| Instant::ZERO + Duration::from_secs(secs);
/// let mut minutes = Ticker::new(Duration::from_secs(60));
/// minutes.restart(at(0));
/// assert!(!minutes.is_due(at(59)) && minutes.is_due(at(60)));
/// assert!(minutes.is_due(at(200)));
/// assert_eq!(minutes.due(), at(240));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ticker {
    interval: Duration,
    due: Instant,
}

impl Ticker {
    /// Intervals of this length. None has begun.
    ///
    /// # Panics
    /// If the interval is zero.
    #[track_caller]
    pub fn new(interval: Duration) -> Self {
        assert!(!interval.is_zero(), "an interval of zero would never let time pass: use 1 ns or more");
        Self { interval, due: Instant::NEVER }
    }

    /// Begins an interval.
    pub fn restart(&mut self, now: Instant) {
        self.due = now + self.interval;
    }

    /// Begins an interval, unless one has been restored: that goes on, and ends within its length from now.
    pub fn follow(&mut self, now: Instant) {
        self.due = self.due.min(now + self.interval);
    }

    /// Shows the end of the interval to a walk over the state; see [`follow`](Self::follow).
    pub fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        self.due.on_state(name, state);
    }

    /// The end of the interval: the time to ask a wake-up for.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Whether the interval is over. If it is, another one begins; those that have passed altogether are left out.
    pub fn is_due(&mut self, now: Instant) -> bool {
        if now < self.due || self.due == Instant::NEVER {
            return false;
        }
        let interval = nanos(self.interval);
        let over = nanos(now.since(self.due));
        self.due = self.due + Duration::from_nanos(over - over % interval) + self.interval;
        true
    }
}
