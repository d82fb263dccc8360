//! [`Rhythm`]: something periodic that must go on while a neighbour is in trouble.

use std::time::{Duration, Instant};

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use crate::Result;
use crate::waiting::run_until;

/// One of so many ticks may be missed: an emulated board stumbles on a loaded machine. A loop that waits for a neighbour
/// that hangs misses half of them.
const MISSED: u64 = 4;
/// How many times longer than nominal it may take.
const SLOWER: u32 = 3;

/// A periodic schedule of which every tick gives an event, watched since it began.
pub(crate) struct Rhythm<T> {
    schedule: ScheduleHandle,
    seen: Recorder<T>,
    period: Duration,
    start: Instant,
    /// Ticks and events of before.
    before: (u64, usize),
}

impl Rhythm<u32> {
    /// A source of its own, which counts.
    pub(crate) fn beat(scheduler: &Scheduler, period: Duration) -> Result<Self> {
        let beat = from_iter(0_u32..).output();
        let seen = Recorder::new();
        beat.connect(seen.clone());
        Ok(Self::new(scheduler.schedule_periodic(beat, period)?, seen, period))
    }
}

impl<T: Clone + 'static> Rhythm<T> {
    /// A schedule that goes from here on, and what comes of it.
    pub(crate) fn new(schedule: ScheduleHandle, seen: Recorder<T>, period: Duration) -> Self {
        let before = (schedule.stats().ticks, seen.events().len());
        Self { schedule, seen, period, start: Instant::now(), before }
    }

    /// Turns the scheduler until there are so many events more.
    pub(crate) fn go_on(&self, scheduler: &mut Scheduler, more: usize) -> Result {
        let count = self.seen.events().len() + more;
        run_until(scheduler, "the rhythm", || self.seen.events().len() >= count)
    }

    /// Whether the rhythm was kept until now.
    pub(crate) fn judge(&self) -> Result<String> {
        let (elapsed, stats) = (self.start.elapsed(), self.schedule.stats());
        let (ticks, events) = (stats.ticks - self.before.0, self.seen.events().len() - self.before.1);
        let nominal = self.period * u32::try_from(ticks)?;
        let report = format!("{events} events in {} ms, {} ticks missed", elapsed.as_millis(), stats.missed);
        let is_whole = u64::try_from(events)? == ticks;
        // A tick that comes too early would be as wrong.
        let in_time = elapsed < nominal * SLOWER && elapsed + self.period > nominal;
        if is_whole && in_time && stats.missed <= (ticks + stats.missed) / MISSED {
            return Ok(report);
        }
        Err(format!("the rhythm of {:?} was not kept: {report}, {stats:?}", self.period).into())
    }
}
