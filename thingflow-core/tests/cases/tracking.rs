//! Cases of tracked events. A reference that "counts 1" is an event on its way, one that "counts 0" is settled.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::tracking::{Gather, Outcome, Tracked, Tracker, Tracking};
use thingflow_core::windows::List;

use super::takes_all::{Quirk, TakesAll};

type Event = Tracked<i32, &'static str>;

/// A tracker, and which of its events are settled: all of them done.
struct References {
    tracker: Tracker<&'static str>,
    gone: Rc<RefCell<Vec<&'static str>>>,
}

impl References {
    fn new() -> Self {
        let gone = Rc::new(RefCell::new(Vec::new()));
        let done = gone.clone();
        let tracker = Tracker::new(move |settled, _| {
            assert_eq!(settled.outcome, Outcome::Done);
            done.borrow_mut().push(settled.meta);
            Ok(())
        });
        Self { tracker, gone }
    }

    /// Sends `value` with a reference into `port`; whose references count 0 since the last time.
    fn send(&self, port: &Port<Event>, value: i32, name: &'static str, cx: &mut Context<'_>) -> String {
        assert!(port.emit(self.tracker.track(value, name, cx), cx).is_ok());
        self.settled(cx)
    }

    fn settled(&self, cx: &mut Context<'_>) -> String {
        assert!(self.tracker.settle(cx).is_ok());
        self.gone.take().join(" ")
    }
}

/// A sink that writes down the metadata of what it gets.
fn metadata<T: Gather<Meta = &'static str>>(seen: &Recorder<String>) -> impl InputThing<T> + use<T> {
    let gathered = pipe::<T>().gather().map(|event| format!("[{}]", event.metadata().copied().collect::<String>()));
    gathered.to(seen.clone())
}

fn cx() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const NAMES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

#[test]
fn case_353_sliding_window_holds_its_members() {
    let (port, references, cx) = (Port::new(), References::new(), &mut cx());
    port.sliding(2).connect(call(drop));
    let _ = port.emit(Tracked::untracked(-2), cx).unwrap();
    let mut gone = vec![references.send(&port, -1, "r", cx)];
    for (value, name) in (0..).zip(NAMES) {
        gone.push(references.send(&port, value, name, cx));
    }
    assert_eq!(gone, ["", "", "r", "0", "1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn case_354_sliding_window_metadata() {
    let (port, references, seen, cx) = (Port::new(), References::new(), Recorder::new(), &mut cx());
    port.window(Window::sliding(2).partial(), List::new()).connect(metadata(&seen));
    let _ = port.emit(Tracked::untracked(0), cx).unwrap();
    for (value, name) in [(1, "v1"), (2, "v2"), (3, "v3")] {
        references.send(&port, value, name, cx);
    }
    assert_eq!(seen.events(), ["[]", "[v1]", "[v1v2]", "[v2v3]"]);
}

#[test]
fn case_355_partition_holds_until_full() {
    let (port, references, cx) = (Port::new(), References::new(), &mut cx());
    port.chunks(2).connect(call(drop));
    let gone: Vec<String> = (0..).zip(NAMES).map(|(value, name)| references.send(&port, value, name, cx)).collect();
    assert_eq!(gone, ["", "0 1", "", "2 3", "", "4 5", "", "6 7", "", "8 9"]);
}

#[test]
fn case_356_partition_metadata() {
    let (port, references, seen, cx) = (Port::new(), References::new(), Recorder::new(), &mut cx());
    port.chunks(2).connect(metadata(&seen));
    let _ = port.emit(Tracked::untracked(0), cx).unwrap();
    for (value, name) in [(1, "v1"), (2, "v2"), (3, "v3")] {
        references.send(&port, value, name, cx);
    }
    assert_eq!(seen.events(), ["[v1]", "[v2v3]"]);
}

/// Sends events with references into what `connect` makes, at the given times in ms; whose references count 0 at the times
/// of `look`, since the one before.
fn timed(
    events: &'static [(u64, &'static str)],
    look: &[u64],
    connect: impl FnOnce(&Port<Event>),
) -> Result<Vec<String>, RunError> {
    let references = References::new();
    let mut scheduler = Scheduler::virtual_time()?;
    let port = Port::new().keep_running();
    connect(&port);
    scheduler.schedule_periodic(from_fn(|| Some(())).connect(call(drop)), ms(1)).map_err(RunError::new)?; // the run goes on
    for (at, name) in events {
        let (port, tracker) = (port.clone(), references.tracker.clone());
        let mut names = Some(name).into_iter();
        let flow = from_fn(move || names.next()).connect(TakesAll(Sends { port, tracker }));
        scheduler.schedule_later_one_time(flow, ms(*at)).map_err(RunError::new)?;
    }
    let mut gone = Vec::new();
    for at in look {
        scheduler.run_for(Instant::from_nanos(at * 1_000_000).since(scheduler.now()))?;
        gone.push(references.gone.take().join(" "));
    }
    Ok(gone)
}

