//! Schedules on the virtual clock: the acceptance cases of ThingFlow's scheduler, by number, and what is ours.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod call_with;
}

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, ListSensor, Recorder};
use thingflow_core::{Connection, Limit, ScheduleError, VirtualClock};

use support::call_with::call_with;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const VALUES: [i32; 7] = [20, 30, 100, 120, 20, 5, 2222];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn case_1_filter_a_periodic_sensor() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (sensor, seen) = (SensorOutput::new(ListSensor::new(1, VALUES)), Recorder::new());
    sensor.map(|e| e.val).filter(|v| *v >= 100).connect(seen.clone());
    scheduler.schedule_periodic(sensor, ms(500))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "100@1.5 120@2 2222@3.5 |@4");
    Ok(())
}

#[test]
fn case_2_one_call_schedules_a_sensor_with_its_stages() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (side, seen) = (Recorder::new(), Recorder::new());
    let (to_side, to_seen) = (side.clone(), seen.clone());
    scheduler.schedule_sensor(ListSensor::new(1, VALUES), ms(500), |sensor| {
        sensor.map(|e| e.val).filter(|v| *v >= 100).also_to(to_side).connect(to_seen);
    })?;
    scheduler.run_forever()?;
    assert_eq!(side.text(), "100 120 2222 |");
    assert_eq!(seen.text(), "100 120 2222 |");
    Ok(())
}

#[test]
fn case_4_an_error_in_one_branch_leaves_the_other_alone() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let sensor = SensorOutput::new(ListSensor::new(1, VALUES));
    let (a, b) = (Recorder::new(), Recorder::new());
    sensor.try_map(|e| if e.val == 120 { Err("too hot") } else { Ok(e.val) }).connect(a.clone());
    sensor.map(|e| e.val).connect(b.clone());
    scheduler.schedule_periodic(sensor, ms(500))?;
    scheduler.run_forever()?;
    assert_eq!(a.text(), "20 30 100 ! too hot");
    assert_eq!(b.text(), "20 30 100 120 20 5 2222 |");
    Ok(())
}

#[test]
fn case_6_an_iterable_that_fails() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    let source = try_from_iter([Ok(100), Ok(120), Ok(2222), Err("broken")]);
    let handle = scheduler.schedule_periodic(source.connect(seen.clone()), ms(500))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "100@0.5 120@1 2222@1.5 !@2 broken");
    assert!(!handle.is_active());
    Ok(())
}

#[test]
fn case_7_the_end_of_a_source_is_found_at_the_next_sampling() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    scheduler.schedule_periodic(from_iter([1, 2, 3]).connect(seen.clone()), ms(500))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@0.5 2@1 3@1.5 |@2");
    assert_eq!(scheduler.now(), Instant::ZERO + secs(2));
    Ok(())
}

/// A sensor whose n-th sampling takes a given time.
struct Slow {
    clock: VirtualClock,
    takes: Vec<u64>,
    n: usize,
}

impl Sensor for Slow {
    type Reading = usize;
    type Error = std::convert::Infallible;
    fn id(&self) -> SensorId {
        "slow".into()
    }
    fn sample(&mut self) -> std::result::Result<usize, SampleError<Self::Error>> {
        let takes = self.takes.get(self.n).ok_or(SampleError::Ended)?;
        self.clock.advance(ms(*takes));
        self.n += 1;
        Ok(self.n)
    }
}

fn slow(takes: &[u64], timing: Periodic) -> Result<(String, u64)> {
    let clock = VirtualClock::new();
    let mut scheduler = Scheduler::with_clock(clock.clone())?;
    let sensor = SensorOutput::new(Slow { clock, takes: takes.to_vec(), n: 0 });
    let seen = Recorder::new();
    sensor.map(|e| e.val).connect(seen.clone());
    let handle = scheduler.schedule_periodic(sensor, timing)?;
    scheduler.run_forever()?;
    Ok((seen.timed_text(), handle.stats().missed))
}

#[test]
fn case_8_slow_sampling_at_fixed_delay_and_fixed_rate() -> Result {
    let every = Periodic::every(secs(1));
    assert_eq!(slow(&[300; 4], every.fixed_delay())?.0, "1@1.3 2@2.6 3@3.9 4@5.2 |@6.2");
    assert_eq!(slow(&[300; 4], every)?.0, "1@1.3 2@2.3 3@3.3 4@4.3 |@5");
    Ok(())
}

