//! Subjects in a row, each subscribed to the one before.

use std::convert::Infallible;
use std::rc::Rc;

use rxrust::prelude::*;

use crate::event::{Event, Events};
use crate::sink::Sink;

/// A sink behind that many subjects.
pub fn hops(events: Events, hops: usize) -> u64 {
    let sink = Rc::new(Sink::new(64.0));
    let last = sink.clone();
    let mut first = Local::subject::<Event, Infallible>();
    first.clone().subscribe(move |event| last.take(&event));
    for _ in 1..hops {
        let mut next = first;
        first = Local::subject::<Event, Infallible>();
        first.clone().subscribe(move |event| next.next(event));
    }
    for event in events {
        first.next(event);
    }
    sink.count()
}
