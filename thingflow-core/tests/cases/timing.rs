//! Cases of operators with time.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{DistinctList, List};
use thingflow_core::{QueueMeter, VirtualClock};

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

/// Sends events at given times; then it stays open, or completes at a given time.
struct Timed<T> {
    events: VecDeque<(f64, T)>,
    ends: f64,
}

impl<T> Source for Timed<T> {
    type Item = T;
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<T>, Failure> {
        Ok(self.events.pop_front().map(|(_, event)| event))
    }
    fn due(&mut self, _: &mut Context<'_>) -> Option<Instant> {
        Some(Instant::ZERO + secs(self.events.front().map_or(self.ends, |(at, _)| *at)))
    }
}

/// What comes out of `filter` in ten seconds, with its times, if events come at the given times.
fn timed<T, F>(events: impl IntoIterator<Item = (f64, T)>, filter: Pipe<T, F>) -> String
where
    T: 'static,
    F: Filter<T> + 'static,
    F::Out: Debug + 'static,
{
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    let flow = Flow::new(Timed { events: events.into_iter().collect(), ends: 9e9 });
    scheduler.schedule_recurring(flow.pipe(filter).connect(seen.clone())).expect("a schedule");
    scheduler.run_for(secs(10.0)).expect("no fatal error");
    seen.timed_text()
}

fn at<T>(time: f64, events: impl IntoIterator<Item = T>) -> impl Iterator<Item = (f64, T)> {
    events.into_iter().map(move |event| (time, event))
}

#[test]
fn case_285_partition_with_timeout() {
    assert_eq!(timed(at(0.0, 0..5), pipe().chunks_within(10, secs(0.01))), "[0, 1, 2, 3, 4]@0.01");
}

#[test]
fn case_286_partition_timeout_is_cancelled_by_a_full_group() {
    let events = at(0.0, 0..3).chain(at(0.09, [3]));
    assert_eq!(timed(events, pipe().chunks_within(3, secs(0.1))), "[0, 1, 2]@0 [3]@0.19");
}

#[test]
fn case_287_partition_timeout_starts_at_the_first_element() {
    let events = at(0.0, 0..3).chain([(0.9, 3), (2.0, 4), (2.5, 5)]);
    assert_eq!(timed(events, pipe().chunks_within(3, secs(1.0))), "[0, 1, 2]@0 [3]@1.9 [4, 5]@3");
}

#[test]
fn case_288_partition_by_key() {
    let filter = pipe().chunks_within_by(2, secs(1.0), 100, |e: &(i32, i32)| e.0);
    assert_eq!(timed(at(0.0, (0..4).map(|n| (n % 2, n))), filter), "[(0, 0), (0, 2)]@0 [(1, 1), (1, 3)]@0");
}

#[test]
fn case_289_partition_by_a_function() {
    let filter = pipe().chunks_within_by(2, secs(1.0), 100, |n: &i32| n % 2);
    let full = "[0, 2]@0 [1, 3]@0 [4, 6]@0 [5, 7]@0";
    assert_eq!(timed(at(0.0, 0..10), filter), format!("{full} [8]@1 [9]@1"));
}

#[test]
fn case_290_partition_of_one_with_timeout() {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let (port, seen) = (Port::new(), Recorder::new());
    port.chunks_within(1, secs(0.01)).connect(seen.clone());
    let flow = Flow::new(Timed { events: at(0.0, 0..10).collect(), ends: 1.0 });
    scheduler.schedule_recurring(flow.connect(port)).expect("a schedule");
    let mut turns = 0;
    while scheduler.turn(None).expect("no fatal error") {
        turns += 1;
    }
    assert_eq!(seen.events(), (0..10).map(|n| vec![n]).collect::<Vec<_>>());
    assert_eq!(seen.ended_at(), Some(Instant::ZERO + secs(1.0)));
    assert!(turns <= 12, "{turns}: a timer was left behind");
}

#[test]
fn case_330_timed_window() {
    let events = || [(0.25, 1), (0.75, 2), (1.25, 3)];
    assert_eq!(timed(events(), pipe().chunks_timeout(secs(1.0), Limit::default())), "[1, 2]@1 [3]@2");
    let all = Window::each(secs(1.0)).from_start().send_empty();
    assert!(
        timed(events(), pipe().window(all, List::within(Limit::default()))).starts_with("[1, 2]@1 [3]@2 []@3 []@4")
    );
}

