//! Errors that end nothing: where they can be seen, and how one of them is made fatal.
#![cfg(feature = "std")]

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::flow::ErrorPolicy;
use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, Recorder};

const SECOND: Duration = Duration::from_secs(1);

fn odd_fails(x: &i32) -> Result<i32, String> {
    if x % 2 == 0 { Ok(*x) } else { Err(format!("{x} is odd")) }
}

#[test]
fn all_that_is_reported_comes_out_of_one_port_with_its_time() {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let (seen, flaky) = (Recorder::new(), FlakySensor::new("co2", [Err("no answer"), Ok(1), Err("still none")]));
    scheduler.reports().map(|report| (report.thing.to_string(), report.at)).connect(seen.clone());
    let numbers = from_iter(1..4).try_for_each_with(ErrorPolicy::skip(), |x| odd_fails(x).map(drop));
    scheduler.schedule_periodic(numbers, SECOND).expect("a schedule");
    let timing = Periodic::every(SECOND).first_after(SECOND / 2).on_failure(OnFailure::Skip);
    let sensor = scheduler.schedule_sensor(flaky, timing, |co2| {
        co2.for_each(drop);
    });
    sensor.expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    let at = |millis| Instant::ZERO + Duration::from_millis(millis);
    let expected = [("co2", at(500)), ("try_map", at(1000)), ("co2", at(2500)), ("try_map", at(3000))];
    assert_eq!(seen.events(), expected.map(|(thing, at)| (thing.to_owned(), at)));
}

#[test]
fn what_goes_wrong_with_a_report_is_not_reported_again() {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let calls = Rc::new(Cell::new(0));
    let count = calls.clone();
    scheduler.reports().try_for_each_with(ErrorPolicy::skip(), move |_| {
        count.set(count.get() + 1);
        Err("the log is full")
    });
    let numbers = from_iter([1, 3, 4]).try_map_with(ErrorPolicy::skip(), odd_fails).for_each(drop);
    scheduler.schedule_periodic(numbers, SECOND).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(calls.get(), 2);
}

#[test]
fn a_flood_of_reports_is_counted() {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let seen = Recorder::new();
    scheduler.reports().map(|report| report.to_string()).connect(seen.clone());
    let odd = from_iter([()]).flat_map(|()| (0..300).map(|x| x * 2 + 1));
    let flow = odd.try_map_with(ErrorPolicy::skip(), odd_fails).for_each(drop);
    scheduler.schedule_recurring(flow).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    let seen = seen.events();
    assert_eq!((seen.len(), seen[0].as_str()), (257, "try_map: 1 is odd"));
    assert_eq!(seen[256], "reports: 44 more in this turn, see the log");
}

#[test]
fn a_source_may_say_that_its_failure_is_fatal() {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let flaky = FlakySensor::new("co2", [Ok(1), Err("no answer")]);
    let timing = Periodic::every(SECOND).on_failure(OnFailure::Fatal);
    let sensor = scheduler.schedule_sensor(flaky, timing, |co2| {
        co2.for_each(drop);
    });
    sensor.expect("a schedule");
    let error = scheduler.run_forever().expect_err("the failure is fatal").to_string();
    assert_eq!(error, "co2: the sensor gave no reading: no answer");
}

#[test]
fn a_policy_may_end_the_run() {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let numbers = from_iter([2, 4, 5]).try_map_with(ErrorPolicy::fatal(), odd_fails).for_each(drop);
    scheduler.schedule_recurring(numbers).expect("a schedule");
    assert!(scheduler.run_forever().expect_err("an odd number").to_string().ends_with("5 is odd"));
}
