//! `pace(d, limit)`, `pace_of::<N>(d)`: leave at least a time between two events; the source waits.
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

/// Made by [`pace`](super::Timing::pace) and [`pace_of`](super::Timing::pace_of), or by [`new`](Self::new) if the
/// option is wanted.
#[derive(Clone, Debug)]
pub struct Pace<T, S> {
    gap: Duration,
    /// When the next event may go.
    free_at: Instant,
    held: Holding<T, S>,
}

/// A pace within a [`Limit`].
#[cfg(feature = "alloc")]
impl<T> Pace<T, Growing<T>> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    pub fn new(gap: Duration, limit: Limit) -> Self {
        Self::within(gap, limit)
    }
}

impl<T, S: Store<T>> Pace<T, S> {
    pub(super) fn within(gap: Duration, limit: Limit) -> Self {
        Self { gap, free_at: Instant::ZERO, held: Holding::new(limit) }
    }

    /// Drops what is held when the stream ends with an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { held: self.held.drop_on_error(), ..self }
    }

    /// Sends the oldest event if its time has come.
    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let (free_at, next) = (self.free_at, out.now() + self.gap);
        let until = &mut self.free_at;
        let sent = |event| {
            *until = next;
            event
        };
        self.held.send(1, |_, now| now >= free_at, sent, out)
    }

    fn wait(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) {
        let free_at = self.free_at;
        self.held.wait(|_, _| free_at, out);
    }
}

fn as_it_is<T>(event: T) -> T {
    event
}

impl<T, S: Store<T>> Filter<T> for Pace<T, S> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?; // the wake-up may be on its way
        if demand == Demand::Done {
            return Ok(demand);
        }
        let event = if out.now() >= self.free_at {
            match self.held.pass(event, out) {
                Ok(receipt) => {
                    self.free_at = out.now() + self.gap;
                    return receipt;
                }
                Err(event) => event,
            }
        } else {
            event
        };
        let room = self.held.hold(event, "pace", as_it_is, out)?;
        if room != Demand::Done {
            self.wait(out);
        }
        Ok(demand.and(room))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?;
        self.wait(out);
        self.held.follow(demand, out)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.on_watermark(watermark, out)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if self.held.may_wait(out) { self.on_wake(out).map(drop) } else { self.held.flush(as_it_is, out) }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        self.held.fail(error, as_it_is, out)
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
        self.free_at.on_state("free at", state);
        if self.held.is_holding() {
            state.unsaved("pace");
        }
    }
}

impl<T: Saved, S: Store<T>> SavedEvents for Pace<T, S> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.free_at.on_state("free at", state);
        self.held.on_events("events", state);
    }
}
