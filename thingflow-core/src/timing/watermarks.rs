//! `watermarks(time, lateness)`: say how far a stream has come in the time that stands in its events.
//!
//! Holds two times.

use core::fmt;
use core::time::Duration;

use crate::clock::{Instant, Timestamp, nanos};
use crate::notice::Notice;
use crate::state::{Saved, StateVisitor};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`watermarks`](super::Timing::watermarks).
pub struct Watermarked<F> {
    time: F,
    lateness: Duration,
    idle_after: Option<Duration>,
    /// The latest time of an event, and when it came.
    latest: Option<(Timestamp, Instant)>,
    sent: Option<Timestamp>,
}

impl<F> Watermarked<F> {
    pub(super) fn new(time: F, lateness: Duration, idle_after: Option<Duration>) -> Self {
        Self { time, lateness, idle_after, latest: None, sent: None }
    }

    /// Sends the watermark that follows from the latest time, if it has risen.
    fn rise<T>(&mut self, to: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let watermark = Timestamp::from_nanos(to.as_nanos().saturating_sub_unsigned(nanos(self.lateness)));
        if self.sent.is_some_and(|sent| watermark <= sent) {
            return Ok(crate::Demand::More);
        }
        self.sent = Some(watermark);
        out.notice(Notice::Watermark(watermark))
    }
}

impl<T, F: FnMut(&T) -> Timestamp> Filter<T> for Watermarked<F> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let (at, now) = ((self.time)(&event), out.now());
        let demand = out.next(event)?;
        let latest = self.latest.map_or(at, |(latest, _)| latest.max(at));
        self.latest = Some((latest, now));
        if let Some(after) = self.idle_after {
            out.wake_at(now + after);
        }
        if demand == crate::Demand::Done { Ok(demand) } else { Ok(demand.and(self.rise(latest, out)?)) }
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let (Some(after), Some((latest, came))) = (self.idle_after, self.latest) else {
            return Ok(crate::Demand::More);
        };
        // Restored where nobody knows how long ago that was: the silence counts from now on, or all that comes would be late.
        let came = if came.is_long_ago() { out.now() } else { came };
        self.latest = Some((latest, came));
        let silence = out.now() - came;
        if silence < after {
            out.wake_at(came + after);
            return Ok(crate::Demand::More);
        }
        out.wake_at(out.now() + after);
        self.rise(latest + silence, out)
    }
    /// The stream's own time is what counts from here on, not what was said before.
    fn on_watermark(&mut self, _: Timestamp, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        Ok(crate::Demand::More)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.latest.on_state("latest", state);
        self.sent.on_state("watermark", state);
    }
}

impl<F> fmt::Debug for Watermarked<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watermarked")
            .field("lateness", &self.lateness)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}