#[test]
fn case_331_timed_window_keeps_everything_in_order() {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    let flow = from_iter(0..10).chunks_timeout(secs(0.01), Limit::default()).connect(seen.clone());
    scheduler.schedule_periodic(flow, secs(0.004)).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    let lists = seen.events();
    assert_eq!(lists.concat(), (0..10).collect::<Vec<_>>());
    assert!(lists.iter().all(|list| list.len() <= 3) && lists.iter().any(|list| list.len() >= 2), "{lists:?}");
}

#[test]
fn case_333_timed_window_distinct() {
    let events = || at(0.01, [1, 2, 1, 3, 1, 3, 3, 2]);
    assert_eq!(timed(events(), pipe().chunks_timeout_distinct(secs(0.05), Limit::default(), |x| *x)), "[1, 2, 3]@0.05");
    let last = DistinctList::within(Limit::default(), |x: &i32| *x).keep_last();
    assert_eq!(timed(events(), pipe().window(Window::each(secs(0.05)).from_start(), last)), "[1, 3, 2]@0.05");
}

#[test]
fn case_334_timed_window_distinct_by_key() {
    let words = at(0.01, ["f", "fo", "f", "foo", "f", "foo", "foo", "fo"]);
    let by_length = DistinctList::within(Limit::default(), |word: &&str| word.len()).keep_last();
    assert_eq!(
        timed(words, pipe().window(Window::each(secs(0.05)).from_start(), by_length)),
        r#"["f", "foo", "fo"]@0.05"#
    );
    let records = || at(0.01, [(0, "bar"), (1, "bat"), (0, "baz")]);
    let first = pipe().chunks_timeout_distinct(secs(0.05), Limit::default(), |r: &(i32, &str)| r.0);
    assert_eq!(timed(records(), first), r#"[(0, "bar"), (1, "bat")]@0.05"#);
    let last = DistinctList::within(Limit::default(), |r: &(i32, &str)| r.0).keep_last();
    assert_eq!(
        timed(records(), pipe().window(Window::each(secs(0.05)).from_start(), last)),
        r#"[(1, "bat"), (0, "baz")]@0.05"#
    );
}

#[test]
fn case_335_rate_limit() {
    let (mut scheduler, seen, asked) =
        (Scheduler::virtual_time().expect("a scheduler"), Recorder::new(), Recorder::new());
    let flow = from_iter(0..5).also_to(asked.clone()).pace(secs(0.05), Limit::block(1));
    scheduler.schedule_recurring(flow.connect(seen.clone())).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.timed_text(), "0@0 1@0.05 2@0.1 3@0.15 4@0.2 |@0.2");
    // One is on the way and one waits: the source stands there until there is room.
    assert_eq!(asked.timed_text(), "0@0 1@0 2@0.05 3@0.1 4@0.15 |@0.2");
    let idle = [(0.0, 0), (0.01, 1), (1.0, 2)];
    assert_eq!(timed(idle, pipe().pace(secs(0.05), Limit::block(1))), "0@0 1@0.05 2@1");
}

#[test]
fn case_336_delay() {
    let delay = || pipe().delay(secs(1.0), Limit::default());
    assert_eq!(timed(at(0.0, 0..5), delay()), "0@1 1@1 2@1 3@1 4@1");
    assert_eq!(timed([(0.0, 0), (0.3, 1), (0.6, 2), (0.9, 3)], delay()), "0@1 1@1.3 2@1.6 3@1.9");
}

#[test]
fn case_337_delay_as_the_suite_sees_it() {
    assert_eq!(timed(at(0.0, 0..5), pipe().delay(secs(0.02), Limit::default())), "0@0.02 1@0.02 2@0.02 3@0.02 4@0.02");
}

