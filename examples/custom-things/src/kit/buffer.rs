//! `buffer`: a stage that goes on while those downstream are full.

use thingflow::kit::Holding;
use thingflow::prelude::*;
use thingflow::storage::Growing;

/// Sends events on at once while there is room, else later.
pub(crate) struct Buffer<T>(Holding<T, Growing<T>>);

/// So many go on in one turn, so that others have their turn too.
const MOST: usize = 64;

impl<T> Buffer<T> {
    pub(crate) fn new(limit: Limit) -> Self {
        Self(Holding::new(limit))
    }

    fn hand_on(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.0.send(MOST, |_, _| true, |event| event, out)?;
        if demand != Demand::Done {
            self.0.wait(|_, now| now, out);
        }
        Ok(demand)
    }
}

impl<T> Filter<T> for Buffer<T> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let event = match self.0.pass(event, out) {
            Ok(receipt) => return receipt,
            Err(event) => event,
        };
        let room = self.0.hold(event, "buffer", |event| event, out)?;
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
        if self.0.may_wait(out) { self.on_wake(out).map(drop) } else { self.0.flush(|event| event, out) }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        self.0.fail(error, |event| event, out)
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
}
