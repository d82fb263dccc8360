//! Holding back and routing behind a subject.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;

use rxrust::prelude::*;

use crate::event::{Event, Events};

/// Lists of ten, their first over 64 or not, counted.
pub fn chunks(events: Events) -> u64 {
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    let mut subject = Local::subject::<Event, Infallible>();
    subject
        .clone()
        .buffer_count(10)
        .subscribe(move |list: Vec<Event>| seen.set(seen.get() + u64::from(list[0].val > 64.0)));
    for event in events {
        subject.next(event);
    }
    count.get()
}

/// A count for each of eight keys, of readings over 64; their sum.
pub fn group_by(events: Events) -> u64 {
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    let mut subject = Local::subject::<Event, Infallible>();
    subject.clone().group_by(|event: &Event| event.id).subscribe(move |group| {
        let seen = seen.clone();
        group.subscribe(move |event: Event| seen.set(seen.get() + u64::from(event.val > 64.0)));
    });
    for event in events {
        subject.next(event);
    }
    count.get()
}
