//! `on_timeout(d, watcher)`: send a substitute when no event has come for a time.
//!
//! Holds nothing. A watcher may: `Repeat` holds one event.

use core::time::Duration;

use crate::kit::Ticker;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Supplies the events of [`on_timeout`](super::Timing::on_timeout). A function without arguments is one that does not
/// look at the events.
pub trait Watcher<T> {
    /// Sees each event before it goes on.
    fn see(&mut self, _event: &T) {}
    /// Supplies an event in place of the one that did not come, or nothing.
    fn supply(&mut self) -> Option<T>;
    /// Whether it remembers an event, of which a walk over the state has to be told.
    fn remembers(&self) -> bool {
        false
    }
}

impl<T, F: FnMut() -> Option<T>> Watcher<T> for F {
    fn supply(&mut self) -> Option<T> {
        self()
    }
}

/// A [`Watcher`] that supplies the last event once more; nothing before the first.
#[derive(Clone, Copy, Debug)]
pub struct Repeat<T>(Option<T>);

impl<T> Repeat<T> {
    /// A watcher that has seen nothing.
    pub const fn last() -> Self {
        Self(None)
    }
}

impl<T: Clone> Watcher<T> for Repeat<T> {
    fn see(&mut self, event: &T) {
        self.0 = Some(event.clone());
    }
    fn supply(&mut self) -> Option<T> {
        self.0.clone()
    }
    fn remembers(&self) -> bool {
        self.0.is_some()
    }
}

/// Made by [`on_timeout`](super::Timing::on_timeout).
#[derive(Clone, Debug)]
pub struct OnTimeout<W> {
    ticker: Ticker,
    watcher: W,
}

impl<W> OnTimeout<W> {
    #[track_caller]
    pub(super) fn new(interval: Duration, watcher: W) -> Self {
        Self { ticker: Ticker::new(interval), watcher }
    }

    fn send_due<T>(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt
    where
        W: Watcher<T>,
    {
        let now = out.now();
        let timeout = self.ticker.is_due(now);
        if timeout {
            self.ticker.restart(now);
        }
        out.wake_at(self.ticker.due());
        let substitute = if timeout { self.watcher.supply() } else { None };
        substitute.map_or(Ok(Demand::More), |event| out.next(event))
    }
}

impl<T, W: Watcher<T>> Filter<T> for OnTimeout<W> {
    type Out = T;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        // What was due while nobody listened says nothing of the sensor.
        if self.ticker.due() < out.now() {
            self.ticker.restart(out.now());
        }
        self.ticker.follow(out.now());
        out.wake_at(self.ticker.due());
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?; // the wake-up may be on its way
        if demand == Demand::Done {
            return Ok(demand);
        }
        self.ticker.restart(out.now());
        out.wake_at(self.ticker.due());
        self.watcher.see(&event);
        Ok(demand.and(out.next(event)?))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.send_due(out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.ticker.on_state("next", state);
        if self.watcher.remembers() {
            state.unsaved("on_timeout");
        }
    }
}

impl<T: Saved> SavedEvents for OnTimeout<Repeat<T>> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.ticker.on_state("next", state);
        self.watcher.0.on_state("event", state);
    }
}
