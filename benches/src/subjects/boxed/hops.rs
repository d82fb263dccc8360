//! Vectors of boxed closures in a row: a port with no rule, not even that it may change while it sends.

use std::rc::Rc;

use crate::event::{Event, Events};
use crate::sink::Sink;

/// The smallest thing that can be called a port.
pub type Port = Vec<Box<dyn FnMut(&Event)>>;

/// A sink behind that many ports.
pub fn hops(events: Events, hops: usize) -> u64 {
    let sink = Rc::new(Sink::new(64.0));
    let last = sink.clone();
    let mut first: Port = vec![Box::new(move |event| last.take(event))];
    for _ in 1..hops {
        let mut next = first;
        first = vec![Box::new(move |event| next.iter_mut().for_each(|sink| sink(event)))];
    }
    for event in events {
        first.iter_mut().for_each(|sink| sink(&event));
    }
    sink.count()
}
