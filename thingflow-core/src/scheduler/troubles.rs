//! [`Troubles`]: what has gone wrong with a schedule, and which of it is worth a line in the log.
//!
//! A fault that lasts is logged when it begins, then at most once a minute with a count, and once when it is over.

use std::time::Duration;

use crate::clock::Instant;

/// So often a fault that lasts is logged.
const PACE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Troubles {
    failed_in_a_row: u32,
    failures: Paced,
    missed: Paced,
    /// The failure that lasts has been logged, so that its end is of interest.
    said: bool,
}

/// Counts what is not said, so that it can be said together.
#[derive(Default)]
struct Paced {
    unsaid: u64,
    /// When there may be another line.
    next: Option<Instant>,
}

impl Paced {
    /// Notes so many at `now`. How many are to be said.
    fn note(&mut self, n: u64, now: Instant) -> Option<u64> {
        self.unsaid += n;
        if self.next.is_some_and(|next| now < next) {
            return None;
        }
        self.next = Some(now + PACE);
        Some(std::mem::take(&mut self.unsaid))
    }
}

impl Troubles {
    /// How many samplings have failed since the last one that did not.
    pub(super) fn failed_in_a_row(&self) -> u32 {
        self.failed_in_a_row
    }

    /// Notes a sampling that failed. If it is to be logged: how many failures that line stands for.
    pub(super) fn failed(&mut self, now: Instant) -> Option<u64> {
        self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
        let said = self.failures.note(1, now);
        self.said |= said.is_some();
        said
    }

    /// Notes a sampling that went well. After failures that were logged: how many there were in a row.
    pub(super) fn worked(&mut self) -> Option<u32> {
        let failures = std::mem::take(&mut self.failed_in_a_row);
        (failures > 0 && std::mem::take(&mut self.said)).then_some(failures)
    }

    /// Notes ticks that were missed. If that is to be logged: how many have been since the last line.
    pub(super) fn missed(&mut self, ticks: u64, now: Instant) -> Option<u64> {
        self.missed.note(ticks, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_lasts_is_said_once_a_minute_and_its_end_once() {
        let (mut troubles, at) = (Troubles::default(), |s: u64| Instant::from_nanos(s * 1_000_000_000));
        assert_eq!(troubles.worked(), None);
        let said: Vec<_> = (0..130).filter_map(|s| Some((s, troubles.failed(at(s))?))).collect();
        assert_eq!(said, [(0, 1), (60, 60), (120, 60)]);
        assert_eq!(troubles.failed_in_a_row(), 130);
        assert_eq!((troubles.worked(), troubles.worked()), (Some(130), None));
        assert_eq!(troubles.failed(at(131)), None, "within the minute");
        assert_eq!(troubles.worked(), None, "so its end is of no interest");
        assert_eq!((troubles.missed(3, at(0)), troubles.missed(2, at(1))), (Some(3), None));
        assert_eq!(troubles.missed(1, at(61)), Some(3));
    }
}
