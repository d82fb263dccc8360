//! `last()`, `last_or(v)`: send the last event, at completion.
//!
//! Holds one event.

use crate::clock::Timestamp;
use crate::error::StreamError;
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// What final-value filters say when they are asked for one and no event came.
pub(crate) const NO_ELEMENTS: StreamError = StreamError::new("no elements");

/// Made by [`last`](super::Selecting::last).
#[derive(Clone, Debug)]
pub struct Last<T>(pub(super) Option<T>);

impl<T> Filter<T> for Last<T> {
    type Out = T;
    fn on_next(&mut self, event: T, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.0 = Some(event);
        Ok(Demand::More)
    }
    /// What is sent at completion may be of any time: until then there is nothing to say.
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.0.is_none() { out.notice(Notice::Watermark(watermark)) } else { Ok(Demand::More) }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        match self.0.take() {
            Some(event) => out.flush([event]),
            None => out.error(NO_ELEMENTS),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.0.is_some() {
            state.unsaved("last");
        }
    }
}

impl<T: Saved> SavedEvents for Last<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state("last", state);
    }
}

/// Made by [`last_or`](super::Selecting::last_or).
#[derive(Clone, Debug)]
pub struct LastOr<T>(pub(super) Option<T>);

impl<T> Filter<T> for LastOr<T> {
    type Out = T;
    fn on_next(&mut self, event: T, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.0 = Some(event); // the default is only the first of them
        Ok(Demand::More)
    }
    /// What is sent at completion may be of any time: until then there is nothing to say.
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.0.is_none() { out.notice(Notice::Watermark(watermark)) } else { Ok(Demand::More) }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(self.0.take())
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.0.is_some() {
            state.unsaved("last_or");
        }
    }
}

impl<T: Saved> SavedEvents for LastOr<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state("last", state);
    }
}
