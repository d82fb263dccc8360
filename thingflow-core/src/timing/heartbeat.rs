//! `heartbeat(d)`, `heartbeat_by(d, same)`: send what changes, and the latest event at least once each time.
//!
//! Holds one event.

use core::time::Duration;

use crate::kit::Ticker;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`heartbeat`](super::Timing::heartbeat) and [`heartbeat_by`](super::Timing::heartbeat_by).
#[derive(Clone, Debug)]
pub struct Heartbeat<T, F> {
    ticker: Ticker,
    latest: Option<T>,
    same: F,
}

impl<T, F: FnMut(&T, &T) -> bool> Heartbeat<T, F> {
    #[track_caller]
    pub(super) fn new(interval: Duration, same: F) -> Self {
        Self { ticker: Ticker::new(interval), latest: None, same }
    }
}

impl<T: Clone, F> Heartbeat<T, F> {
    fn beat(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let latest = if self.ticker.is_due(out.now()) { self.latest.clone() } else { None };
        if self.latest.is_some() {
            out.wake_at(self.ticker.due());
        }
        latest.map_or(Ok(Demand::More), |event| out.next(event))
    }
}

impl<T: Clone, F: FnMut(&T, &T) -> bool> Filter<T> for Heartbeat<T, F> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.beat(out)?; // the wake-up may be on its way
        if demand == Demand::Done {
            return Ok(demand);
        }
        let before = self.latest.replace(event.clone());
        if before.is_some_and(|before| (self.same)(&before, &event)) {
            return Ok(demand);
        }
        self.ticker.restart(out.now());
        out.wake_at(self.ticker.due());
        Ok(demand.and(out.next(event)?))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.beat(out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.ticker.on_state("next", state);
        if self.latest.is_some() {
            state.unsaved("heartbeat");
        }
    }
}

impl<T: Saved, F> SavedEvents for Heartbeat<T, F> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.ticker.on_state("next", state);
        self.latest.on_state("event", state);
    }
}
