//! How schedules and runs end: by a handle, by a stop, by a signal, and what is said of it.
#![cfg(feature = "std")]

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, ListSensor, Recorder};
use thingflow_core::{Clock, Notice, OnFailure, VirtualClock};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const S: Duration = Duration::from_secs(1);

/// Collects until it is told to flush, as a window of an hour does.
#[derive(Default)]
struct Collects(Vec<i32>);

impl Filter<i32> for Collects {
    type Out = Vec<i32>;
    fn on_next(&mut self, event: i32, _: &mut Emitter<'_, '_, impl InputThing<Vec<i32>>>) -> Receipt {
        self.0.push(event);
        Ok(Demand::More)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<i32>>>) -> Receipt {
        if !self.0.is_empty() {
            let _ = out.next(std::mem::take(&mut self.0))?;
        }
        out.notice(Notice::Flush)
    }
}

fn stop_at(scheduler: &Scheduler, d: Duration) -> Result {
    let stopper = scheduler.stopper();
    scheduler.schedule_later_one_time(from_iter([0]).for_each(move |_| stopper.stop()), d)?;
    Ok(())
}

#[test]
fn f09_a_stop_sends_what_is_collected_and_what_is_delayed_and_nothing_completes() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (numbers, windows, delayed, late) = (Port::new(), Recorder::new(), Recorder::new(), Recorder::new());
    numbers.pipe(Collects::default()).connect(windows.clone());
    numbers.delay(S + S / 2, Limit::default()).connect(delayed.clone());
    numbers.delay(9 * S, Limit::default()).connect(late.clone());
    scheduler.schedule_periodic(from_iter(1..).connect(numbers.clone()), S)?;
    stop_at(&scheduler, 3 * S)?;
    scheduler.run_forever()?;
    assert_eq!(windows.timed_text(), "[1, 2, 3]@3");
    assert_eq!(delayed.timed_text(), "1@2.5 2@3.5 3@4.5", "in their time");
    assert_eq!(late.text(), "", "that would have taken longer than the two seconds of a stop");
    assert_eq!(scheduler.now(), Instant::ZERO + 5 * S);
    Ok(())
}

#[test]
fn f09_what_comes_late_into_a_window_is_sent_too_and_no_source_is_asked() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (asked, seen) = (Rc::new(Cell::new(0)), Recorder::new());
    let counts = asked.clone();
    let source = from_iter(1..).inspect(move |n| counts.set(*n));
    scheduler
        .schedule_periodic(source.delay(S, Limit::default()).pipe(Collects::default()).connect(seen.clone()), S)?;
    stop_at(&scheduler, 2 * S + S / 2)?;
    scheduler.run_forever()?;
    assert_eq!((asked.get(), seen.text().as_str()), (2, "[1] [2]"));
    Ok(())
}

#[test]
fn f09_a_stop_without_patience_sends_what_is_collected_all_the_same() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    scheduler.stop_within(Duration::ZERO);
    scheduler.schedule_periodic(from_iter(1..).pipe(Collects::default()).connect(seen.clone()), S)?;
    stop_at(&scheduler, 2 * S)?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "[1, 2]@2");
    Ok(())
}

#[test]
fn f96_a_schedule_is_ended_from_a_call_and_what_it_holds_is_sent() -> Result {
    let (mut scheduler, seen, others) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let handle: Rc<Cell<Option<ScheduleHandle>>> = Rc::default();
    let own = handle.clone();
    let numbers = from_iter(1..).inspect(move |n| {
        if *n == 3
            && let Some(handle) = own.take()
        {
            handle.end(); // in the middle of its own call
        }
    });
    let flow = numbers.delay(2 * S, Limit::default()).chunks(2).connect(seen.clone());
    handle.set(Some(scheduler.schedule_periodic(flow, S)?));
    scheduler.schedule_periodic(from_iter(1..=6).connect(others.clone()), S)?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "[1, 2]@4 [3]@5 |@5");
    assert_eq!(others.text(), "1 2 3 4 5 6 |", "the others go on");
    Ok(())
}

