//! `latest()`: keeps only the newest event while those downstream are full, and hands it on when they have room.
//!
//! Holds one event.

use crate::clock::Timestamp;
use crate::error::StreamError;
use crate::kit::{Ending, Gate, Single};
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`latest`](super::FlowControl::latest).
///
/// The last event always goes out: when there is room again, for which the end waits; or at once, before an error, and at
/// any end [where nobody wakes](crate::Context::drains). To count what is
/// dropped use [`buffer`](super::FlowControl::buffer) with [`Limit::keep_latest`](crate::Limit::keep_latest).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter(1..=3).latest().collect_now(), [1, 2, 3]); // nobody is full
/// ```
#[derive(Clone, Debug)]
pub struct Latest<T> {
    held: Single<T>,
    gate: Gate,
    ending: Ending,
}

impl<T> Latest<T> {
    pub(super) fn new() -> Self {
        Self { held: Single::default(), gate: Gate::default(), ending: Ending::default() }
    }
}

impl<T> Filter<T> for Latest<T> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.gate.is_open(out) {
            let demand = self.held.drop_event(out)?;
            return if demand == Demand::Done { Ok(demand) } else { self.gate.send(event, out) };
        }
        self.held.hold(event);
        Ok(Demand::More)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if !self.gate.is_open(out) {
            out.context().wake_on_resume();
            return Ok(Demand::More);
        }
        let gate = &mut self.gate;
        let demand = self.held.send_by(out, |event, out| gate.send(event, out))?;
        self.ending.follow(demand, true, out)
    }
    fn has_room(&self, _: bool) -> bool {
        true
    }
    fn is_draining(&self) -> bool {
        self.ending.waits()
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.on_watermark(watermark, out)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if !self.held.is_empty() && self.ending.may_wait(out.context()) {
            return self.on_wake(out).map(drop);
        }
        self.held.on_completed(out)
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        self.held.fail(error, false, out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.held.is_empty() {
            state.unsaved("latest");
        }
    }
}

impl<T: Saved> SavedEvents for Latest<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.held.on_events("event", state);
    }
}
