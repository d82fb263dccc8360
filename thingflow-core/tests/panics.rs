//! User code that panics where nobody expects it: in `Drop`, and while it is only asked a question.
#![cfg(feature = "std")]

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Limit, PortRef};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECOND: Duration = Duration::from_secs(1);

struct Bad;

impl Drop for Bad {
    fn drop(&mut self) {
        panic!("a bad end");
    }
}

fn bad_sink() -> impl InputThing<i32> + 'static {
    let bad = Bad;
    call(move |_| {
        let _ = &bad;
    })
}

/// A run does not unwind, whatever happens in it.
fn run(scheduler: &mut Scheduler) -> std::result::Result<(), String> {
    let ended = catch_unwind(AssertUnwindSafe(|| scheduler.run_forever()));
    ended.unwrap_or_else(|_| panic!("it unwinds out of the run")).map_err(|error| error.to_string())
}

#[test]
fn a_drop_that_panics_while_all_is_closed_is_logged_and_the_rest_is_closed() -> Result {
    let (mut scheduler, stopped) = (Scheduler::virtual_time()?, std::rc::Rc::new(()));
    let kept = stopped.clone();
    scheduler.schedule_periodic(from_iter(0..).for_each(move |_| drop(kept.clone())), SECOND)?;
    scheduler.schedule_periodic(from_iter(0..).connect(bad_sink()), SECOND)?;
    let stopper = scheduler.stopper();
    scheduler.schedule_later_one_time(from_iter([0]).for_each(move |_| stopper.stop()), SECOND * 3)?;
    assert_eq!(run(&mut scheduler), Ok(()));
    assert_eq!(std::rc::Rc::strong_count(&stopped), 1);
    Ok(())
}

#[test]
fn a_drop_that_panics_at_an_ordinary_end_is_a_fatal_error_that_names_the_source() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(from_iter(0..2).connect(bad_sink()))?;
    assert_eq!(run(&mut scheduler), Err("FromIter: panicked: a bad end".to_owned()));
    Ok(())
}

#[test]
fn so_it_is_when_a_schedule_is_cancelled() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let handle = scheduler.schedule_periodic(from_iter(0..).connect(bad_sink()), SECOND)?;
    let cancels = from_iter([0]).for_each(move |_| handle.cancel());
    scheduler.schedule_later_one_time(cancels, SECOND)?;
    assert_eq!(run(&mut scheduler), Err("FromIter: panicked: a bad end".to_owned()));
    assert_eq!(run(&mut scheduler), Ok(()), "it is heard once");
    Ok(())
}

#[test]
fn so_it_is_when_nobody_listens_any_more_or_all_has_drained() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let bad = Bad;
    let source = from_fn(move || Some(std::mem::size_of_val(&bad))).output();
    let listener = source.connect(call(drop));
    scheduler.schedule_periodic(source, SECOND)?;
    let leaves = from_iter([0]).for_each(move |_| listener.disconnect());
    scheduler.schedule_later_one_time(leaves, SECOND)?;
    assert_eq!(run(&mut scheduler), Err("FromFn: panicked: a bad end".to_owned()));
    let held = from_iter([1]).delay(SECOND, Limit::default());
    scheduler.schedule_recurring(held.connect(bad_sink()))?;
    assert_eq!(run(&mut scheduler), Err("FromIter: panicked: a bad end".to_owned()));
    Ok(())
}

/// Panics when it is asked whether it drains, or when it acts next.
struct Moody {
    port: Port<i32>,
    drains: bool,
}

impl Ports for Moody {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl PortSource for Moody {
    fn send(&mut self, _: &mut Context<'_>) -> std::result::Result<Demand, Failure> {
        Ok(Demand::Done)
    }
    fn answer(&self, question: Question<'_>) -> bool {
        if self.drains && matches!(question, Question::Draining) {
            panic!("do not ask")
        } else {
            self.ask_ports(question)
        }
    }
    fn due(&mut self, _: &mut Context<'_>) -> Option<Instant> {
        if self.drains { None } else { panic!("do not ask") }
    }
}

#[test]
fn a_question_that_panics_is_a_fatal_error() -> Result {
    for drains in [true, false] {
        let mut scheduler = Scheduler::virtual_time()?;
        let port = Port::new();
        port.connect(call(drop));
        scheduler.schedule_recurring(Moody { port, drains })?;
        assert_eq!(run(&mut scheduler), Err("Moody: panicked: do not ask".to_owned()));
    }
    Ok(())
}

/// Panics at each event, and again when it is dropped.
fn worse_sink() -> impl InputThing<i32> + 'static {
    let bad = Bad;
    call(move |n| {
        let _ = &bad;
        assert!(n != 1, "one is too much");
    })
}

#[test]
fn a_drop_that_panics_after_the_panic_of_its_own_thing_does_not_end_the_process() -> Result {
    type Wire = fn(&Port<i32>);
    let wires: [Wire; 3] = [
        |port| drop(port.connect(worse_sink())),
        |port| drop(port.delay(9 * SECOND, Limit::default()).connect(worse_sink())), // its source has ended by then
        |port| drop(port.merge(&Port::new()).delay(9 * SECOND, Limit::default()).connect(worse_sink())),
    ];
    for wire in wires {
        let (mut scheduler, numbers) = (Scheduler::virtual_time()?, from_iter(0..3).output());
        wire(numbers.port());
        scheduler.schedule_periodic(numbers, SECOND)?;
        let error = run(&mut scheduler).expect_err("a panic");
        assert!(error.contains("all: panicked: one is too much"), "{error}");
        assert_eq!(run(&mut scheduler), Ok(()));
    }
    Ok(())
}

#[test]
fn a_port_through_which_a_panic_went_is_closed() -> Result {
    let (port, seen) = (Port::new(), Recorder::new());
    port.for_each(|n: i32| assert!(n < 2, "too much"));
    port.connect(seen.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    assert!(matches!(port.emit(1, cx), Ok(Demand::More)));
    assert!(catch_unwind(AssertUnwindSafe(|| port.emit(2, cx))).is_err());
    assert_eq!((port.is_closed(), port.is_listened()), (true, false));
    assert!(matches!(port.emit(3, cx), Ok(Demand::Done)));
    assert_eq!(seen.text(), "1");
    Ok(())
}

/// Events that need no drop leave a queue in rows, and the others one by one.
#[test]
fn of_a_queue_the_event_that_panics_is_gone_and_those_behind_it_are_dropped() -> Result {
    fn check<T: Clone + Send + 'static>(event: fn(u32) -> T, is_third: fn(&T) -> bool) -> Result {
        let mut scheduler = Scheduler::virtual_time()?;
        let (remote, port) = scheduler.remote(Limit::block(9))?;
        port.for_each(move |event| assert!(!is_third(&event), "the third"));
        for n in 1..=5 {
            remote.post(event(n)).map_err(|_| "it is taken")?;
        }
        let error = run(&mut scheduler).expect_err("it panics");
        assert!(error.ends_with("panicked: the third"), "{error}");
        let stats = remote.stats();
        assert_eq!((stats.posted, stats.dropped), (5, 2));
        Ok(())
    }
    check(|n| n, |n| *n == 3)?;
    check(|n| n.to_string(), |n| n == "3")
}