#[test]
fn case_359_delay_holds_until_sent() {
    let seen = Recorder::new();
    let mut chain = pipe().delay(secs(0.01), Limit::block(5)).to(seen.clone());
    let references: Vec<_> = (0..5).map(Rc::new).collect();
    let now = |time| Context::detached(Instant::ZERO + secs(time));
    for reference in &references {
        chain.next(Rc::downgrade(reference), &mut now(0.0)).expect("no fatal error");
    }
    assert!(references.iter().all(|r| Rc::weak_count(r) == 1));
    chain.notice(Notice::Wake, &mut now(0.05)).expect("no fatal error");
    assert_eq!(seen.events().len(), 5);
    drop((seen, chain));
    assert!(references.iter().all(|r| Rc::weak_count(r) == 0));
}

#[test]
fn case_445_timers_start_with_the_run() {
    let clock = VirtualClock::new();
    let mut scheduler = Scheduler::with_clock(clock.clone()).expect("a scheduler");
    let seen = Recorder::new();
    let flow = Flow::new(Timed { events: VecDeque::new(), ends: 9e9 }).on_timeout(secs(1.0), || Some("substitute"));
    scheduler.schedule_recurring(flow.connect(seen.clone())).expect("a schedule");
    clock.advance(secs(3.0));
    scheduler.run_for(secs(1.5)).expect("no fatal error");
    assert_eq!(seen.timed_text(), r#""substitute"@4"#);
}

/// IO-31: acts once for each wake-up, however many elements came.
#[test]
fn coalesce_acts_once_a_turn() {
    let burst = || pipe().flat_map(|n: i32| [n, n + 1, n + 2]).coalesce();
    assert_eq!(timed([(1.0, 10), (2.0, 20)], burst()), "12@1 22@2");
    assert_eq!(timed(at(1.0, [10, 20]), burst()), "12@1 22@1"); // in two turns at the same instant
}

/// A source that is paused by an operator further down loses nothing, however it is connected.
#[test]
fn back_pressure_reaches_the_source() {
    let pace = || pipe().pace(secs(1.0), Limit::block(1));
    let run = |connect: &dyn Fn(&Scheduler, &Recorder<i32>)| {
        let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
        connect(&scheduler, &seen);
        scheduler.run_forever().expect("no fatal error");
        assert_eq!(seen.after_end(), 0);
        seen.timed_text()
    };
    let expected = "0@0 1@1 2@2 3@3 |@3";
    let flow = run(&|scheduler, seen| {
        let flow = from_iter(0..4).pipe(pace()).connect(seen.clone());
        scheduler.schedule_recurring(flow).expect("a schedule");
    });
    assert_eq!(flow, expected);
    let output = run(&|scheduler, seen| {
        let output = from_iter(0..4).output();
        output.pipe(pace()).connect(seen.clone());
        scheduler.schedule_recurring(output).expect("a schedule");
    });
    assert_eq!(output, expected);
    let two_ports = run(&|scheduler, seen| {
        let (output, port) = (from_iter(0..4).output(), Port::new());
        port.pipe(pace()).connect(seen.clone());
        output.map(|x| x).connect(port);
        scheduler.schedule_recurring(output).expect("a schedule");
    });
    assert_eq!(two_ports, expected);
    let periodic = run(&|scheduler, seen| {
        let flow = from_iter(0..4).pipe(pace()).connect(seen.clone());
        scheduler.schedule_periodic(flow, secs(0.35)).expect("a schedule");
    });
    assert_eq!(periodic, "0@0.35 1@1.35 2@2.35 3@3.35 |@3.5");
}

#[test]
fn a_full_delay_pauses_its_source() {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    let meter = QueueMeter::default();
    let flow = from_iter(0..6).delay(secs(1.0), Limit::block(2).metered(&meter)).connect(seen.clone());
    scheduler.schedule_recurring(flow).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.timed_text(), "0@1 1@1 2@2 3@2 4@3 5@3 |@3");
    assert_eq!((meter.stats().posted, meter.stats().dropped, meter.stats().high_water), (6, 0, 2));
}

