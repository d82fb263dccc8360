//! `coalesce()`: send only the last of the events that come at once.
//!
//! Holds one event.

use crate::error::StreamError;
use crate::notice::Notice;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`coalesce`](super::Timing::coalesce).
#[derive(Clone, Debug)]
pub struct Coalesce<T> {
    held: Option<T>,
}

impl<T> Coalesce<T> {
    pub(super) fn new() -> Self {
        Self { held: None }
    }
}

impl<T> Filter<T> for Coalesce<T> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held = Some(event);
        out.wake_at(out.now()); // a timer that is due now fires in the next turn
        Ok(Demand::More)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.take().map_or(Ok(Demand::More), |event| out.next(event))
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.held.take().map_or(Ok(Demand::More), |event| out.next(event))?;
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(Notice::Flush)?)) }
    }
    fn is_holding(&self) -> bool {
        self.held.is_some()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(self.held.take())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush_error(self.held.take(), error)
    }
}
