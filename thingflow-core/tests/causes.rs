//! The error of a user's function keeps its causes on its way through a chain: whatever function it was that failed, the error
//! can be looked at as what it is, and its text is said once.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod takes_all;
}

use std::cell::RefCell;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;
use std::{fmt, fs};

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::tracking::Outcome;
use thingflow_core::{DeadLetter, Remote};

use support::takes_all::{Quirk, TakesAll};

/// An error of a user, with a cause.
#[derive(Debug)]
struct Calibration(io::Error);

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot read the calibration")
    }
}

impl Error for Calibration {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn fails<T, U>(_: T) -> Result<U, Calibration> {
    Err(Calibration(ErrorKind::StorageFull.into()))
}

fn fails_for<T, U>(_: &T) -> Result<U, Calibration> {
    fails(())
}

/// The causes of an error have these two among them, and are said once.
#[track_caller]
fn check(error: &(dyn Error + 'static)) {
    let mut chain = vec![error];
    while let Some(cause) = chain[chain.len() - 1].source() {
        chain.push(cause);
    }
    assert!(chain.iter().any(|cause| cause.is::<Calibration>()), "{error:?}");
    let io = chain.iter().find_map(|cause| cause.downcast_ref::<io::Error>());
    assert_eq!(io.map(io::Error::kind), Some(ErrorKind::StorageFull), "{error:?}");
    let said = format!("{error:?}");
    assert!(said.ends_with("cannot read the calibration: no storage space"), "{said}");
    assert_eq!(said.matches("calibration").count(), 1, "{said}");
}

/// Keeps the error by which its stream ends.
#[derive(Clone, Default)]
struct End(Rc<RefCell<Option<StreamError>>>);

impl Quirk for End {
    type Event = i32;
    fn on_next(&mut self, _: i32, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn on_error(&mut self, error: StreamError, _: &mut Context<'_>) -> Closed {
        *self.0.borrow_mut() = Some(error);
        Ok(())
    }
}

/// The error by which a stream ends that a scheduler runs.
fn run(build: impl FnOnce(&Scheduler, TakesAll<End>)) -> StreamError {
    let (mut scheduler, end) = (Scheduler::virtual_time().expect("a scheduler"), End::default());
    build(&scheduler, TakesAll(end.clone()));
    scheduler.run_forever().expect("no fatal error");
    end.0.take().expect("the stream ends by an error")
}

#[test]
fn f12_a_function_in_a_chain_keeps_its_causes() {
    let chains: [StreamError; 6] = [
        from_iter([1]).try_map(fails::<i32, i32>).try_collect_now().1.unwrap(),
        from_iter([1]).try_filter(fails_for).try_collect_now().1.unwrap(),
        from_iter([1]).try_map_with(ErrorPolicy::fail(), fails_for::<i32, i32>).try_collect_now().1.unwrap(),
        from_iter([1]).try_filter_with(ErrorPolicy::fail(), fails_for).try_collect_now().1.unwrap(),
        from_iter([1]).try_map_with(ErrorPolicy::fatal(), fails_for::<i32, i32>).try_collect_now().1.unwrap(),
        try_from_iter([fails::<_, i32>(1)]).try_collect_now().1.unwrap(),
    ];
    chains.iter().for_each(|error| check(error));
}

#[test]
fn f12_a_source_that_cannot_be_made_keeps_its_causes() {
    let make = || fails::<_, Flow<FromIter<std::ops::Range<i32>>>>(());
    check(&retry(2, make).try_collect_now().1.unwrap());
    let waits = retry_after(2, |_| Duration::from_secs(1), make);
    check(&run(|scheduler, end| drop(scheduler.schedule_recurring(waits.connect(end)).expect("a schedule"))));
}

#[test]
fn f12_a_tracked_event_tells_its_source_the_causes() {
    let told = Rc::new(RefCell::new(Vec::new()));
    let log = told.clone();
    let values = from_iter([1])
        .track(move |event| {
            if let Outcome::Failed(error) = event.outcome {
                log.borrow_mut().push(error);
            }
        })
        .try_map_value(fails::<i32, i32>)
        .acknowledge();
    assert_eq!(values.collect_now(), [0; 0]);
    check(&told.borrow()[0]);
}

#[test]
fn f12_a_dead_letter_and_an_open_circuit_keep_the_causes() {
    let letters = Recorder::new();
    let policy = || ErrorPolicy::dead_letter(letters.clone()).break_after(1, Duration::from_secs(9));
    let (mut scheduler, reports) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    scheduler.reports().map(|report| report.error).connect(reports.clone());
    scheduler
        .schedule_recurring(from_iter([1]).try_map_with(policy(), fails_for::<i32, i32>).connect(Recorder::new()))
        .expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    let letters: Vec<DeadLetter<i32>> = letters.events();
    check(&letters[0].error);
    check(&reports.events()[0]);
}

#[test]
fn f12_a_pool_and_a_private_loop_keep_the_causes() {
    check(&run(|scheduler, end| {
        let (input, results) = scheduler.try_map_on_pool(1, fails::<i32, i32>).unwrap();
        results.connect(end);
        scheduler.schedule_recurring(from_iter([1]).connect(input)).expect("a schedule");
    }));

    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let events = scheduler
        .schedule_on_private_event_loop("device", Limit::block(1), |_: Remote<i32>, _| fails(()))
        .expect("a schedule");
    events.connect(Recorder::new());
    check(&scheduler.run_forever().unwrap_err());
}

#[test]
fn f12_a_question_mark_works_with_any_error() {
    let read = |path: &str| -> Result<f64, Box<dyn Error + Send + Sync>> {
        let text = fs::read_to_string(path)?;
        Ok(text.trim().parse()?)
    };
    let error = from_iter(["/nowhere/at/all"]).try_map(read).try_collect_now().1.unwrap();
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    assert_eq!(cause.map(io::Error::kind), Some(ErrorKind::NotFound));
}

#[test]
fn f12_the_error_of_a_stream_goes_through_as_itself() {
    let error = StreamError::caused("no reading", Calibration(ErrorKind::StorageFull.into()));
    let (again, first) = (error.clone(), error.clone());
    assert_eq!(from_iter([1]).try_map(move |_: i32| Err::<i32, _>(first.clone())).try_collect_now().1, Some(again));
    assert!(StreamError::from_cause(error).source().is_some_and(<dyn Error>::is::<Calibration>));
    assert!(StreamError::msg("only a text").source().is_none());
}
