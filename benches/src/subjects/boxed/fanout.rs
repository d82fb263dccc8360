//! A vector of boxed closures.

use super::hops::Port;
use crate::event::Events;
use crate::sink::Sink;

/// Each event goes to each closure, by reference.
pub fn sinks(events: Events, sinks: usize) -> u64 {
    let sinks = Sink::shared(sinks);
    let mut port = Port::new();
    for sink in &sinks {
        let sink = sink.clone();
        port.push(Box::new(move |event| sink.take(event)));
    }
    for event in events {
        for sink in &mut port {
            sink(&event);
        }
    }
    sinks.iter().map(|sink| sink.count()).sum()
}
