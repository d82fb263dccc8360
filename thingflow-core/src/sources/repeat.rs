//! `repeat(make)`, `repeat_n(times, make)`: a source that is made anew when it has ended.
//!
//! Holds one source.

use core::fmt;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::Failure;
use crate::output::{Flow, Source};

/// Sends the events of the source that `make` makes, and those of the next one when that has ended, without an end. A
/// source without any event ends it, for it would go round for ever.
///
/// A sample error goes to the schedule, whose policy decides; see [`retry`](crate::retry). A new source is asked at once,
/// even if it has a timetable of its own.
///
/// ```
/// use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(repeat(|| from_iter([1, 2])).take(5).collect_now(), [1, 2, 1, 2, 1]);
/// ```
#[doc(alias = "cycle")]
pub fn repeat<S: Source, F: FnMut() -> S>(make: F) -> Flow<Repeated<S, F>> {
    Flow::new(Repeated { left: None, source: None, make })
}

/// As [`repeat`], with `times` sources in all, which may be without events.
///
/// ```
/// use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(repeat_n(2, || from_iter([1, 2])).collect_now(), [1, 2, 1, 2]);
/// ```
pub fn repeat_n<S: Source, F: FnMut() -> S>(times: usize, make: F) -> Flow<Repeated<S, F>> {
    Flow::new(Repeated { left: Some(times), source: None, make })
}

/// Made by [`repeat`] and [`repeat_n`].
#[derive(Clone)]
pub struct Repeated<S, F> {
    /// How many sources are still to be made; `None` if there is no end.
    left: Option<usize>,
    source: Option<S>,
    make: F,
}

impl<S: Source, F: FnMut() -> S> Source for Repeated<S, F> {
    type Item = S::Item;
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        if let Some(source) = &mut self.source
            && let Some(event) = source.pull(cx)?
        {
            return Ok(Some(event));
        }
        while self.left != Some(0) {
            self.left = self.left.map(|left| left - 1);
            let event = self.source.insert((self.make)()).pull(cx)?;
            if event.is_some() || self.left.is_none() {
                return Ok(event);
            }
        }
        Ok(None)
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.source.as_mut().and_then(|source| source.due(cx))
    }
}

impl<S, F> fmt::Debug for Repeated<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeated").field("left", &self.left).finish_non_exhaustive()
    }
}