#[test]
fn case_9_at_a_tie_ticks_come_in_the_order_of_scheduling() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    let a = from_iter(["a1", "a2", "a3", "a4"]).output();
    let b = from_iter(["b1", "b2"]).output();
    for port in [a.port(), b.port()] {
        let mut events_only = seen.clone(); // so that one recorder can serve two ports
        port.connect(call_with(move |event, cx| events_only.next(event, cx)));
    }
    scheduler.schedule_periodic(a, secs(1))?;
    scheduler.schedule_periodic(b, secs(2))?;
    scheduler.run_forever()?;
    let timed: Vec<String> =
        seen.timed().iter().map(|(at, e)| format!("{e}@{}", at.since(Instant::ZERO).as_secs())).collect();
    assert_eq!(timed.join(" "), "a1@1 a2@2 b1@2 a3@3 a4@4 b2@4");
    assert_eq!(scheduler.now(), Instant::ZERO + secs(6));
    Ok(())
}

/// A sink that disconnects at its n-th event.
fn leave_at(n: usize, port: &Port<u64>, seen: &Recorder<u64>) {
    let me: Rc<RefCell<Option<Connection>>> = Rc::default();
    let (mine, mut left) = (me.clone(), n);
    let connection = port.also_to(seen.clone()).for_each(move |_| {
        left -= 1;
        if left == 0
            && let Some(connection) = mine.borrow().as_ref()
        {
            connection.disconnect();
        }
    });
    *me.borrow_mut() = Some(connection);
}

#[test]
fn case_14_and_15_descheduled_when_the_last_listener_leaves() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (recurring, periodic) = (from_iter(1_u64..).output(), from_iter(1_u64..).output());
    let (fast, timed) = (Recorder::new(), Recorder::new());
    leave_at(5, recurring.port(), &fast);
    leave_at(5, periodic.port(), &timed);
    scheduler.schedule_recurring(recurring)?;
    scheduler.schedule_periodic(periodic, ms(250))?;
    scheduler.run_forever()?;
    assert_eq!(fast.text(), "1 2 3 4 5");
    assert_eq!(timed.timed_text(), "1@0.25 2@0.5 3@0.75 4@1 5@1.25");
    assert_eq!(scheduler.now(), Instant::ZERO + ms(1250));
    Ok(())
}

#[test]
fn case_16_disconnection_travels_upstream() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (source, seen) = (from_iter(1..=5).output(), Recorder::new());
    source.map(|x| x).share().map(|x| x).take(2).connect(seen.clone());
    scheduler.schedule_periodic(source, secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@2 |@2");
    assert_eq!(scheduler.now(), Instant::ZERO + secs(2));
    Ok(())
}

#[test]
fn case_17_cancelling_a_schedule_from_its_own_sink() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (source, seen) = (from_iter(1..).output(), Recorder::new());
    let handle: Rc<RefCell<Option<ScheduleHandle>>> = Rc::default();
    let (cancel, count) = (handle.clone(), Cell::new(0));
    source.also_to(seen.clone()).for_each(move |_: i32| {
        count.set(count.get() + 1);
        if count.get() == 4
            && let Some(handle) = cancel.borrow().as_ref()
        {
            handle.cancel();
            handle.cancel(); // a second time does nothing
        }
    });
    *handle.borrow_mut() = Some(scheduler.schedule_periodic(source, secs(1))?);
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@2 3@3 4@4");
    assert_eq!(scheduler.now(), Instant::ZERO + secs(4));
    Ok(())
}

#[test]
fn case_38_take_on_one_of_two_branches() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let source = from_iter(1..=4).output();
    let (a, b) = (Recorder::new(), Recorder::new());
    source.take(2).connect(a.clone());
    source.connect(b.clone());
    scheduler.schedule_periodic(source, secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(a.timed_text(), "1@1 2@2 |@2");
    assert_eq!(b.timed_text(), "1@1 2@2 3@3 4@4 |@5");
    Ok(())
}

#[test]
fn case_40_take_nothing_completes_at_the_start() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (source, seen) = (from_iter(1..=3).output(), Recorder::<i32>::new());
    source.take(0).connect(seen.clone());
    scheduler.schedule_periodic(source, secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "|@0");
    assert_eq!(scheduler.now(), Instant::ZERO);
    Ok(())
}

#[test]
fn case_442_starting_now() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    scheduler.schedule_periodic(from_iter([0, 1, 2]).connect(seen.clone()), Periodic::every(secs(1)).starting_now())?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "0@0 1@1 2@2 |@3");
    Ok(())
}

#[test]
fn case_443_and_444_missed_ticks() -> Result {
    let takes = [0, 0, 2500, 0, 0];
    let every = Periodic::every(secs(1));
    assert_eq!(slow(&takes, every)?, ("1@1 2@2 3@5.5 4@6 5@7 |@8".to_owned(), 2));
    assert_eq!(slow(&takes, every.catch_up())?, ("1@1 2@2 3@5.5 4@5.5 5@5.5 |@6".to_owned(), 0));
    Ok(())
}

