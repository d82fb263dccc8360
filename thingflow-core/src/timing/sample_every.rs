//! `sample_every(d)`: send the latest event of each interval.
//!
//! Holds one event.

use core::time::Duration;

use crate::clock::Timestamp;
use crate::error::StreamError;
use crate::kit::{Single, Ticker};
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`sample_every`](super::Timing::sample_every), or by [`new`](Self::new) if the option is wanted.
#[derive(Clone, Debug)]
pub struct SampleEvery<T> {
    ticker: Ticker,
    held: Single<T>,
    drop_on_error: bool,
}

impl<T> SampleEvery<T> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    ///
    /// # Panics
    /// If the interval is zero.
    #[track_caller]
    pub fn new(interval: Duration) -> Self {
        Self { ticker: Ticker::new(interval), held: Single::default(), drop_on_error: false }
    }

    /// Drops what waits when the stream ends with an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let due = self.ticker.is_due(out.now());
        out.wake_at(self.ticker.due());
        if due { self.held.send(out) } else { Ok(Demand::More) }
    }
}

impl<T> Filter<T> for SampleEvery<T> {
    type Out = T;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.ticker.follow(out.now());
        out.wake_at(self.ticker.due());
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?; // the interval may be over, and only the wake-up not here yet
        self.held.hold(event);
        Ok(demand)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.send_due(out)
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
        self.held.fail(error, self.drop_on_error, out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.ticker.on_state("next", state);
        if !self.held.is_empty() {
            state.unsaved("sample_every");
        }
    }
}

impl<T: Saved> SavedEvents for SampleEvery<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.ticker.on_state("next", state);
        self.held.on_events("event", state);
    }
}
