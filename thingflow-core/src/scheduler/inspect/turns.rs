//! [`TurnTimes`]: how long the turns of a scheduler take.

use std::time::Duration;

/// How long the turns of a scheduler took, from waking up until it sleeps again, in real time: so long nothing else was served.
///
/// ```
/// # use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_core::TurnTimes;
/// let mut scheduler = Scheduler::new()?;
/// let inspector = scheduler.inspector();
/// scheduler.schedule_recurring(interval(Duration::from_millis(1)).connect(call(drop)))?;
/// let stopper = scheduler.stopper();
/// let looks = std::thread::spawn(move || {
///     while inspector.snapshot()?.turns.turns < 5 {}
///     let turns = inspector.snapshot()?.turns;
///     stopper.stop();
///     Ok::<_, thingflow_core::InspectError>(turns)
/// });
/// scheduler.run_forever()?;
/// let Ok(turns) = looks.join() else { panic!("the thread has panicked") };
/// let turns = turns?;
/// assert!(turns.longest <= turns.total);
/// assert!(turns.counts.iter().sum::<u64>() <= turns.turns);
/// assert_eq!(TurnTimes::BOUNDS[1], Duration::from_millis(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TurnTimes {
    /// How many turns that is about.
    pub turns: u64,
    /// The sum of all.
    pub total: Duration,
    /// The longest of them.
    pub longest: Duration,
    /// How many took so long at most, and longer than the bound before: a count for each of the [`BOUNDS`](Self::BOUNDS). Those
    /// that are in none took longer than the last.
    pub counts: [u64; 6],
}

impl TurnTimes {
    /// The bounds of the [`counts`](Self::counts): from 100 µs to 10 s, each ten times the one before.
    pub const BOUNDS: [Duration; 6] = [
        Duration::from_micros(100),
        Duration::from_millis(1),
        Duration::from_millis(10),
        Duration::from_millis(100),
        Duration::from_secs(1),
        Duration::from_secs(10),
    ];

    pub(super) fn add(&mut self, spent: Duration) {
        self.turns += 1;
        self.total += spent;
        self.longest = self.longest.max(spent);
        if let Some(at) = Self::BOUNDS.iter().position(|bound| spent <= *bound) {
            self.counts[at] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_counted_at_the_least_bound_that_it_keeps() {
        let mut turns = TurnTimes::default();
        for spent in [0, 100, 101, 10_000, 10_000_001].map(Duration::from_micros) {
            turns.add(spent);
        }
        assert_eq!((turns.turns, turns.counts), (5, [2, 1, 1, 0, 0, 0]));
        assert_eq!(turns.longest, Duration::from_micros(10_000_001));
    }
}