#[test]
fn a_run_with_nothing_scheduled_returns_at_once() -> Result {
    Scheduler::new()?.run_forever()?;
    Scheduler::virtual_time()?.run_forever()?;
    Ok(())
}

#[test]
fn a_zero_period_is_refused_and_says_what_to_do() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let refused = scheduler.schedule_periodic(from_iter([1]).connect(call(|_| {})), Duration::ZERO);
    assert!(matches!(refused, Err(ScheduleError::ZeroPeriod)));
    let text = refused.map(|_| ()).unwrap_err().to_string();
    assert!(text.contains("schedule_recurring"), "{text}");
    scheduler.run_forever()?; // nothing is left of it
    Ok(())
}

#[test]
fn a_zero_period_is_refused_on_a_thread_too() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let sensor = ListSensor::new("probe", [1]);
    let refused = scheduler.schedule_sensor_on_separate_thread(sensor, Periodic::every(Duration::ZERO));
    assert!(matches!(refused.map(drop), Err(ScheduleError::ZeroPeriod)));
    assert!(scheduler.active().is_empty(), "nothing is left of it");
    scheduler.run_forever()?;
    Ok(())
}

#[test]
#[should_panic(expected = "a size of 0 would hold no event: use 1 or more")]
fn a_queue_of_nothing_is_refused_where_it_is_written() {
    let _ = Limit::block(0);
}

#[test]
#[should_panic(expected = "a size of 0 would hold no event: use 1 or more")]
fn a_window_of_nothing_is_refused_where_it_is_written() {
    let _ = pipe::<f64>().running_avg(0);
}

#[test]
fn failed_samplings_are_skipped_or_tried_again() -> Result {
    let readings = [Ok(1), Err("no answer"), Err("no answer"), Ok(2)];
    let run = |on_failure| -> Result<String> {
        let mut scheduler = Scheduler::virtual_time()?;
        let (sensor, seen) = (SensorOutput::new(FlakySensor::new("co2", readings)), Recorder::new());
        sensor.map(|e| e.val).connect(seen.clone());
        scheduler.schedule_periodic(sensor, Periodic::every(secs(1)).on_failure(on_failure))?;
        scheduler.run_forever()?;
        Ok(seen.timed_text())
    };
    assert_eq!(run(OnFailure::Stop)?, "1@1 !@2 the sensor gave no reading: no answer");
    assert_eq!(run(OnFailure::Skip)?, "1@1 2@4 |@5");
    let retry = |attempts| OnFailure::Retry { backoff: Backoff::new(ms(100), ms(150)), attempts };
    assert_eq!(run(retry(3))?, "1@1 2@2.25 |@3");
    assert_eq!(run(retry(2))?, "1@1 !@2.1 the sensor gave no reading: no answer");
    Ok(())
}

/// Notes its name when it is dropped.
struct Noted(&'static str, Rc<RefCell<Vec<&'static str>>>);

impl Sink for Noted {
    type Event = i32;
    fn on_next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
        match event {
            3 => Err(cx.fatal("the disk is full")),
            4 => panic!("on purpose"),
            _ => Ok(Demand::More),
        }
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

#[test]
fn a_fatal_error_names_the_thing_and_closes_all_in_reverse_order() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let dropped = Rc::new(RefCell::new(Vec::new()));
    let (a, b) = (from_iter(1..).output(), from_iter([10; 9]).output());
    a.connect(Noted("first", dropped.clone()));
    b.connect(Noted("second", dropped.clone()));
    a.map(|x| x).share().connect(Noted("third", dropped.clone()));
    scheduler.schedule_periodic(a, secs(1))?;
    scheduler.schedule_periodic(b, secs(1))?;
    let error = scheduler.run_forever().unwrap_err();
    assert_eq!(error.to_string(), "Noted: the disk is full");
    assert_eq!(*dropped.borrow(), ["third", "second", "first"]);
    Ok(())
}

#[test]
fn a_panic_is_a_fatal_error_that_names_the_thing() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let dropped = Rc::new(RefCell::new(Vec::new()));
    let a = from_iter(4..).output();
    a.connect(Noted("first", dropped.clone()));
    scheduler.schedule_periodic(a, secs(1))?;
    let error = scheduler.run_forever().unwrap_err();
    assert_eq!(error.to_string(), "Noted: panicked: on purpose");
    assert_eq!(*dropped.borrow(), ["first"]);
    Ok(())
}

#[test]
fn stop_ends_the_run_without_completion() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (source, seen) = (from_iter(1..).output(), Recorder::new());
    let stopper = scheduler.stopper();
    source
        .inspect(move |x| {
            if *x == 2 {
                stopper.stop();
            }
        })
        .connect(seen.clone());
    scheduler.schedule_periodic(source, secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@2");
    Ok(())
}

