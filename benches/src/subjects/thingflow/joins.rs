//! Two ports, joined.

use std::cell::Cell;
use std::rc::Rc;

use thingflow_core::{Context, Elementwise, Instant, Joins, Limit, Port, Sinks};

use super::NEVER_FAILS;
use crate::event::{Event, Events};

/// Sends the events into two ports in turns.
fn in_turns(events: Events, left: &Port<Event>, right: &Port<Event>) {
    let cx = &mut Context::detached(Instant::ZERO);
    for (at, event) in (0_u64..).zip(events) {
        let sent = if at & 1 == 0 { left.emit(event, cx) } else { right.emit(event, cx) };
        sent.expect(NEVER_FAILS);
    }
}

/// Sums of pairs, the first with the first, over 128 or not, counted.
pub fn zip(events: Events) -> u64 {
    let (left, right, count) = (Port::new(), Port::new(), Rc::new(Cell::new(0)));
    let seen = count.clone();
    left.map(|event: Event| event.val)
        .zip(right.map(|event: Event| event.val), Limit::block(16))
        .map(|(a, b)| a + b)
        .for_each(move |sum| seen.set(seen.get() + u64::from(sum > 128.0)));
    in_turns(events, &left, &right);
    count.get()
}

/// Readings of both sides as they come, over 64 or not, counted.
pub fn merge(events: Events) -> u64 {
    let (left, right, count) = (Port::new(), Port::new(), Rc::new(Cell::new(0)));
    let seen = count.clone();
    left.merge(&right).for_each(move |event: Event| seen.set(seen.get() + u64::from(event.val > 64.0)));
    in_turns(events, &left, &right);
    count.get()
}

/// Sums of the latest of each side, over 128 or not, counted.
pub fn combine_latest(events: Events) -> u64 {
    let (left, right, count) = (Port::new(), Port::new(), Rc::new(Cell::new(0)));
    let seen = count.clone();
    left.map(|event: Event| event.val)
        .combine_latest(right.map(|event: Event| event.val))
        .map(|(a, b)| a + b)
        .for_each(move |sum| seen.set(seen.get() + u64::from(sum > 128.0)));
    in_turns(events, &left, &right);
    count.get()
}
