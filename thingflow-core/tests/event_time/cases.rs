//! Late and future events, idle inputs, restarts, keys and lists, case by case.

use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::{Calendar, Count, DistinctList, EventWindow, List, Mean, Pane, Sessions, Sum, UtcMonths};
use thingflow_core::{VirtualClock, joins};

use super::taken::Taken;
use super::{Result, Step, Values, at, own, saved, secs, sessions, tens, transcript, values};

#[test]
fn a_session_may_last_for_as_long_as_it_likes_and_a_time_may_be_any() {
    let all: Vec<i64> = (0..5000).collect();
    let one = from_iter(all).watermarks(own, Duration::ZERO).aggregate(sessions(), Count::new());
    assert_eq!(one.map(|w| (w.end.as_secs_f64(), w.value)).collect_now(), [(5009.0, 5000)]);
    let at = |n: &i64| Timestamp::from_nanos(*n);
    let extremes = [i64::MAX, 0, i64::MIN, i64::MAX, i64::MIN + 1, i64::MAX - 1];
    let time = at as fn(&i64) -> Timestamp;
    let longest = Duration::from_nanos(1 << 62);
    let count = |window: EventWindow<i64, fn(&i64) -> Timestamp, Sessions>| {
        from_iter(extremes).aggregate(window, Count::new()).map(|w| w.value).collect_now().iter().sum::<u64>()
    };
    assert_eq!(count(Window::session(secs(1), time)), 6);
    assert_eq!(count(Window::session(longest, time)), 6);
    let sums = from_iter(extremes)
        .aggregate(Window::event_time(longest, time).every(Duration::from_nanos(1 << 60)), Count::new());
    assert!(sums.map(|w| w.value).collect_now().iter().sum::<u64>() >= 6);
}

#[test]
fn lists_by_event_time() {
    let lists = from_iter([3_i64, 12, 4, 25]).watermarks(own, secs(10)).window(tens(), List::within(Limit::fail(9)));
    assert_eq!(lists.map(|w| w.value).collect_now(), [vec![3, 4], vec![12], vec![25]]);
    let first = DistinctList::within(Limit::drop_newest(9), |second: &i64| second % 2);
    let lists = from_iter([3_i64, 5, 4, 25]).watermarks(own, secs(10)).window(tens(), first);
    assert_eq!(lists.map(|w| w.value).collect_now(), [vec![3, 4], vec![25]]);
    let sessions =
        from_iter([1_i64, 12, 8]).watermarks(own, secs(10)).window(sessions(), List::within(Limit::drop_oldest(2)));
    assert_eq!(sessions.map(|w| (w.count, w.value)).collect_now(), [(3, vec![12, 8])]);
    // What is held goes out before the error of a list that is full.
    let full = from_iter([1_i64, 12, 2, 3]).watermarks(own, secs(10)).window(tens(), List::within(Limit::fail(2)));
    let (lists, error) = full.map(|w| w.value).try_collect_now();
    assert_eq!((lists, error.is_some()), (vec![vec![1, 2], vec![12]], true));
}

#[test]
#[should_panic(expected = "cannot have its source wait")]
fn a_list_by_event_time_keeps_no_source_waiting() {
    let _ = from_iter([3_i64]).window(tens(), List::within(Limit::block(9)));
}

#[test]
fn one_window_too_many_ends_the_first_of_them_alone() {
    let keys = tens().by_key(|second| second % 4).at_most(2);
    let counts = from_iter([0_i64, 1, 2, 1, 2, 0]).watermarks(own, secs(0)).aggregate(keys, Count::new());
    assert_eq!(counts.map(|w| w.value).collect_now(), [1, 2, 2]); // the last 0 came when its window was gone
}

#[test]
fn e10_a_window_that_is_gone_does_not_open_again_after_a_restart() {
    let counts = || pipe::<i64>().aggregate(tens().at_most(1), Count::new()).map(|w| (w.start.as_secs_f64(), w.value));
    let events = [1, 2, 11, 3]; // the third ends the first window, for there may be one only
    assert_eq!(saved(counts, &events, 4), [(0.0, 2), (10.0, 1)]);
    assert_eq!(saved(counts, &events, 3), [(0.0, 2), (10.0, 1)]);
}

