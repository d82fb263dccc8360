//! `repeat(make)`, `repeat_n(times, make)`: a source that is made anew when it has ended.
//!
//! Holds one source.

use core::fmt;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::Failure;
use crate::output::{Flow, Source};

/// Sends the events of the source that `make` makes, and those of the next one when that has ended, without an end.
///
/// The first source is made when the graph starts to run. Each is asked when it is due, so one with a timetable of its own keeps
/// it. A source that ends at the instant at which it was made, without an event, ends the stream: it would go round for ever.
///
/// A sample error goes to the schedule, whose policy decides; see [`retry`](crate::retry).
///
/// ```
/// use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(repeat(|| from_iter([1, 2])).take(5).collect_now(), [1, 2, 1, 2, 1]);
/// ```
#[doc(alias = "cycle")]
pub fn repeat<S: Source, F: FnMut() -> S>(make: F) -> Flow<Repeated<S, F>> {
    Flow::new(Repeated { left: None, source: None, made_at: None, make })
}

/// As [`repeat`], with `times` sources in all, which may be without events.
///
/// ```
/// use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(repeat_n(2, || from_iter([1, 2])).collect_now(), [1, 2, 1, 2]);
/// ```
pub fn repeat_n<S: Source, F: FnMut() -> S>(times: usize, make: F) -> Flow<Repeated<S, F>> {
    Flow::new(Repeated { left: Some(times), source: None, made_at: None, make })
}

/// Made by [`repeat`] and [`repeat_n`].
#[derive(Clone)]
pub struct Repeated<S, F> {
    /// How many sources are still to be made; `None` if there is no end.
    left: Option<usize>,
    source: Option<S>,
    /// When the source was made, until it has sent something.
    made_at: Option<Instant>,
    make: F,
}

impl<S: Source, F: FnMut() -> S> Repeated<S, F> {
    /// The source, made if there is none and one more may be.
    fn source(&mut self, now: Instant) -> Option<&mut S> {
        if self.source.is_none() && self.left != Some(0) {
            self.left = self.left.map(|left| left - 1);
            self.made_at = Some(now);
            self.source = Some((self.make)());
        }
        self.source.as_mut()
    }
}

impl<S: Source, F: FnMut() -> S> Source for Repeated<S, F> {
    type Item = S::Item;
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        while let Some(source) = self.source(cx.now()) {
            if source.due(cx).is_some_and(|due| due > cx.now()) {
                return Err(Failure::NotYet);
            }
            if let Some(event) = source.pull(cx)? {
                self.made_at = None;
                return Ok(Some(event));
            }
            self.source = None;
            if self.left.is_none() && self.made_at == Some(cx.now()) {
                self.left = Some(0);
            }
        }
        Ok(None)
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.source(cx.now()).and_then(|source| source.due(cx))
    }
}

impl<S, F> fmt::Debug for Repeated<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeated").field("left", &self.left).finish_non_exhaustive()
    }
}
