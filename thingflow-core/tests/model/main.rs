//! Every operator that keeps something, against a naive model of it: the events, and how the stream ends.
#![cfg(feature = "alloc")]

#[cfg(feature = "std")]
mod aggregates;
#[cfg(feature = "std")]
mod chains;
mod filters;
#[cfg(feature = "std")]
mod flow;
#[cfg(feature = "std")]
#[path = "../support/given.rs"]
mod given;
mod history;
mod joins;
#[cfg(feature = "std")]
mod sources;
#[cfg(feature = "std")]
#[path = "../support/taken.rs"]
mod taken;
mod timing;
mod windows;

use std::fmt::Debug;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

/// How a stream ends.
type End = Option<&'static str>;

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(None), Just(Some("oh no"))]
}

fn events() -> impl Strategy<Value = Vec<i32>> {
    prop::collection::vec(-4..5, 0..24)
}

/// The line that a `Recorder` would show.
fn line<T: Debug>(events: impl IntoIterator<Item = T>, end: Option<&str>) -> String {
    let mut words: Vec<_> = events.into_iter().map(|e| format!("{e:?}")).collect();
    words.push(end.map_or("|".into(), |why| format!("! {why}")));
    words.join(" ")
}

/// The line that the filter gives for events one second apart, from second 1 on, as the scheduler would call it: woken each
/// second after the event, if `awake`, and never after it is done. `None` in `events` is a second without an event.
fn timed<F: Filter<i32>>(events: &[Option<i32>], end: End, awake: bool, filter: Pipe<i32, F>, times: bool) -> String
where
    F::Out: Debug + 'static,
{
    let seen = Recorder::new();
    let mut chain = filter.to(seen.clone());
    let at = |secs| Context::detached(Instant::ZERO + Duration::from_secs(secs));
    let mut demand = chain.notice(Notice::Start, &mut at(0)).expect("no fatal error");
    let mut now = 0;
    for event in events {
        now += 1;
        if awake && demand != Demand::Done {
            demand = chain.notice(Notice::Wake, &mut at(now)).expect("no fatal error");
        }
        if let (Some(event), true) = (event, demand != Demand::Done) {
            demand = chain.next(*event, &mut at(now)).expect("no fatal error");
        }
    }
    if demand != Demand::Done {
        let end = end.map_or(Notice::Completed, |why| Notice::Error(StreamError::new(why)));
        let _ = chain.notice(end, &mut at(now)).expect("no fatal error");
    }
    assert_eq!(seen.after_end(), 0, "something came after the end");
    if times { seen.timed_text() } else { seen.text() }
}

fn run<F: Filter<i32>>(events: &[i32], end: End, filter: Pipe<i32, F>) -> String
where
    F::Out: Debug + 'static,
{
    let events: Vec<_> = events.iter().copied().map(Some).collect();
    timed(&events, end, false, filter, false)
}

/// A final value: only a stream that completes has one.
fn at_completion<T: Debug>(value: impl IntoIterator<Item = T>, end: End) -> String {
    line(value.into_iter().filter(|_| end.is_none()), end)
}

/// A second each, with an event or without.
fn slots() -> impl Strategy<Value = Vec<Option<i32>>> {
    prop::collection::vec(prop::option::of(-4..5), 0..24)
}
