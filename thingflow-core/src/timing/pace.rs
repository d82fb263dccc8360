//! `pace(d, limit)`, `pace_of::<N>(d)`: leave at least a time between two events; the source waits.
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

/// Made by [`pace`](super::Timing::pace) and [`pace_of`](super::Timing::pace_of), or by [`new`](Self::new) if the
/// option is wanted.
///
/// The first event, and one that comes after an idle time, goes on at once. Events that come sooner wait in the queue,
/// and a source that can pause is paused when it is full: with `Limit::block(1)` it is asked for the next event when
/// the last one has been sent. Nothing is lost, unless the limit says so; to drop what is too much use
/// [`throttle`](super::Timing::throttle). While those further down are full it sends nothing. When the stream completes
/// the end waits until the last event has gone in its time; an error does not wait: what is held goes out at once, before
/// it. So it does at any end [where nobody wakes](crate::Context::drains).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "std")] {
/// # use core::time::Duration;
/// # use thingflow_core::testing::Recorder;
/// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
/// let flow = from_iter(["a", "b", "c"]).pace(Duration::from_secs(2), Limit::block(1));
/// scheduler.schedule_recurring(flow.connect(seen.clone()))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), r#""a"@0 "b"@2 "c"@4 |@4"#);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pace<Q> {
    gap: Duration,
    /// When the next event may go.
    free_at: Instant,
    held: Q,
    gate: Gate,
    ending: Ending,
    drop_on_error: bool,
}

/// A pace within a [`Limit`].
#[cfg(feature = "alloc")]
impl<T> Pace<Limited<T>> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    pub fn new(gap: Duration, limit: Limit) -> Self {
        Self::with(gap, Limited::new(limit))
    }
}

impl<Q> Pace<Q> {
    pub(super) fn with(gap: Duration, held: Q) -> Self {
        Self {
            gap,
            free_at: Instant::ZERO,
            held,
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

    fn send<T>(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.free_at = out.now() + self.gap;
        self.gate.send(event, out)
    }

    fn may_send<T>(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> bool {
        out.now() >= self.free_at && self.gate.is_open(out)
    }

    fn send_due<T>(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt
    where
        Q: Queue<T>,
    {
        if !self.may_send(out) {
            return Ok(Demand::More);
        }
        self.held.pop().map_or(Ok(Demand::More), |event| self.send(event, out))
    }

    /// Lets the source go on if there is room, and asks for the next wake-up.
    fn wait<T>(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>)
    where
        Q: Queue<T>,
    {
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

impl<T, Q: Queue<T>> Filter<T> for Pace<Q> {
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
                out.flush_error(drain(&mut self.held), full)?;
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
        out.flush(drain(&mut self.held))
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        let rest = drain(&mut self.held).filter(|_| !self.drop_on_error);
        out.flush_error(rest, error)
    }
}
