//! The chain with a `Box<dyn FnMut>` for each stage.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use crate::event::{Event, Events};
use crate::running_avg::RunningAvg;

/// Average of five, over 64 or not, counted.
pub fn staged(events: Events) -> u64 {
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    let mut sink: Box<dyn FnMut(bool)> = Box::new(move |over| {
        seen.set(seen.get() + u64::from(over));
    });
    let mut compare: Box<dyn FnMut(f64)> = black_box(Box::new(move |avg| sink(avg > 64.0)));
    let mut avg = RunningAvg::default();
    let mut average: Box<dyn FnMut(f64)> = black_box(Box::new(move |val| compare(avg.push(val))));
    let mut value: Box<dyn FnMut(&Event)> = black_box(Box::new(move |event| average(event.val)));
    for event in events {
        value(&event);
    }
    count.get()
}
