//! `retry(attempts, make)`, `retry_after(attempts, wait, make)`: a source that is made anew when it fails.
//!
//! Holds one source.

use core::fmt;
use core::time::Duration;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Cause, Failure, StreamError};
use crate::output::{Flow, Source};

/// Sends the events of the source that `make` makes. If that fails, or making it does, it is made anew, until `attempts` have
/// failed in a row. The error of the last one is a sample error: the schedule's policy decides, and the next sampling
/// begins with a new source.
///
/// So the time between attempts is up to the schedule: `retry(1, ..)` under `OnFailure::Retry` opens a device again and
/// again with a wait that grows. The first source is made when the graph starts to run. Each is asked when it is due, so one
/// with a timetable of its own keeps it.
///
/// ```
/// use thingflow_core::prelude::*;
/// let mut opened = 0;
/// let port = retry(3, move || {
///     opened += 1;
///     match opened {
///         1 => Ok(try_from_iter([Ok(1), Err("pulled out")])),
///         2 => Err("no such device"),
///         _ => Ok(try_from_iter([Ok(opened), Ok(opened + 1)])),
///     }
/// });
/// # #[cfg(feature = "alloc")]
/// assert_eq!(port.collect_now(), [1, 3, 4]);
/// ```
#[track_caller]
pub fn retry<S, E, F>(attempts: impl Into<crate::Size>, make: F) -> Flow<Retried<S, F>>
where
    S: Source,
    E: Into<Cause>,
    F: FnMut() -> Result<S, E>,
{
    Flow::new(Retried::new(attempts.into(), (|_| Duration::ZERO) as fn(u32) -> Duration, make))
}

/// As [`retry`], which waits before it makes the source anew: for as long as `wait` says after so many failures in a row. It
/// brings its own timetable: under a schedule that recurs it waits even if the source has none.
///
/// ```
/// # #[cfg(feature = "std")] {
/// # use core::time::Duration;
/// use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// let mut opened = 0;
/// let port = retry_after(5, |failures| Duration::from_secs(1 << failures), move || {
///     opened += 1;
///     if opened < 4 { Err("no such device") } else { Ok(from_iter([7])) }
/// });
/// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
/// scheduler.schedule_recurring(port.connect(seen.clone()))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "7@14 |@14"); // after 2, 4 and 8 seconds
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "backoff")]
#[doc(alias = "retry_backoff")]
#[track_caller]
pub fn retry_after<S, E, F, W>(attempts: impl Into<crate::Size>, wait: W, make: F) -> Flow<Retried<S, F, W>>
where
    S: Source,
    E: Into<Cause>,
    F: FnMut() -> Result<S, E>,
    W: FnMut(u32) -> Duration,
{
    Flow::new(Retried::new(attempts.into(), wait, make))
}

/// Made by [`retry`] and [`retry_after`].
#[derive(Clone)]
pub struct Retried<S, F, W = fn(u32) -> Duration> {
    attempts: usize,
    /// How many have failed in a row.
    failed: usize,
    /// The source, or why there is none.
    source: Option<Result<S, StreamError>>,
    /// When the next source may be made.
    not_before: Instant,
    wait: W,
    make: F,
}

impl<S: Source, E: Into<Cause>, F: FnMut() -> Result<S, E>, W: FnMut(u32) -> Duration> Retried<S, F, W> {
    fn new(attempts: crate::Size, wait: W, make: F) -> Self {
        Self { attempts: attempts.get(), failed: 0, source: None, not_before: Instant::ZERO, wait, make }
    }

    /// The source, made if there is none.
    fn source(&mut self) -> &mut Result<S, StreamError> {
        self.source.get_or_insert_with(|| (self.make)().map_err(StreamError::from_cause))
    }

    fn attempt(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        if cx.now() < self.not_before {
            return Err(Failure::NotYet);
        }
        let source = self.source().as_mut().map_err(|error| error.clone())?;
        if source.due(cx).is_some_and(|due| due > cx.now()) {
            return Err(Failure::NotYet);
        }
        source.pull(cx)
    }
}

impl<S: Source, E: Into<Cause>, F: FnMut() -> Result<S, E>, W: FnMut(u32) -> Duration> Source for Retried<S, F, W> {
    type Item = S::Item;
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        loop {
            let outcome = self.attempt(cx);
            match &outcome {
                Err(Failure::Sample(_)) => {
                    self.source = None;
                    self.failed += 1;
                    let wait = (self.wait)(u32::try_from(self.failed).unwrap_or(u32::MAX));
                    self.not_before = cx.now() + wait;
                    if self.failed < self.attempts {
                        continue;
                    }
                    self.failed = 0;
                }
                Ok(_) => self.failed = 0,
                Err(_) => {}
            }
            return outcome;
        }
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if cx.now() < self.not_before {
            return Some(self.not_before);
        }
        self.source().as_mut().ok().and_then(|source| source.due(cx))
    }
}

impl<S, F, W> fmt::Debug for Retried<S, F, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retried").field("attempts", &self.attempts).finish_non_exhaustive()
    }
}
