//! Ports in a row, each connected to the one before.

use std::rc::Rc;

use thingflow_core::{Context, Instant, Port, call};

use super::NEVER_FAILS;
use crate::event::{Event, Events};
use crate::sink::Sink;

/// A sink behind that many ports.
pub fn hops(events: Events, hops: usize) -> u64 {
    let sink = Rc::new(Sink::new(64.0));
    let last = sink.clone();
    let mut first = Port::new();
    first.connect(call(move |event: Event| last.take(&event)));
    for _ in 1..hops {
        let next = first;
        first = Port::new();
        first.connect(next);
    }
    let cx = &mut Context::detached(Instant::ZERO);
    for event in events {
        first.emit(event, cx).expect(NEVER_FAILS);
    }
    sink.count()
}