#[test]
fn a_recurring_source_lets_the_others_have_their_turn() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (a, b) = (from_iter(0..3).output(), from_iter(10..13).output());
    let seen = Rc::new(RefCell::new(Vec::new()));
    for output in [&a, &b] {
        let seen = seen.clone();
        output.for_each(move |x| seen.borrow_mut().push(x));
    }
    scheduler.schedule_recurring(a)?;
    scheduler.schedule_recurring(b)?;
    scheduler.run_forever()?;
    assert_eq!(*seen.borrow(), [0, 10, 1, 11, 2, 12]);
    Ok(())
}

#[test]
fn schedules_of_harmonic_periods_share_their_wake_ups() -> Result {
    let clock = VirtualClock::new();
    let mut scheduler = Scheduler::with_clock(clock.clone())?;
    let seen = Recorder::new();
    scheduler.schedule_periodic(from_iter([1; 4]).connect(call(|_| {})), secs(2))?;
    clock.advance(ms(300));
    scheduler.schedule_periodic(from_iter([1; 2]).connect(seen.clone()), secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 1@2 |@3");
    Ok(())
}

#[test]
fn a_feedback_loop_goes_through_the_scheduler() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let (seed, loop_) = (from_iter([1_u64]).output(), Port::<u64>::new());
    let seen = Recorder::new();
    seed.connect(call({
        let loop_ = loop_.clone();
        move |_| drop(loop_.clone())
    }));
    loop_.map(|x| x * 2).take(5).also_to(seen.clone()).feedback(&loop_);
    seed.feedback(&loop_);
    scheduler.schedule_later_one_time(seed, secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "2 4 8 16 32 |");
    Ok(())
}

#[test]
fn a_private_loop_posts_and_its_error_is_fatal() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (seen, queue) = (Recorder::new(), Limit::default());
    let good = scheduler.schedule_on_private_event_loop("good", queue.clone(), |remote, _| {
        (1..=3).try_for_each(|x| remote.post(x).map_err(|error| error.to_string()))
    })?;
    good.connect(seen.clone());
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "1 2 3 |");

    let bad = scheduler.schedule_on_private_event_loop("bad", queue, |_remote: thingflow_core::Remote<i32>, _| {
        Err("the line is dead")
    })?;
    bad.connect(Recorder::new());
    let error = scheduler.run_forever().unwrap_err();
    assert!(error.to_string().contains("bad: the line is dead"), "{error}");
    Ok(())
}

#[test]
fn a_sensor_on_an_edge_thread_keeps_virtual_time() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let probe = scheduler.schedule_sensor_on_separate_thread(ListSensor::new("probe", [1, 2, 3]), secs(10))?;
    let seen = Recorder::new();
    probe.map(|e| (e.ts.to_string(), e.val)).connect(seen.clone());
    scheduler.run_forever()?;
    let events = seen.events();
    assert_eq!(events.len(), 3);
    assert_eq!(events[2], ("1970-01-01T00:00:30Z".to_owned(), 3));
    assert!(seen.is_completed());
    Ok(())
}

#[test]
fn an_edge_sink_pauses_its_source_and_loses_nothing() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (taken, store) = std::sync::mpsc::channel();
    let sink = scheduler.edge_sink("store", try_call(move |x: u32| taken.send(x)), Limit::block(4))?;
    scheduler.schedule_recurring(from_iter(0..10_000).connect(sink))?;
    scheduler.run_forever()?;
    assert!(store.into_iter().eq(0..10_000));
    Ok(())
}

#[test]
fn the_error_of_an_edge_sink_ends_the_run() -> Result {
    let mut scheduler = Scheduler::new()?;
    let full = try_call(|x: u32| if x < 3 { Ok(()) } else { Err("the disk is full") });
    let sink = scheduler.edge_sink("store", full, Limit::default())?;
    scheduler.schedule_recurring(from_iter(0..).connect(sink))?;
    let error = scheduler.run_forever().unwrap_err();
    assert!(error.to_string().contains("store: the disk is full"), "{error}");
    Ok(())
}

#[test]
fn virtual_time_does_not_wait_for_an_edge_thread_that_was_cancelled() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let probe = scheduler.schedule_sensor_on_separate_thread(ListSensor::new("probe", [1; 9]), secs(1))?;
    probe.connect(call(|_| {}));
    let (seen, handle) = (Recorder::new(), probe.handle().clone());
    let source = from_iter(1..=3).inspect(move |_| handle.cancel()).connect(seen.clone());
    scheduler.schedule_periodic(source, secs(1))?; // its first tick comes right after the thread has been asked
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@2 3@3 |@4");
    Ok(())
}
