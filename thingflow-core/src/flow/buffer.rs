//! `buffer(limit)`: go on while those further down are full, and hand on later what waits.
//!
//! Holds what its `Limit` allows.

use crate::error::StreamError;
use crate::flow::ending::Ending;
use crate::flow::gate::Gate;
use crate::limit::{Backlog, Limit};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`buffer`](super::FlowControl::buffer), or by [`new`](Self::new) if the option is wanted.
///
/// An event goes straight on while nothing waits. Once the receipt is [`Demand::Full`], events wait here, in order, and
/// go on when there is room again, some in each turn. What happens when the buffer is full too is said by its [`Limit`]:
/// the source is paused, an event is dropped (and counted, see [`Limit::metered`]), or the stream ends by an error. When
/// the stream completes the end waits until all have gone on; an error does not wait: what waits goes out at once, before
/// it. So it does at any end [where nobody wakes](crate::Context::drains).
///
/// ```
/// # use core::time::Duration;
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::{QueueMeter, testing::Recorder};
/// # #[cfg(feature = "std")] {
/// let mut scheduler = Scheduler::virtual_time()?;
/// let (seen, meter) = (Recorder::new(), QueueMeter::default());
/// let decoupled = from_iter(1..=7).buffer(Limit::drop_oldest(2).metered(&meter));
/// let slow = decoupled.pace(Duration::from_millis(3400), Limit::block(1)); // answers `Full` while it holds an event
/// scheduler.schedule_periodic(slow.connect(seen.clone()), Duration::from_secs(1))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "1@1 2@4.4 3@7.8 6@11.2 7@14.6 |@14.6");
/// assert_eq!(meter.stats().dropped, 2);
/// # }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Buffer<T> {
    waiting: Backlog<T>,
    gate: Gate,
    ending: Ending,
    drop_on_error: bool,
}

/// What one turn hands on, so that others have their turn too.
const MOST_IN_A_TURN: usize = 64;

impl<T> Buffer<T> {
    /// The stage, to be given to [`pipe`](crate::Chain::pipe).
    pub fn new(limit: Limit) -> Self {
        Self { waiting: Backlog::new(limit), gate: Gate::default(), ending: Ending::default(), drop_on_error: false }
    }

    /// Drops what waits when the stream ends by an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn hand_on(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let mut demand = Demand::More;
        for _ in 0..MOST_IN_A_TURN {
            if !self.gate.is_open(out) {
                break;
            }
            let Some(event) = self.waiting.pop() else { break };
            demand = demand.and(self.gate.send(event, out)?);
            if demand == Demand::Done {
                return Ok(demand);
            }
        }
        if self.waiting.take_room() {
            self.gate.resume(out);
        }
        if !self.gate.is_open(out) {
            out.context().wake_on_resume();
        } else if !self.waiting.is_empty() {
            out.wake_at(out.now());
        }
        Ok(demand)
    }
}

impl<T> Filter<T> for Buffer<T> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.waiting.is_empty() && self.gate.is_open(out) {
            self.waiting.pass();
            return self.gate.send(event, out);
        }
        match self.waiting.push(event, "buffer") {
            Err(error) => {
                out.flush_error(self.waiting.drain(), error)?;
                Ok(Demand::Done)
            }
            Ok(demand) if self.gate.is_open(out) => Ok(demand.and(self.hand_on(out)?)),
            Ok(demand) => Ok(demand),
        }
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.hand_on(out)?;
        self.ending.follow(demand, self.waiting.is_empty(), out)
    }
    fn has_room(&self, _: bool) -> bool {
        self.waiting.has_room()
    }
    fn is_draining(&self) -> bool {
        self.ending.waits()
    }
    fn is_holding(&self) -> bool {
        !self.waiting.is_empty() || self.is_draining()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if self.ending.may_wait(out.context()) {
            return self.on_wake(out).map(drop);
        }
        out.flush(self.waiting.drain())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        let rest = self.waiting.drain().filter(|_| !self.drop_on_error);
        out.flush_error(rest, error)
    }
}
