//! [`TakesAll`]: a sink that takes all it is given, with the answers of its own that a test wants.

use thingflow_core::Visitor;
use thingflow_core::prelude::*;

/// What is particular about a sink of a test: unless it says otherwise, the sink wants more, listens, and has room.
pub(crate) trait Quirk: 'static {
    fn on_event(&mut self, _: &mut Context<'_>) -> Demand {
        Demand::More
    }
    fn is_open(&self) -> bool {
        true
    }
    fn has_room(&self) -> bool {
        true
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink("takes_all");
    }
}

/// The sink.
#[derive(Clone)]
pub(crate) struct TakesAll<Q>(pub(crate) Q);

impl<Q: Quirk> Sink for TakesAll<Q> {
    type Event = i32;
    fn on_next(&mut self, _: i32, cx: &mut Context<'_>) -> Receipt {
        Ok(self.0.on_event(cx))
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn is_open(&self) -> bool {
        self.0.is_open()
    }
    fn has_room(&self) -> bool {
        self.0.has_room()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        self.0.describe(visitor);
    }
}
