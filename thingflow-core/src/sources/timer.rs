//! `timer(d)`: one event after a time.
//!
//! Holds one instant.

use core::time::Duration;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::Failure;
use crate::output::{Flow, Source};

/// Sends one event, `delay` after the graph has started to run, and completes.
///
/// It brings its own timetable: schedule it with
#[cfg_attr(feature = "std", doc = "[`schedule_recurring`](crate::Scheduler::schedule_recurring).")]
#[cfg_attr(not(feature = "std"), doc = "`schedule_recurring`, or so often that it is asked in time.")]
/// To call it off, cancel the schedule.
///
/// ```
/// # #[cfg(feature = "std")] {
/// # use core::time::Duration;
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
/// scheduler.schedule_recurring(timer(Duration::from_secs(3)).map(|()| "the lamp goes out").connect(seen.clone()))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), r#""the lamp goes out"@3 |@3"#);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn timer(delay: Duration) -> Flow<Timer> {
    Flow::new(Timer { delay, due: None, sent: false })
}

/// Made by [`timer`].
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    delay: Duration,
    due: Option<Instant>,
    sent: bool,
}

impl Source for Timer {
    type Item = ();
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<()>, Failure> {
        Ok(if core::mem::replace(&mut self.sent, true) { None } else { Some(()) })
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        Some(*self.due.get_or_insert(cx.now() + self.delay))
    }
}
