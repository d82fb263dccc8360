//! `delay(d, limit)`, `delay_of::<N>(d)`: send each event a time after it has come.
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

/// Made by [`delay`](super::Timing::delay) and [`delay_of`](super::Timing::delay_of), or by [`new`](Self::new) if the
/// option is wanted.
#[derive(Clone, Debug)]
pub struct Delay<T, S> {
    by: Duration,
    held: Bounded<(Instant, T), S>,
    gate: Gate,
    ending: Ending,
    drop_on_error: bool,
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
        Self { by, held: Bounded::new(limit), gate: Gate::default(), ending: Ending::default(), drop_on_error: false }
    }

    /// Drops what is held when the stream ends by an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let mut demand = Demand::More;
        while demand != Demand::Done && self.may_send(out) {
            let Some((_, event)) = self.held.pop() else { break };
            demand = demand.and(self.gate.send(event, out)?);
        }
        Ok(demand)
    }

    fn may_send(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> bool {
        self.held.front().is_some_and(|(due, _)| *due <= out.now()) && self.gate.is_open(out)
    }

    /// Lets the source go on if there is room, and asks for the next wake-up.
    fn wait(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) {
        if self.held.take_room() {
            self.gate.resume(out);
        }
        if !self.gate.is_open(out) {
            out.context().wake_on_resume();
        } else if let Some((due, _)) = self.held.front() {
            out.wake_at(*due);
        }
    }
}

impl<T, S: Store<(Instant, T)>> Filter<T> for Delay<T, S> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?; // the wake-up may be on its way
        if demand == Demand::Done {
            return Ok(demand);
        }
        match self.held.push((out.now() + self.by, event), "delay") {
            Ok(room) => {
                self.wait(out);
                Ok(demand.and(room))
            }
            Err(full) => {
                out.flush_error(self.held.drain().map(|(_, event)| event), full)?;
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
        out.flush(self.held.drain().map(|(_, event)| event))
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        let rest = self.held.drain().filter(|_| !self.drop_on_error);
        out.flush_error(rest.map(|(_, event)| event), error)
    }
}