#[test]
fn a_paused_schedule_misses_its_ticks_keeps_its_beat_and_does_not_hold_the_run() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let handle = scheduler.schedule_periodic(from_iter(1..).connect(seen.clone()), S)?;
    let (pauses, resumes) = (handle.clone(), handle.clone());
    scheduler.schedule_later_one_time(from_iter([0]).for_each(move |_| pauses.pause()), 2 * S + S / 2)?;
    scheduler.schedule_later_one_time(from_iter([0]).for_each(move |_| resumes.resume()), 4 * S + S / 2)?;
    scheduler.run_for(5 * S)?;
    assert_eq!(seen.timed_text(), "1@1 2@2 3@5");
    handle.pause();
    assert!(handle.is_paused() && handle.is_active());
    scheduler.run_forever()?; // nothing else is left to run for
    handle.resume();
    handle.end();
    scheduler.run_forever()?;
    assert!(seen.is_completed() && !handle.is_active());
    Ok(())
}

#[test]
fn what_was_due_once_in_a_pause_is_called_after_it() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let handle = scheduler.schedule_later_one_time(from_iter(["late"]).connect(seen.clone()), S)?;
    handle.pause(); // before it has begun
    let resumes = handle.clone();
    scheduler.schedule_later_one_time(from_iter([0]).for_each(move |_| resumes.resume()), 3 * S)?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "\"late\"@3 |@3");
    Ok(())
}

#[test]
fn f08_a_port_that_one_of_several_ends_says_so_by_name() -> Result {
    let (mut scheduler, seen, reports) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let all = Port::new().named("all");
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    for sensor in [FlakySensor::new("hall", [Ok(1), Err("no answer")]), FlakySensor::new("yard", [Ok(2), Ok(3), Ok(4)])]
    {
        scheduler.schedule_sensor(sensor, S, |sensor| drop(sensor.map(|e| e.val).connect(all.clone())))?;
    }
    all.connect(seen.clone());
    scheduler.run_forever()?;
    let reports = reports.events();
    assert!(reports.iter().any(|report| report.starts_with("hall: the sensor gave no reading")), "{reports:?}");
    assert!(reports.iter().any(|report| report.starts_with("yard: ") && report.contains("`all`")), "{reports:?}");
    Ok(())
}

#[test]
fn f08_a_source_that_another_one_cuts_off_says_so_by_name() -> Result {
    let (mut scheduler, reports) = (Scheduler::virtual_time()?, Recorder::new());
    let all = Port::new().named("all");
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    scheduler.schedule_periodic(from_iter([1]).connect(all.clone()), S)?;
    let yard = ListSensor::new("yard", [5; 9]);
    scheduler.schedule_sensor(yard, 10 * S, |yard| drop(yard.map(|e| e.val).connect(all.clone())))?;
    all.connect(call(drop));
    scheduler.run_forever()?;
    let reports = reports.events();
    assert!(reports.iter().any(|report| report.starts_with("yard: ") && report.contains("`all`")), "{reports:?}");
    Ok(())
}

#[test]
fn f08_a_port_with_feeders_ends_with_the_last_of_them_however_they_end() -> Result {
    let (mut scheduler, seen, all) = (Scheduler::virtual_time()?, Recorder::new(), Port::new());
    scheduler.schedule_periodic(from_iter([1, 2]).connect(all.feeder()), S)?;
    scheduler.schedule_later_one_time(from_iter([10]).connect(all.feeder()), 4 * S)?;
    let endless = scheduler.schedule_periodic(from_iter(100..).connect(all.feeder()), 2 * S)?;
    scheduler.schedule_later_one_time(from_iter([0]).for_each(move |_| endless.cancel()), 7 * S)?;
    all.connect(seen.clone());
    drop(all);
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@2 100@2 10@4 101@4 102@6 |@7");
    Ok(())
}

