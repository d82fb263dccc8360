//! One port with many connections.

use thingflow_core::{Context, Instant, Port, call};

use super::NEVER_FAILS;
use crate::event::{Event, Events};
use crate::sink::Sink;

/// Each event goes to each sink.
pub fn sinks(events: Events, sinks: usize) -> u64 {
    let sinks = Sink::shared(sinks);
    let port = Port::new();
    for sink in &sinks {
        let sink = sink.clone();
        port.connect(call(move |event: Event| sink.take(&event)));
    }
    let cx = &mut Context::detached(Instant::ZERO);
    for event in events {
        port.emit(event, cx).expect(NEVER_FAILS);
    }
    sinks.iter().map(|sink| sink.count()).sum()
}
