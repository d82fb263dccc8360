//! Readers that come late: to a source that nobody has read yet, and to one that was let go.
#![cfg(feature = "std")]

use std::time::Duration;

use thingflow_core::Limit;
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder, timed};

const S: Duration = Duration::from_secs(1);

/// Chooses a port after two and a half seconds, and says what came of it, and what was reported.
fn chosen_late(choose: impl FnOnce(&Scheduler, &Port<()>) -> Port<u64>) -> (String, Vec<String>) {
    let (mut scheduler, seen, reports) =
        (Scheduler::virtual_time().expect("a scheduler"), Recorder::new(), Recorder::new());
    scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
    let choice = timer(S * 5 / 2).output();
    let chosen = choose(&scheduler, &choice.port().map(drop).share());
    chosen.take(3).connect(seen.clone());
    scheduler.schedule_recurring(choice).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    (seen.timed_text(), reports.events())
}

/// A port with a number each second.
fn ticks(scheduler: &Scheduler) -> Port<u64> {
    let ticks = interval(S).output();
    let port = ticks.port().clone();
    scheduler.schedule_recurring(ticks).expect("a schedule");
    port
}

const AS_IF_IT_BEGAN_THEN: &str = "0@3.5 1@4.5 2@5.5 |@5.5";

#[test]
fn f63_a_source_that_nobody_has_read_waits_for_its_reader() {
    let output = chosen_late(|scheduler, choice| {
        let port = ticks(scheduler);
        choice.map(move |()| port.clone()).switch().share()
    });
    assert_eq!(output, (AS_IF_IT_BEGAN_THEN.into(), vec![]));
    let shared = chosen_late(|scheduler, choice| {
        let port = ticks(scheduler).map(|n| n).share();
        choice.map(move |()| port.clone()).merge_all().share()
    });
    assert_eq!(shared, (AS_IF_IT_BEGAN_THEN.into(), vec![]));
    let caught = chosen_late(|scheduler, choice| {
        let port = ticks(scheduler);
        let fails = choice.try_map(|()| Err::<u64, _>("no answer")).share();
        fails.catch(move |_| port.clone())
    });
    assert_eq!(caught, (AS_IF_IT_BEGAN_THEN.into(), vec![]));
    let connected = chosen_late(|scheduler, choice| {
        let (port, to) = (ticks(scheduler), Port::new());
        let feed = to.clone();
        choice.for_each(move |()| drop(port.connect(feed.clone())));
        to
    });
    assert_eq!(connected, (AS_IF_IT_BEGAN_THEN.into(), vec![]));
}

#[test]
fn f63_so_do_other_kinds_of_sources() {
    let periodic = chosen_late(|scheduler, choice| {
        let sensor = SensorOutput::new(ListSensor::new("lux", [7_u64, 8, 9]));
        let port = sensor.port().clone();
        scheduler.schedule_periodic(sensor, S).expect("a schedule");
        choice.map(move |()| port.clone()).switch().map(|event| event.val).share()
    });
    assert_eq!(periodic, ("7@3 8@4 9@5 |@5".into(), vec![]), "at its own ticks, from the first reading on");
    let threaded = chosen_late(|scheduler, choice| {
        let sensor = ListSensor::new("lux", [7_u64, 8, 9]);
        let port = scheduler.schedule_sensor_on_separate_thread(sensor, S).expect("a schedule").port().clone();
        choice.map(move |()| port.clone()).switch().map(|event| event.val).share()
    });
    assert_eq!(threaded, periodic);
}

#[test]
fn f63_a_source_that_was_let_go_says_so_to_who_comes_later() {
    let (mut scheduler, seen, reports) =
        (Scheduler::virtual_time().expect("a scheduler"), Recorder::new(), Recorder::new());
    scheduler.reports().map(|report| format!("{}: {}", report.thing, report.error)).connect(reports.clone());
    let (first, second) = (ticks(&scheduler).named("first"), ticks(&scheduler).named("second"));
    let ports = [first.clone(), second, first.clone()];
    let choice = from_iter(ports).output();
    choice.port().switch().connect(seen.clone());
    scheduler.schedule_periodic(choice, S * 5 / 2).expect("a schedule");
    scheduler.run_for(S * 20).unwrap();
    assert_eq!(seen.timed_text(), "0@3.5 1@4.5 0@6 1@7");
    let gone =
        "first: a source of it was let go when nobody listened, and sends no more: let the port `keep_running()`";
    assert_eq!(reports.events(), [gone], "once, and nothing of the second, which nobody came back to");
}

#[test]
fn f63_nobody_waits_for_a_source_that_nobody_reads() {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    ticks(&scheduler);
    let once = from_iter([1]).output();
    let handle = scheduler.schedule_periodic(once, S).expect("a schedule");
    scheduler.run_for(S * 9).unwrap();
    assert!(handle.is_active() && handle.stats().ticks == 0);
    scheduler.run_forever().expect("no fatal error");
    assert!(!handle.is_active(), "it is let go with the run");
    assert_eq!(scheduler.now(), Instant::ZERO, "the run has nothing to wait for");

    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    let port = ticks(&scheduler);
    let later = from_iter([1]).output();
    let handle = scheduler.schedule_periodic(later, S).expect("a schedule");
    scheduler.run_for(S).unwrap();
    handle.cancel();
    port.take(2).connect(seen.clone());
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.text(), "0 1 |", "who is connected between two runs is a reader too");
}

