//! The end of the current interval, for filters that divide time.

use core::time::Duration;

use crate::clock::Instant;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticker {
    interval: Duration,
    due: Instant,
}

impl Ticker {
    /// # Panics
    /// If the interval is zero.
    #[track_caller]
    pub(crate) fn new(interval: Duration) -> Self {
        assert!(!interval.is_zero(), "an interval of zero would never let time pass: use 1 ns or more");
        Self { interval, due: Instant::NEVER }
    }

    pub(crate) fn restart(&mut self, now: Instant) {
        self.due = now + self.interval;
    }

    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Whether the interval is over. If it is, another one begins; those that have passed altogether are left out.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        if now < self.due || self.due == Instant::NEVER {
            return false;
        }
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX);
        let into_interval = (now.as_nanos() - self.due.as_nanos()) % interval;
        self.due = Instant::from_nanos(now.as_nanos() - into_interval) + self.interval;
        true
    }
}
