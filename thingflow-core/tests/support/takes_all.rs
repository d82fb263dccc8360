//! [`TakesAll`]: a sink that takes all it is given, with the answers of its own that a test wants.

use thingflow_core::Visitor;
use thingflow_core::prelude::*;

/// What is particular about a sink of a test: unless it says otherwise, the sink wants more, listens, has room, and takes its
/// end in silence. For one that is particular about its events only there is `call_with`.
pub(crate) trait Quirk: 'static {
    type Event;
    fn on_start(&mut self, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn on_next(&mut self, _: Self::Event, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn on_wake(&mut self, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn on_watermark(&mut self, _: Timestamp, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn on_flush(&mut self, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
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
    type Event = Q::Event;
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.0.on_start(cx)
    }
    fn on_next(&mut self, event: Q::Event, cx: &mut Context<'_>) -> Receipt {
        self.0.on_next(event, cx)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.0.on_wake(cx)
    }
    fn on_watermark(&mut self, watermark: Timestamp, cx: &mut Context<'_>) -> Receipt {
        self.0.on_watermark(watermark, cx)
    }
    fn on_flush(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.0.on_flush(cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.0.on_completed(cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.0.on_error(error, cx)
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