#[test]
fn f65_streams_that_are_made_on_the_spot() {
    let run = |build: fn(&Port<u64>) -> Port<(u64, u64)>| {
        let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
        let choice = timed([(1.0, 1), (3.5, 2)]).output();
        build(choice.port()).connect(seen.clone());
        scheduler.schedule_recurring(choice).expect("a schedule");
        scheduler.run_forever().expect("no fatal error");
        seen.timed_text()
    };
    fn inner(x: u64) -> Flow<Interval, impl Filter<u64, Out = (u64, u64)>> {
        interval(S).take(3).map(move |n| (x, n))
    }
    let switched = run(|choice| choice.begin_each(inner).switch().share());
    assert_eq!(switched, "(1, 0)@2 (1, 1)@3 (2, 0)@4.5 (2, 1)@5.5 (2, 2)@6.5 |@6.5");
    let merged = run(|choice| choice.begin_each(inner).merge_all().share());
    assert_eq!(merged, "(1, 0)@2 (1, 1)@3 (1, 2)@4 (2, 0)@4.5 (2, 1)@5.5 (2, 2)@6.5 |@6.5");
}

#[test]
fn f65_one_stream_after_the_other_or_only_while_there_is_none() {
    let run = |build: fn(Port<Port<u64>>) -> Port<u64>| {
        let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
        let choice = timed([(1.0, 1), (1.5, 2), (2.0, 3), (9.0, 4)]).output();
        let begun = choice.begin_each(|x: u64| interval(S).take(2).map(move |n| 10 * x + n)).share();
        build(begun).connect(seen.clone());
        scheduler.schedule_recurring(choice).expect("a schedule");
        scheduler.run_forever().expect("no fatal error");
        assert_eq!(scheduler.snapshot().schedules.len(), 0);
        seen.timed_text()
    };
    let one = run(|ports| ports.merge_all().at_most(1, Limit::fail(2)).share());
    assert_eq!(one, "10@2 11@3 20@4 21@5 30@6 31@7 40@10 41@11 |@11");
    let two = run(|ports| ports.merge_all().at_most(2, Limit::fail(1)).share());
    assert_eq!(two, "10@2 20@2.5 11@3 21@3.5 30@4 31@5 40@10 41@11 |@11");
    let newest = run(|ports| ports.merge_all().at_most(1, Limit::drop_oldest(1)).share());
    assert_eq!(newest, "10@2 11@3 30@4 31@5 40@10 41@11 |@11");
    let while_none = run(|ports| ports.exhaust().share());
    assert_eq!(while_none, "10@2 11@3 40@10 41@11 |@11");
    let too_many = run(|ports| ports.merge_all().at_most(1, Limit::fail(1)).share());
    assert!(too_many.contains("merge_all"), "{too_many}");
}

#[test]
fn f65_what_is_made_and_dropped_unread_goes_at_once() {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let choice = interval(S).output();
    choice.begin_each(|_| interval(S)).connect(call(drop));
    scheduler.schedule_recurring(choice).expect("a schedule");
    scheduler.run_for(100 * S).expect("no fatal error");
    assert!(scheduler.snapshot().schedules.len() <= 2, "{:?}", scheduler.snapshot().schedules);
}

#[test]
fn f65_without_a_scheduler_no_stream_is_made_on_the_spot() {
    let ended = pipe::<u64>().begin_each(|_| interval(S)).to(call(drop)).feed([1]).unwrap_err();
    assert!(ended.to_string().contains("scheduler"), "{ended}");
}

#[test]
fn f65_the_last_of_each_when_all_have_ended() {
    let (a, b, empty, seen) = (Port::new(), Port::new(), Port::<i32>::new(), [Recorder::new(), Recorder::new()]);
    a.take_last(1).zip(b.take_last(1), Limit::block(1)).connect(seen[0].clone());
    a.take_last(1).zip(empty.take_last(1), Limit::block(1)).map(|(a, _)| (a, 'x')).connect(seen[1].clone());
    let cx = &mut Context::detached(Instant::ZERO);
    for n in 1..=3 {
        assert!(a.emit(n, cx).is_ok());
    }
    assert!(b.emit('x', cx).is_ok() && b.complete(cx).is_ok() && a.complete(cx).is_ok() && empty.complete(cx).is_ok());
    assert_eq!([seen[0].text(), seen[1].text()], ["(3, 'x') |", "|"]);
}

#[test]
fn f65_a_late_reader_begins_with_the_last_values() {
    let (port, ring, seen) = (Port::new(), Ring::new(2), Recorder::new());
    port.connect(ring.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    for n in 1..=3 {
        assert!(port.emit(n, cx).is_ok());
    }
    port.start_with(ring.all()).connect(seen.clone());
    assert!(port.emit(4, cx).is_ok());
    assert_eq!(seen.text(), "2 3 4");
}
