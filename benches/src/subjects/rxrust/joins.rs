//! Two subjects, joined.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;

use rxrust::prelude::*;

use crate::event::{Event, Events};

/// Sends the events into two subjects in turns.
macro_rules! in_turns {
    ($events:expr, $left:expr, $right:expr) => {
        for (at, event) in (0_u64..).zip($events) {
            if at & 1 == 0 { $left.next(event) } else { $right.next(event) }
        }
    };
}

/// Sums of pairs, the first with the first, over 128 or not, counted.
pub fn zip(events: Events) -> u64 {
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    let (mut left, mut right) = (Local::subject::<Event, Infallible>(), Local::subject::<Event, Infallible>());
    left.clone()
        .map(|event| event.val)
        .zip(right.clone().map(|event| event.val))
        .map(|(a, b)| a + b)
        .subscribe(move |sum| seen.set(seen.get() + u64::from(sum > 128.0)));
    in_turns!(events, left, right);
    count.get()
}

/// Readings of both sides as they come, over 64 or not, counted.
pub fn merge(events: Events) -> u64 {
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    let (mut left, mut right) = (Local::subject::<Event, Infallible>(), Local::subject::<Event, Infallible>());
    left.clone().merge(right.clone()).subscribe(move |event| seen.set(seen.get() + u64::from(event.val > 64.0)));
    in_turns!(events, left, right);
    count.get()
}

/// Sums of the latest of each side, over 128 or not, counted.
pub fn combine_latest(events: Events) -> u64 {
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    let (mut left, mut right) = (Local::subject::<Event, Infallible>(), Local::subject::<Event, Infallible>());
    left.clone()
        .map(|event| event.val)
        .combine_latest(right.clone().map(|event| event.val), |a, b| a + b)
        .subscribe(move |sum| seen.set(seen.get() + u64::from(sum > 128.0)));
    in_turns!(events, left, right);
    count.get()
}
