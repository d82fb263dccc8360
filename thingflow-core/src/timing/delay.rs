//! `delay(d, limit)`, `delay_of::<N>(d)`: send each event a time after it has come.
//!
//! Holds up to `limit` events.

use core::time::Duration;

use crate::clock::{Instant, Timestamp};
use crate::error::StreamError;
use crate::kit::Holding;
use crate::limit::{Limit, QueueState};
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::storage::Store;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use crate::storage::Growing;

/// Made by [`delay`](super::Timing::delay) and [`delay_of`](super::Timing::delay_of), or by [`new`](Self::new) if the
/// option is wanted.
#[derive(Clone, Debug)]
pub struct Delay<T, S> {
    by: Duration,
    /// With the time at which each is due.
    held: Holding<(Instant, T), S>,
}

/// A delay within a [`Limit`].
#[cfg(feature = "alloc")]
impl<T> Delay<T, Growing<(Instant, T)>> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    pub fn new(by: Duration, limit: Limit) -> Self {
        Self::within(by, limit)
    }
}

impl<T, S: Store<(Instant, T)>> Delay<T, S> {
    pub(super) fn within(by: Duration, limit: Limit) -> Self {
        Self { by, held: Holding::new(limit) }
    }

    /// Drops what is held when the stream ends with an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { held: self.held.drop_on_error(), ..self }
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.send(usize::MAX, |(due, _), now| *due <= now, event, out)
    }
}

fn event<T>((_, event): (Instant, T)) -> T {
    event
}

impl<T, S: Store<(Instant, T)>> Filter<T> for Delay<T, S> {
    type Out = T;
    fn on_next(&mut self, next: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?; // the wake-up may be on its way
        if demand == Demand::Done {
            return Ok(demand);
        }
        let room = self.held.hold((out.now() + self.by, next), "delay", event, out)?;
        if room != Demand::Done {
            self.held.wait(|(due, _), _| *due, out);
        }
        Ok(demand.and(room))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?;
        self.held.wait(|(due, _), _| *due, out);
        self.held.follow(demand, out)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.on_watermark(watermark, out)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if self.held.may_wait(out) { self.on_wake(out).map(drop) } else { self.held.flush(event, out) }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        self.held.fail(error, event, out)
    }
    fn queue(&self) -> Option<QueueState> {
        self.held.queue()
    }
    fn has_room(&self, _: bool) -> bool {
        self.held.has_room()
    }
    fn is_draining(&self) -> bool {
        self.held.is_draining()
    }
    fn is_holding(&self) -> bool {
        self.held.is_holding()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.held.is_holding() {
            state.unsaved("delay");
        }
    }
}

impl<T: Saved, S: Store<(Instant, T)>> SavedEvents for Delay<T, S> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.held.on_events("events", state);
    }
}
