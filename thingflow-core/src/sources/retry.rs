//! `retry(attempts, make)`: a source that is made anew when it fails.
//!
//! Holds one source.

use core::fmt::{self, Display};

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, StreamError};
use crate::output::{Flow, Source};

/// Sends the events of the source that `make` makes. If that fails, or making it does, it is made anew: one sampling tries
/// `attempts` times. The error of the last one is a sample error: the schedule's policy decides, and the next sampling
/// begins with a new source.
///
/// So the time between attempts is up to the schedule: `retry(1, ..)` under `OnFailure::Retry` opens a device again and
/// again with a wait that grows. A new source is asked at once, even if it has a timetable of its own.
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
    Flow::new(Retried { attempts: attempts.into().get(), source: None, make })
}

/// Made by [`retry`].
#[derive(Clone)]
pub struct Retried<S, F> {
    attempts: usize,
    source: Option<S>,
    make: F,
}

impl<S: Source, E: Display, F: FnMut() -> Result<S, E>> Retried<S, F> {
    fn attempt(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        let mut source = match self.source.take() {
            Some(source) => source,
            None => (self.make)().map_err(|error| failure(&error))?,
        };
        let event = source.pull(cx);
        if matches!(event, Ok(_) | Err(Failure::NotYet)) {
            self.source = Some(source); // one that has failed is dropped
        }
        event
    }
}

impl<S: Source, E: Display, F: FnMut() -> Result<S, E>> Source for Retried<S, F> {
    type Item = S::Item;
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        let mut left = self.attempts;
        loop {
            left -= 1;
            match self.attempt(cx) {
                Err(Failure::Sample(_)) if left > 0 => {}
                outcome => return outcome,
            }
        }
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.source.as_mut().and_then(|source| source.due(cx))
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
