//! The chain as an observable, from an iterator and from a subject.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;

use rxrust::prelude::*;

use crate::event::{Event, Events};
use crate::running_avg::RunningAvg;

/// Average of five, over 64 or not, counted; cold, one static type.
pub fn fused(events: Events) -> u64 {
    let mut avg = RunningAvg::default();
    let mut count = 0;
    Local::from_iter(events)
        .map(|event: Event| event.val)
        .map(move |val| avg.push(val))
        .map(|avg| avg > 64.0)
        .subscribe(|over| {
            count += u64::from(over);
        });
    count
}

/// The same behind a subject, which events are pushed into.
pub fn behind_a_port(events: Events) -> u64 {
    let mut avg = RunningAvg::default();
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    let mut subject = Local::subject::<Event, Infallible>();
    subject.clone().map(|event| event.val).map(move |val| avg.push(val)).map(|avg| avg > 64.0).subscribe(move |over| {
        seen.set(seen.get() + u64::from(over));
    });
    for event in events {
        subject.next(event);
    }
    count.get()
}
