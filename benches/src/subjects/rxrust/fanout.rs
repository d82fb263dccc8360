//! One subject with many subscribers.

use std::convert::Infallible;

use rxrust::prelude::*;

use crate::event::{Event, Events};
use crate::sink::Sink;

/// Each event goes to each subscriber, cloned for all but the last.
pub fn sinks(events: Events, sinks: usize) -> u64 {
    let sinks = Sink::shared(sinks);
    let mut subject = Local::subject::<Event, Infallible>();
    for sink in &sinks {
        let sink = sink.clone();
        subject.clone().subscribe(move |event| sink.take(&event));
    }
    for event in events {
        subject.next(event);
    }
    sinks.iter().map(|sink| sink.count()).sum()
}
