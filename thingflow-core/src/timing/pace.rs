//! `pace(d, limit)`, `pace_of::<N>(d)`: leave at least a time between two events; the source waits.
//!
//! Holds up to `limit` events.

use core::time::Duration;

use crate::clock::Instant;
use crate::error::StreamError;
use crate::flow::ending::Ending;
use crate::flow::gate::Gate;
use crate::limit::Limit;
use crate::storage::{Bounded, Store};
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
    held: Bounded<T, S>,
    gate: Gate,
    ending: Ending,
    drop_on_error: bool,
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
        Self {
            gap,
            free_at: Instant::ZERO,
            held: Bounded::new(limit),
            gate: Gate::default(),
            ending: Ending::default(),
            drop_on_error: false,
        }
    }

    /// Drops what is held when the stream ends by an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn send(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.free_at = out.now() + self.gap;
        self.gate.send(event, out)
    }

    fn may_send(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> bool {
        out.now() >= self.free_at && self.gate.is_open(out)
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if !self.may_send(out) {
            return Ok(Demand::More);
        }
        self.held.pop().map_or(Ok(Demand::More), |event| self.send(event, out))
    }

    /// Lets the source go on if there is room, and asks for the next wake-up.
    fn wait(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) {
        if self.held.take_room() {
            self.gate.resume(out);
        }
        if !self.gate.is_open(out) {
            out.context().wake_on_resume();
        } else if self.held.front().is_some() {
            out.wake_at(self.free_at);
        }
    }
}

impl<T, S: Store<T>> Filter<T> for Pace<T, S> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?; // the wake-up may be on its way
        if demand == Demand::Done {
            return Ok(demand);
        }
        if self.held.front().is_none() && self.may_send(out) {
            self.held.pass();
            return self.send(event, out);
        }
        match self.held.push(event, "pace") {
            Ok(room) => {
                self.wait(out);
                Ok(demand.and(room))
            }
            Err(full) => {
                out.flush_error(self.held.drain(), full)?;
                Ok(Demand::Done)
            }
        }
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?;
        self.wait(out);
        self.ending.follow(demand, self.held.front().is_none(), out)
    }
    fn has_room(&self, _: bool) -> bool {
        self.held.has_room()
    }
    fn is_draining(&self) -> bool {
        self.ending.waits()
    }
    fn is_holding(&self) -> bool {
        self.held.front().is_some()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if self.ending.may_wait(out.context()) {
            return self.on_wake(out).map(drop);
        }
        out.flush(self.held.drain())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        let rest = self.held.drain().filter(|_| !self.drop_on_error);
        out.flush_error(rest, error)
    }
}
