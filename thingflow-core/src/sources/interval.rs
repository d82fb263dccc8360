//! `interval(d)`: numbers from 0 on, one at the end of each interval.
//!
//! Holds one instant and one number.

use core::time::Duration;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::Failure;
use crate::kit::Ticker;
use crate::output::{Flow, Source};

/// Sends 0, 1, 2, … one at the end of each interval, at a fixed rate; it never ends.
///
/// The first interval begins when the graph starts to run. Ticks that are missed because something took long are left
/// out. It brings its own timetable: schedule it with
#[cfg_attr(feature = "std", doc = "[`schedule_recurring`](crate::Scheduler::schedule_recurring).")]
#[cfg_attr(not(feature = "std"), doc = "`schedule_recurring`, or so often that it is asked in time.")]
///
/// ```
/// # #[cfg(feature = "std")] {
/// # use core::time::Duration;
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
/// scheduler.schedule_recurring(interval(Duration::from_secs(2)).take(3).connect(seen.clone()))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "0@2 1@4 2@6 |@6");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If the interval is zero.
#[doc(alias = "from_periodic")]
#[track_caller]
pub fn interval(interval: Duration) -> Flow<Interval> {
    Flow::new(Interval::every(interval))
}

/// Made by [`interval`], or by [`every`](Self::every) if the option is wanted:
/// `Flow::new(Interval::every(d).starting_now())`.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    ticker: Ticker,
    now_first: bool,
    started: bool,
    next: u64,
}

impl Interval {
    /// The source, to be given to [`Flow::new`].
    ///
    /// # Panics
    /// If the interval is zero.
    #[track_caller]
    pub fn every(interval: Duration) -> Self {
        Self { ticker: Ticker::new(interval), now_first: false, started: false, next: 0 }
    }

    /// Sends the first number at once, when the graph starts to run.
    #[must_use]
    pub fn starting_now(self) -> Self {
        Self { now_first: true, ..self }
    }
}

impl Source for Interval {
    type Item = u64;
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<u64>, Failure> {
        if !core::mem::take(&mut self.now_first) {
            self.ticker.is_due(cx.now()); // on to the next interval
        }
        let number = self.next;
        self.next += 1;
        Ok(Some(number))
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if !core::mem::replace(&mut self.started, true) {
            self.ticker.restart(cx.now());
        }
        Some(if self.now_first { cx.now() } else { self.ticker.due() })
    }
}