/// Sends names as events with a reference. A name without text has none.
struct Sends {
    port: Port<Event>,
    tracker: Tracker<&'static str>,
}

impl Quirk for Sends {
    type Event = &'static &'static str;
    fn on_next(&mut self, name: &'static &'static str, cx: &mut Context<'_>) -> Receipt {
        let event = if name.is_empty() { Tracked::untracked(0) } else { self.tracker.track(1, *name, cx) };
        self.port.emit(event, cx)
    }
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.port.notice(Notice::Start, cx)
    }
}

#[test]
fn case_357_timed_window_holds_until_it_has_sent() {
    let gone = timed(&[(1, "r1"), (52, "r2")], &[5, 45, 53], |port| {
        port.chunks_timeout(ms(10), Limit::default()).connect(call(drop));
    });
    assert_eq!(gone.unwrap(), ["", "r1", ""]);
}

#[test]
fn case_358_timed_window_metadata() {
    let seen = Recorder::new();
    let gone = timed(&[(1, ""), (2, "v1"), (70, "v2"), (71, "v3")], &[200], |port| {
        port.chunks_timeout(ms(60), Limit::default()).connect(metadata(&seen));
    });
    assert_eq!(seen.events(), ["[v1]", "[v2v3]"]);
    assert_eq!(gone.unwrap().len(), 1);
}

#[test]
fn case_359_delay_and_buffer_hold_until_sent() {
    let gone = timed(&[(0, "0"), (0, "1"), (0, "2"), (0, "3"), (0, "4")], &[1, 50], |port| {
        port.delay(ms(10), Limit::block(5)).buffer(Limit::block(5)).connect(call(drop));
    });
    assert_eq!(gone.unwrap(), ["", "0 1 2 3 4"]);
}

#[test]
fn case_360_combine_latest_holds_the_latest() {
    let (a, b, references, cx) = (Port::new(), Port::new(), References::new(), &mut cx());
    a.combine_latest(&b).connect(call(drop));
    let steps = [(&a, "r1"), (&a, "r2"), (&b, "r3")];
    assert_eq!(steps.map(|(port, name)| references.send(port, 0, name, cx)), ["", "r1", ""]);
    assert_eq!(references.tracker.in_flight(), 2);
}

#[test]
fn case_361_combine_latest_metadata() {
    let (a, b, references, seen, cx) = (Port::new(), Port::new(), References::new(), Recorder::new(), &mut cx());
    a.combine_latest(&b).connect(metadata(&seen));
    references.send(&a, 1, "v1", cx);
    references.send(&b, 2, "v2", cx);
    let _ = b.emit(Tracked::untracked(3), cx).unwrap();
    references.send(&b, 4, "v4", cx);
    assert_eq!(seen.events(), ["[v1v2]", "[v1]", "[v1v4]"]);
}

#[test]
fn case_362_zip_holds_what_waits() {
    let (a, b, references, cx) = (Port::new(), Port::new(), References::new(), &mut cx());
    a.zip(&b, Limit::default()).connect(call(drop));
    let steps = [(&a, "r1"), (&a, "r2"), (&b, "r3")];
    assert_eq!(steps.map(|(port, name)| references.send(port, 0, name, cx)), ["", "", "r1 r3"]);
    assert_eq!(references.tracker.in_flight(), 1);
}
