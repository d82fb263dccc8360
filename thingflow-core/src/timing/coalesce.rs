//! `coalesce()`: send only the last of the events that come at once.
//!
//! Holds one event.

use crate::clock::Timestamp;
use crate::error::StreamError;
use crate::kit::Single;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`coalesce`](super::Timing::coalesce).
#[derive(Clone, Debug)]
pub struct Coalesce<T> {
    held: Single<T>,
}

impl<T> Coalesce<T> {
    pub(super) fn new() -> Self {
        Self { held: Single::default() }
    }
}

impl<T> Filter<T> for Coalesce<T> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.hold(event);
        out.wake_at(out.now()); // a timer that is due now fires in the next turn
        Ok(Demand::More)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.send(out)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.on_watermark(watermark, out)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.on_flush(out)
    }
    fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        self.held.on_completed(out)
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        self.held.fail(error, false, out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.held.is_empty() {
            state.unsaved("coalesce");
        }
    }
}

impl<T: Saved> SavedEvents for Coalesce<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.held.on_events("event", state);
    }
}
