//! `latest()`: while those further down are full, keep only the newest event, and hand it on when they have room.
//!
//! Holds one event.

use crate::error::StreamError;
use crate::flow::gate::Gate;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`latest`](super::FlowControl::latest).
///
/// The last event always goes out: when there is room again, or at the end, also before an error. To count what is
/// dropped use [`buffer`](super::FlowControl::buffer) with [`Limit::keep_latest`](crate::Limit::keep_latest).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter(1..=3).latest().collect_now(), [1, 2, 3]); // nobody is full
/// ```
#[derive(Clone, Debug)]
pub struct Latest<T> {
    held: Option<T>,
    gate: Gate,
}

impl<T> Latest<T> {
    pub(super) fn new() -> Self {
        Self { held: None, gate: Gate::default() }
    }
}

impl<T> Filter<T> for Latest<T> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.gate.is_open(out) {
            self.held = None;
            return self.gate.send(event, out);
        }
        self.held = Some(event);
        Ok(Demand::More)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if !self.gate.is_open(out) {
            out.context().wake_on_resume();
            return Ok(Demand::More);
        }
        self.held.take().map_or(Ok(Demand::More), |event| self.gate.send(event, out))
    }
    fn has_room(&self, _: bool) -> bool {
        true
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(self.held.take())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush_error(self.held.take(), error)
    }
}
