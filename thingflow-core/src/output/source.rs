//! [`Source`]: where events come from.

use crate::clock::Instant;
use crate::context::Context;
use crate::error::Failure;
use crate::notice::Notice;
use crate::thing::{Demand, InputThing};
use crate::visit::short_name;

/// Where events come from, one at a time: what the author of a reader writes.
///
/// ```
/// use thingflow_core::prelude::*;
/// /// Counts down to one.
/// struct Countdown(u32);
/// impl Source for Countdown {
///     type Item = u32;
///     fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<u32>, Failure> {
///         self.0 = self.0.saturating_sub(1);
///         Ok(Some(self.0).filter(|n| *n > 0))
///     }
/// }
/// # #[cfg(feature = "alloc")]
/// assert_eq!(Flow::new(Countdown(4)).collect_now(), [3, 2, 1]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement `Source`",
    label = "not a source",
    note = "a sensor becomes one by `SensorOutput::new(..)`, an iterator by `from_iter(..)`, a function by `from_fn(..)`"
)]
pub trait Source {
    /// The type of the events.
    type Item;

    /// The next event, or `None` at the end.
    ///
    /// # Errors
    /// [`Failure::Sample`] when there is no event this time: the schedule's policy decides. [`Failure::NotYet`] when there
    /// cannot be one yet. [`Failure::Fatal`] ends the run.
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<Self::Item>, Failure>;

    /// When the next event is due, for a source with a timetable of its own, such as [`interval`](crate::interval): it is
    /// not pulled before. By default `None`: there is an event whenever the source is pulled.
    ///
    /// First asked when the graph starts to run, and then again and again: the answer may change. A source around another one
    /// hands the question on; else that is pulled again and again, and has nothing yet.
    #[inline]
    fn due(&mut self, _cx: &mut Context<'_>) -> Option<Instant> {
        None
    }

    /// The name in drawings and reports. By default that of the type.
    fn name(&self) -> &str {
        short_name::<Self>()
    }
}

/// Whether a source may be pulled.
#[inline]
pub(crate) fn is_due<S: Source>(source: &mut S, cx: &mut Context<'_>) -> bool {
    source.due(cx).is_none_or(|due| due <= cx.now())
}

/// Hands the next event, or the end, to what is connected, if the source may be pulled.
#[inline]
pub(super) fn pull_into<S: Source>(
    source: &mut S,
    next: &mut impl InputThing<S::Item>,
    cx: &mut Context<'_>,
) -> Result<Demand, Failure> {
    if !is_due(source, cx) {
        return Ok(Demand::More);
    }
    if let Some(event) = source.pull(cx)? {
        return Ok(next.next(event, cx)?);
    }
    let _ = next.notice(Notice::Completed, cx)?;
    Ok(Demand::Done)
}
