//! `delay(d, limit)`, `delay_of::<N>(d)`: send each event a time after it has come.
//!
//! Holds up to `limit` events.

use core::time::Duration;

use super::queue::{Queue, drain};
use crate::clock::Instant;
use crate::error::StreamError;
use crate::flow::ending::Ending;
use crate::flow::gate::Gate;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use super::queue::Limited;
#[cfg(feature = "alloc")]
use crate::limit::Limit;

/// Made by [`delay`](super::Timing::delay) and [`delay_of`](super::Timing::delay_of), or by [`new`](Self::new) if the
/// option is wanted.
///
/// The distances between the events stay as they are; use [`pace`](super::Timing::pace) to spread a burst. When the stream
/// completes the end waits until the last event has gone in its time; an error does not wait: what is held goes out at
/// once, before it. So it does at any end [where nobody wakes](crate::Context::drains). A delay that is full does with one
/// more event what its limit says. While those further down are full it keeps what is due.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// # use core::time::Duration;
/// # use thingflow_core::testing::Recorder;
/// let seen = Recorder::new();
/// let mut chain = pipe().delay(Duration::from_secs(2), Limit::block(100)).to(seen.clone());
/// let at = |secs| Context::detached(Instant::ZERO + Duration::from_secs(secs));
/// chain.next('a', &mut at(1))?;
/// chain.next('b', &mut at(2))?;
/// chain.notice(Notice::Wake, &mut at(3))?;
/// chain.notice(Notice::Wake, &mut at(4))?;
/// chain.next('c', &mut at(5))?;
/// chain.notice(Notice::Completed, &mut at(6))?;
/// assert_eq!(seen.timed_text(), "'a'@3 'b'@4 'c'@6 |@6"); // at once, for no scheduler would wake it
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Delay<Q> {
    by: Duration,
    held: Q,
    gate: Gate,
    ending: Ending,
    drop_on_error: bool,
}

/// A delay within a [`Limit`].
#[cfg(feature = "alloc")]
impl<T> Delay<Limited<(Instant, T)>> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    pub fn new(by: Duration, limit: Limit) -> Self {
        Self::with(by, Limited::new(limit))
    }
}

impl<Q> Delay<Q> {
    pub(super) fn with(by: Duration, held: Q) -> Self {
        Self { by, held, gate: Gate::default(), ending: Ending::default(), drop_on_error: false }
    }

    /// Drops what is held when the stream ends by an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn send_due<T>(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt
    where
        Q: Queue<(Instant, T)>,
    {
        let mut demand = Demand::More;
        while demand != Demand::Done && self.may_send(out) {
            let Some((_, event)) = self.held.pop() else { break };
            demand = demand.and(self.gate.send(event, out)?);
        }
        Ok(demand)
    }

    fn may_send<T>(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> bool
    where
        Q: Queue<(Instant, T)>,
    {
        self.held.front().is_some_and(|(due, _)| *due <= out.now()) && self.gate.is_open(out)
    }

    /// Lets the source go on if there is room, and asks for the next wake-up.
    fn wait<T>(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>)
    where
        Q: Queue<(Instant, T)>,
    {
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

impl<T, Q: Queue<(Instant, T)>> Filter<T> for Delay<Q> {
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
                out.flush_error(drain(&mut self.held).map(|(_, event)| event), full)?;
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
        self.held.front().is_some() || self.is_draining()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if self.ending.may_wait(out.context()) {
            return self.on_wake(out).map(drop);
        }
        out.flush(drain(&mut self.held).map(|(_, event)| event))
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        let rest = drain(&mut self.held).filter(|_| !self.drop_on_error);
        out.flush_error(rest.map(|(_, event)| event), error)
    }
}