#[test]
fn what_is_due_waits_while_those_further_down_are_full() {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    let (delays, paces) = (QueueMeter::default(), QueueMeter::default());
    let open = Flow::new(Timed { events: at(0.0, 0..6).collect(), ends: 9e9 });
    let delayed = open.delay(secs(1.0), Limit::block(4).metered(&delays));
    let paced = delayed.pace(secs(2.0), Limit::block(2).metered(&paces)).pace(secs(3.0), Limit::block(1));
    scheduler.schedule_recurring(paced.connect(seen.clone())).expect("a schedule");
    scheduler.run_for(secs(60.0)).expect("no fatal error");
    assert_eq!(seen.timed_text(), "0@1 1@4 2@7 3@10 4@13 5@16");
    assert_eq!((delays.stats().high_water, paces.stats().high_water), (4, 2));
    assert_eq!((delays.stats().posted, paces.stats().posted), (6, 6));
}

#[test]
fn a_full_delay_does_what_its_limit_says() {
    let run = |limit| timed(at(1.0, 0..4), pipe().delay(secs(1.0), limit));
    assert_eq!(run(Limit::drop_oldest(2)), "2@2 3@2");
    assert_eq!(run(Limit::drop_newest(2)), "0@2 1@2");
    let full = "! delay holds 2 events and is full: give it more room or another policy";
    assert_eq!(run(Limit::fail(2)).replace("!@1", "!"), format!("0@1 1@1 {full}"));
    assert_eq!(run(Limit::block(2)), "0@2 1@2 2@3 3@3");
}

/// What cannot pause, such as a port fed by hand, finds the places of `delay_of` taken.
#[test]
fn a_delay_of_places_ends_by_an_error_when_it_overflows() {
    let seen = Recorder::new();
    let mut chain = pipe().delay_of::<2>(secs(1.0)).to(seen.clone());
    chain.feed(0..3).expect("no fatal error");
    assert_eq!(seen.text(), "0 1 ! delay holds 2 events and is full: give it more room");
}

#[test]
fn intervals_keep_their_rate_and_leave_out_what_is_missed() {
    let clock = VirtualClock::new();
    let mut scheduler = Scheduler::with_clock(clock.clone()).expect("a scheduler");
    let seen = Recorder::new();
    let slow = interval(secs(1.0)).take(4).inspect(move |n| clock.advance(secs(if *n == 1 { 2.5 } else { 0.1 })));
    scheduler.schedule_recurring(slow.connect(seen.clone())).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    let times: Vec<_> = seen.timed().iter().map(|(at, n)| (at.since(Instant::ZERO).as_secs_f64(), *n)).collect();
    assert_eq!(times, [(1.0, 0), (2.0, 1), (4.5, 2), (5.0, 3)]);
}

#[test]
fn an_interval_may_begin_at_once() {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    let ticks = Flow::new(thingflow_core::Interval::every(secs(2.0)).starting_now()).output();
    ticks.take(3).connect(seen.clone());
    scheduler.schedule_recurring(ticks).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.timed_text(), "0@0 1@2 2@4 |@4");
}

#[test]
fn a_timer_can_be_called_off() {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    let off = scheduler.schedule_recurring(timer(secs(3.0)).connect(seen.clone())).expect("a schedule");
    scheduler.schedule_recurring(timer(secs(1.0)).connect(call(move |()| off.cancel()))).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!((seen.text(), scheduler.now()), (String::new(), Instant::ZERO + secs(1.0)));
}

#[test]
fn a_source_with_a_timetable_needs_a_scheduler() {
    let (seen, error) = interval(secs(1.0)).take(2).try_collect_now();
    assert_eq!(seen, [0; 0]);
    let why = "the source waits for its time: it needs a scheduler";
    assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(why));
}

#[test]
fn a_source_that_never_sends_keeps_a_run_going_without_work() {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    let schedule = scheduler.schedule_recurring(never::<i32>().connect(seen.clone())).expect("a schedule");
    scheduler.run_for(secs(100.0)).expect("no fatal error");
    assert_eq!((seen.text(), scheduler.now()), (String::new(), Instant::ZERO + secs(100.0)));
    assert!(schedule.is_active());
}

/// A wake-up that stands in the way of a paused source must not be lost, and the source must not run ahead.
#[test]
fn timers_go_on_while_the_source_is_paused() {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    let flow = from_iter(0..3).pace(secs(4.0), Limit::block(1)).heartbeat(secs(3.0)).connect(seen.clone());
    scheduler.schedule_recurring(flow).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.timed_text(), "0@0 0@3 1@4 1@7 2@8 |@8");
}
