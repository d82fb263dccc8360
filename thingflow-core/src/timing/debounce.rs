//! `debounce(d)`: send an event only when none has followed it for a time.
//!
//! Holds one event.

use core::time::Duration;

use crate::clock::{Instant, Timestamp};
use crate::error::StreamError;
use crate::kit::Single;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`debounce`](super::Timing::debounce), or by [`new`](Self::new) if an option is wanted.
#[derive(Clone, Debug)]
pub struct Debounce<T> {
    quiet: Duration,
    held: Single<T>,
    /// When the burst is over.
    due: Instant,
    leading: bool,
    drop_on_error: bool,
}

impl<T> Debounce<T> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    pub fn new(quiet: Duration) -> Self {
        Self { quiet, held: Single::default(), due: Instant::ZERO, leading: false, drop_on_error: false }
    }

    /// Sends the first event of a burst at once; the last one follows as ever, if there is more than one.
    #[must_use]
    pub fn leading(self) -> Self {
        Self { leading: true, ..self }
    }

    /// Drops what waits when the stream ends with an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if out.now() < self.due {
            return Ok(Demand::More);
        }
        self.held.send(out)
    }
}

impl<T> Filter<T> for Debounce<T> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?; // it was quiet for long enough; only the wake-up has not come yet
        if demand == Demand::Done {
            return Ok(demand);
        }
        let first = out.now() >= self.due;
        self.due = out.now() + self.quiet;
        if self.leading && first {
            return Ok(demand.and(out.next(event)?));
        }
        if self.held.hold(event).is_none() {
            out.wake_at(self.due); // the one that waited has asked already, and asks again when woken
        }
        Ok(demand)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?;
        if !self.held.is_empty() {
            out.wake_at(self.due);
        }
        Ok(demand)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.on_watermark(watermark, out)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.on_flush(out)
    }
    fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        self.held.on_completed(out)
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        self.held.fail(error, self.drop_on_error, out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.due.on_state("due", state);
        if !self.held.is_empty() {
            state.unsaved("debounce");
        }
    }
}

impl<T: Saved> SavedEvents for Debounce<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.due.on_state("due", state);
        self.held.on_events("event", state);
    }
}
