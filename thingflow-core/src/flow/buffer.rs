//! `buffer(limit)`: goes on while those downstream are full, and hands on later what waits.
//!
//! Holds what its `Limit` allows.

use crate::clock::Timestamp;
use crate::error::StreamError;
use crate::kit::Holding;
use crate::limit::{Limit, QueueState};
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::storage::Growing;
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
pub struct Buffer<T>(Holding<T, Growing<T>>);

/// What one turn hands on, so that others have their turn too.
const MOST_IN_A_TURN: usize = 64;

impl<T> Buffer<T> {
    /// The stage, to be given to [`pipe`](crate::Chain::pipe).
    pub fn new(limit: Limit) -> Self {
        Self(Holding::new(limit))
    }

    /// Drops what waits when the stream ends by an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self(self.0.drop_on_error())
    }

    fn hand_on(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.0.send(MOST_IN_A_TURN, |_, _| true, as_it_is, out)?;
        if demand != Demand::Done {
            self.0.wait(|_, now| now, out);
        }
        Ok(demand)
    }
}

fn as_it_is<T>(event: T) -> T {
    event
}

impl<T> Filter<T> for Buffer<T> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let event = match self.0.pass(event, out) {
            Ok(receipt) => return receipt,
            Err(event) => event,
        };
        let room = self.0.hold(event, "buffer", as_it_is, out)?;
        if room == Demand::Done { Ok(room) } else { Ok(room.and(self.hand_on(out)?)) }
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.hand_on(out)?;
        self.0.follow(demand, out)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.0.on_watermark(watermark, out)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if self.0.may_wait(out) { self.on_wake(out).map(drop) } else { self.0.flush(as_it_is, out) }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        self.0.fail(error, as_it_is, out)
    }
    fn queue(&self) -> Option<QueueState> {
        self.0.queue()
    }
    fn has_room(&self, _: bool) -> bool {
        self.0.has_room()
    }
    fn is_draining(&self) -> bool {
        self.0.is_draining()
    }
    fn is_holding(&self) -> bool {
        self.0.is_holding()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.0.is_holding() {
            state.unsaved("buffer");
        }
    }
}

impl<T: Saved> SavedEvents for Buffer<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_events("events", state);
    }
}