#[test]
fn e10_windows_that_are_not_saved_are_not_touched_by_a_walk_that_saves() -> std::result::Result<(), FatalError> {
    let (seen, mut state) = (Recorder::new(), Taken::default());
    let counts = pipe::<i64>().aggregate(tens().by_key(|second: &i64| second % 2), Count::new()).map(|w| w.value);
    let mut chain = counts.to(seen.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    for second in [1, 2, 3] {
        chain.next(second, cx)?;
        chain.notice(Notice::State(&mut state), cx)?;
    }
    chain.notice(Notice::Completed, cx)?;
    assert_eq!(seen.events(), [1, 2]);
    Ok(())
}

#[test]
fn e01_an_event_from_the_future_moves_no_watermark() -> Result {
    let (good, future) = (Recorder::new(), Recorder::new());
    let clock = VirtualClock::starting_at(at(1000));
    let mut scheduler = Scheduler::with_clock(clock)?;
    let events = timed([(1.0, 1001_i64), (2.0, 500_000), (3.0, 1003), (4.0, 1012), (5.0, 1090)]);
    let sane = events.future_to(own, secs(60), future.clone());
    let counts = sane.watermarks(own, Duration::ZERO).aggregate(tens(), Count::new()).map(|w| w.value);
    scheduler.schedule_recurring(counts.connect(good.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(future.text(), "500000 1090 |"); // the last one by 85 s
    assert_eq!(good.events(), [2, 1]);
    Ok(())
}

#[test]
fn e02_an_idle_input_holds_nobody_back() -> Result {
    let seen = Recorder::new();
    let late = Recorder::new();
    let clock = VirtualClock::starting_at(at(0));
    let mut scheduler = Scheduler::with_clock(clock)?;
    let (a, b) = (Port::<i64>::new(), Port::<i64>::new());
    let both = joins::merge((
        a.clone().watermarks_or_idle(own, Duration::ZERO, secs(5)),
        b.clone().watermarks_or_idle(own, Duration::ZERO, secs(5)),
    ));
    both.aggregate(tens().late_to(late.clone()), Count::new())
        .map(|w| (w.end.as_secs_f64(), w.value))
        .connect(seen.clone());
    scheduler.schedule_recurring(timed([(1.0, 1_i64), (11.0, 11), (21.0, 21), (31.0, 31), (41.0, 41)]).connect(a))?;
    scheduler.schedule_recurring(timed([(2.0, 2_i64), (32.0, 3), (33.0, 33)]).connect(b))?;
    scheduler.run_for(secs(25))?;
    assert_eq!(seen.events(), [(10.0, 2), (20.0, 1)]); // `b` has been silent since 2
    scheduler.run_forever()?;
    assert_eq!(late.text(), "3 |"); // it wakes, and what is behind its own watermark is late
    assert_eq!(seen.events()[2..], [(30.0, 1), (40.0, 2), (50.0, 1)]);
    Ok(())
}

#[test]
fn e03_the_end_closes_all_windows() {
    let e = from_iter([1_i64, 12, 25]).watermarks(own, secs(1000));
    assert_eq!(e.aggregate(tens(), Count::new()).map(|w| w.value).collect_now(), [1, 1, 1]);
    let broken = try_from_iter([Ok(1_i64), Ok(12), Err("no more")]).watermarks(own, secs(1000));
    let (seen, error) = broken.aggregate(tens(), Count::new()).map(|w| w.value).try_collect_now();
    assert_eq!((seen, error.is_some()), (vec![1, 1], true));
}

#[test]
fn e04_a_window_closes_by_time_if_that_is_asked_for() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let events = timed([(1.0, 1_i64), (3.0, 3), (60.0, 60)]);
    let marked = events.watermarks_or_idle(own, secs(1), secs(2));
    scheduler.schedule_recurring(marked.aggregate(tens(), Count::new()).map(|w| w.value).connect(seen.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "2@11 1@60 |@60");
    Ok(())
}

#[test]
fn e06_a_late_event_is_in_all_of_its_windows_or_in_none() {
    use Step::{Input, Watermark};
    let overlapping = || tens().every(secs(5));
    // 7 is in [0, 10) and [5, 15): at 12 the first is gone.
    let out = transcript(values(overlapping()), &[Input(&[8]), Watermark(12), Input(&[7]), Watermark(99)]);
    assert_eq!(out[1], [(0, 9, vec![8], Pane::Final)]);
    assert_eq!(out[3], [(5, 14, vec![8], Pane::Final)]);
    // In the same place with time for corrections it changes both.
    let kept = overlapping().corrections(secs(5));
    let out = transcript(values(kept), &[Input(&[8]), Watermark(12), Input(&[7]), Watermark(99), Input(&[7])]);
    assert_eq!(out[2], [(0, 9, vec![8, 7], Pane::Correction)]);
    assert_eq!(out[3], [(5, 14, vec![8, 7], Pane::Final)]);
    assert_eq!(out[4], []); // never opens a window that is gone
}

#[test]
fn e07_late_events_are_counted_and_sent_elsewhere() {
    let (meter, late) = (QueueMeter::default(), Recorder::new());
    let e = from_iter([5_i64, 25, 3, 4, 26]).watermarks(own, Duration::ZERO);
    let counts = e.aggregate(tens().metered(&meter).late_to(late.clone()), Count::new());
    assert_eq!(counts.map(|w| w.value).collect_now(), [1, 2]);
    assert_eq!((late.text(), meter.stats().posted, meter.stats().dropped), ("3 4 |".into(), 5, 2));
}

#[test]
fn e08_a_replay_gives_what_the_live_run_gave() -> Result {
    let rows = [1, 12, 9, 25, 3, 31, 30, 58].map(|s| s + 1_700_000_000_i64);
    let live = |recorded: bool| -> std::result::Result<Vec<_>, Box<dyn std::error::Error>> {
        let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
        let source = from_iter(rows);
        let window = || Window::event_time(secs(10), own as fn(&i64) -> Timestamp);
        if recorded {
            let counts = source.at_times(own).watermarks(own, secs(4)).aggregate(window(), Count::new());
            scheduler.schedule_recurring(counts.connect(seen.clone()))?;
        } else {
            let counts = source.watermarks(own, secs(4)).aggregate(window(), Count::new());
            scheduler.schedule_recurring(counts.connect(seen.clone()))?;
        }
        scheduler.run_forever()?;
        Ok(seen.events())
    };
    assert_eq!(live(true)?, live(false)?);
    Ok(())
}

#[test]
fn e09_equal_times_keep_the_order_of_arrival() {
    let e = from_iter([(5_i64, 'b'), (5, 'a'), (1, 'c'), (5, 'd')]);
    let window = Window::event_time(secs(10), |(second, _): &(i64, char)| at(*second));
    let order = e
        .watermarks(|(second, _)| at(*second), secs(9))
        .aggregate(window, thingflow_core::windows::Of(|e: &(i64, char)| i64::from(u32::from(e.1)), Values::new()));
    let letters: Vec<i64> = order.map(|w| w.value).collect_now().concat();
    assert_eq!(letters, [98, 97, 99, 100]);
}

#[test]
fn m03_a_result_says_how_much_there_was() {
    let at = |s: i64, x: f64| SensorEvent::new("t", at(s), x);
    let e = from_iter([at(1, 20.0), at(3, f64::NAN), at(5, 22.0), at(12, f64::NAN)]);
    let window = Window::event_time(secs(10), |event: &SensorEvent<f64>| event.ts);
    let means = e.watermarks(|event| event.ts, secs(1)).aggregate(window, thingflow_core::windows::OrNone(Mean::new()));
    let seen: Vec<_> = means.map(|event| event.val).collect_now();
    assert_eq!((seen[0].value, seen[0].count, seen[0].missing, seen[0].coverage_at(secs(2))), (Some(21.0), 3, 1, 0.4));
    assert_eq!((seen[1].value, seen[1].coverage()), (None, 0.0));
}

#[test]
fn windows_of_each_key_and_of_months() {
    let at = |id, secs, x: i32| SensorEvent::new(id, at(secs), x);
    let e = from_iter([at("a", 1, 1), at("b", 2, 10), at("a", 3, 2), at("b", 11, 20), at("a", 12, 3)]);
    let window = Window::event_time(secs(10), |event: &SensorEvent<i32>| event.ts).by_key(|event| event.sensor_id);
    let sums = e.watermarks(|event| event.ts, Duration::ZERO).aggregate(window, Sum::new());
    let sums: Vec<_> = sums.map(|event| (event.sensor_id.to_string(), event.val.value)).collect_now();
    assert_eq!(sums, [("a".into(), 3), ("b".into(), 10), ("a".into(), 3), ("b".into(), 20)]);
    let (start, end) = UtcMonths.period(Timestamp::from_secs(-1));
    assert_eq!((start.to_string(), end.to_string()), ("1969-12-01T00:00:00Z".into(), "1970-01-01T00:00:00Z".into()));
}
