//! `retry(attempts, make)`: a source that is made anew when it fails.
//!
//! Holds one source.

use core::fmt::{self, Display};

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, StreamError};
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
    E: Display,
    F: FnMut() -> Result<S, E>,
{
    Flow::new(Retried { attempts: attempts.into().get(), failed: 0, source: None, make })
}

/// Made by [`retry`].
#[derive(Clone)]
pub struct Retried<S, F> {
    attempts: usize,
    /// How many have failed in a row.
    failed: usize,
    /// The source, or why there is none.
    source: Option<Result<S, StreamError>>,
    make: F,
}

impl<S: Source, E: Display, F: FnMut() -> Result<S, E>> Retried<S, F> {
    /// The source, made if there is none.
    fn source(&mut self) -> &mut Result<S, StreamError> {
        self.source.get_or_insert_with(|| (self.make)().map_err(|error| failure(&error)))
    }

    fn attempt(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        let source = self.source().as_mut().map_err(|error| error.clone())?;
        if source.due(cx).is_some_and(|due| due > cx.now()) {
            return Err(Failure::NotYet);
        }
        source.pull(cx)
    }
}

impl<S: Source, E: Display, F: FnMut() -> Result<S, E>> Source for Retried<S, F> {
    type Item = S::Item;
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        loop {
            let outcome = self.attempt(cx);
            match &outcome {
                Err(Failure::Sample(_)) => {
                    self.source = None;
                    self.failed += 1;
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
        self.source().as_mut().ok().and_then(|source| source.due(cx))
    }
}

#[cfg(feature = "alloc")]
fn failure(error: &impl Display) -> StreamError {
    StreamError::message(alloc::format!("{error}"))
}

#[cfg(not(feature = "alloc"))]
fn failure(_: &impl Display) -> StreamError {
    StreamError::new("the source could not be made")
}

impl<S, F> fmt::Debug for Retried<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retried").field("attempts", &self.attempts).finish_non_exhaustive()
    }
}