#[test]
fn f88_ticks_at_one_instant_come_in_the_order_of_scheduling() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let all = Port::new();
    for (name, seconds) in [("a", 1), ("b", 2), ("c", 4)] {
        scheduler.schedule_periodic(from_iter(std::iter::repeat(name)).connect(all.feeder()), seconds * S)?;
    }
    all.connect(seen.clone());
    scheduler.run_for(4 * S)?;
    assert_eq!(seen.events().concat(), "aabaabc");
    Ok(())
}

/// When a source that takes so many milliseconds for each event begins with it.
fn begins(takes: &[u64], timing: Periodic) -> Result<(String, u64)> {
    let clock = VirtualClock::new();
    let mut scheduler = Scheduler::with_clock(clock.clone())?;
    let (seen, mut takes) = (Recorder::new(), Vec::from(takes).into_iter());
    let begins = clock.clone();
    let slow = from_fn(move || {
        let takes = takes.next()?;
        let at = begins.now().since(Instant::ZERO).as_secs_f64();
        begins.advance(Duration::from_millis(takes));
        Some(at)
    });
    let handle = scheduler.schedule_periodic(slow.connect(seen.clone()), timing)?;
    scheduler.run_forever()?;
    let text: Vec<String> = seen.events().iter().map(|at| format!("{at}")).collect();
    Ok((text.join(" "), handle.stats().missed))
}

#[test]
fn f90_all_the_time_of_a_call_counts() -> Result {
    let every = Periodic::every(Duration::from_millis(500));
    assert_eq!(begins(&[200; 4], every.first_after(S / 5).fixed_delay())?.0, "0.2 0.9 1.6 2.3");
    assert_eq!(begins(&[0, 0, 2500, 0, 0], Periodic::every(S))?, ("1 2 3 6 7".to_owned(), 2));
    Ok(())
}

#[test]
fn f14_a_sink_that_takes_long_counts_as_well() -> Result {
    let clock = VirtualClock::new();
    let (mut scheduler, slow) = (Scheduler::with_clock(clock.clone())?, clock.clone());
    let sink = call(move |_: i32| slow.advance(Duration::from_millis(3500)));
    let handle = scheduler.schedule_periodic(from_iter(0..5).connect(sink), S)?;
    scheduler.run_forever()?;
    assert_eq!(handle.stats().missed, 15, "three after each of five");
    Ok(())
}

#[test]
fn f14_edge_sinks_are_among_what_is_active() -> Result {
    let mut scheduler = Scheduler::new()?;
    let sink = scheduler.edge_sink("store", call(|_: i32| {}), Limit::default())?;
    scheduler.schedule_periodic(from_iter([1]).connect(sink), 3600 * S)?;
    scheduler.run_for(Duration::ZERO)?; // starts the graph
    assert_eq!(scheduler.active(), ["store", "FromIter"]);
    Ok(())
}

#[test]
fn f11_the_report_of_a_stream_that_ends_names_the_sensor() -> Result {
    let (mut scheduler, reports) = (Scheduler::virtual_time()?, Recorder::new());
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let sensor = FlakySensor::new("boiler", [Ok(1), Err("no answer")]);
    scheduler.schedule_sensor(sensor, Periodic::every(S).on_failure(OnFailure::Stop), |boiler| {
        boiler.for_each(drop);
    })?;
    scheduler.run_forever()?;
    assert_eq!(reports.events()[0], "boiler: the sensor gave no reading: no answer");
    Ok(())
}

#[test]
fn f92_what_feeds_a_port_of_another_scheduler_is_refused_by_name() -> Result {
    let port = Port::new().named("shared");
    let (mut first, second) = (Scheduler::virtual_time()?, Scheduler::virtual_time()?);
    port.connect(call(drop));
    first.schedule_periodic(from_iter(0..).connect(port.clone()), S)?;
    first.run_for(S)?;
    let refused = second.schedule_periodic(from_iter(0..).connect(port.clone()), S).unwrap_err();
    assert!(refused.to_string().contains("`shared`"), "{refused}");
    drop(first);
    second.schedule_periodic(from_iter(0..).connect(port), S)?; // whose owner is gone
    Ok(())
}
