//! `delay`: a stage that holds events in time.

use std::time::Duration;

use thingflow::kit::Holding;
use thingflow::prelude::*;
use thingflow::storage::Growing;

/// Sends each event later by the same time.
pub(crate) struct Delay<T> {
    by: Duration,
    held: Holding<(Instant, T), Growing<(Instant, T)>>,
}

impl<T> Delay<T> {
    pub(crate) fn new(by: Duration, limit: Limit) -> Self {
        Self { by, held: Holding::new(limit) }
    }
}

/// What waits is an event and the time at which it is due.
fn event<T>((_, event): (Instant, T)) -> T {
    event
}

impl<T> Filter<T> for Delay<T> {
    type Out = T;
    fn on_next(&mut self, next: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.held.send(usize::MAX, |(due, _), now| *due <= now, event, out)?;
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
        let demand = self.held.send(usize::MAX, |(due, _), now| *due <= now, event, out)?;
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
    fn has_room(&self, _: bool) -> bool {
        self.held.has_room()
    }
    fn is_draining(&self) -> bool {
        self.held.is_draining()
    }
    fn is_holding(&self) -> bool {
        self.held.is_holding()
    }
}
