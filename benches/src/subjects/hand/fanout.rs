//! Fan-out as a loop over a flat vector of sinks.

use crate::event::Events;
use crate::sink::Sink;

/// Each event goes to each sink.
pub fn sinks(events: Events, sinks: usize) -> u64 {
    let sinks: Vec<Sink> = (0..sinks).map(|threshold| Sink::new(threshold as f64)).collect();
    for event in events {
        for sink in &sinks {
            sink.take(&event);
        }
    }
    sinks.iter().map(Sink::count).sum()
}
