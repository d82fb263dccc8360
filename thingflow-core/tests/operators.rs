//! Operators over whole graphs on the virtual clock: limits, bounds of windows, streams that begin and end by others.
#![cfg(feature = "std")]

use std::cell::Cell;
use std::fmt::Debug;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::VirtualClock;
use thingflow_core::prelude::*;
use thingflow_core::testing::{EndlessSensor, Recorder, timed};
use thingflow_core::timing::Throttle;
use thingflow_core::windows::{Count, DistinctList, List, Mean, OrNone, Sum, Windowed};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What comes out of a chain over events at their seconds.
fn run<T: Clone + 'static, F: Filter<T, Out: Clone + Debug + 'static> + 'static>(
    events: Vec<(f64, T)>,
    chain: Pipe<T, F>,
) -> String {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    scheduler.schedule_recurring(timed(events).pipe(chain).connect(seen.clone())).expect("a schedule");
    scheduler.run_for(secs(1000)).expect("no fatal error");
    seen.timed_text()
}

/// A second each, from 1 on.
fn numbers(n: i32) -> Vec<(f64, i32)> {
    (1..=n).map(|x| (f64::from(x), x)).collect()
}

#[test]
fn f29_lists_of_an_interval_are_bounded() {
    let lists = |limit| run(numbers(7), pipe().chunks_timeout(secs(4), limit));
    assert_eq!(lists(Limit::default()), "[1, 2, 3]@4 [4, 5, 6, 7]@7 |@7");
    assert_eq!(lists(Limit::drop_oldest(2)), "[2, 3]@4 [6, 7]@7 |@7");
    assert_eq!(lists(Limit::drop_newest(2)), "[1, 2]@4 [4, 5]@7 |@7");
    assert_eq!(
        lists(Limit::fail(2)),
        "[1, 2]@3 !@3 window holds 2 events and is full: give it more room or another policy"
    );
    let distinct = |limit| run(numbers(7), pipe().chunks_timeout_distinct(secs(8), limit, |x| x % 4));
    assert_eq!(distinct(Limit::drop_oldest(2)), "[6, 7]@7 |@7");
    assert_eq!(distinct(Limit::drop_newest(2)), "[1, 2]@7 |@7");
    assert!(distinct(Limit::fail(3)).starts_with("[1, 2, 3]@4 !@4 window holds 3"));
}

/// A source that heeds it is paused while a list is full, and goes on when the list has gone.
#[test]
fn f29_a_full_list_pauses_its_source() {
    for distinct in [false, true] {
        let (mut scheduler, seen, asked) =
            (Scheduler::virtual_time().expect("a scheduler"), Recorder::new(), Rc::new(Cell::new(0)));
        let pulled = asked.clone();
        let source = from_iter(1..=5).inspect(move |_| pulled.set(pulled.get() + 1));
        let each = Window::each(secs(10)).from_start();
        if distinct {
            let lists = source.window(each, DistinctList::within(Limit::block(2), |x| *x));
            scheduler.schedule_recurring(lists.connect(seen.clone())).expect("a schedule");
        } else {
            let lists = source.window(each, List::within(Limit::block(2)));
            scheduler.schedule_recurring(lists.connect(seen.clone())).expect("a schedule");
        }
        scheduler.run_for(secs(9)).expect("no fatal error");
        assert_eq!(asked.get(), 2);
        scheduler.run_for(secs(1000)).expect("no fatal error");
        assert_eq!(seen.timed_text(), "[1, 2]@10 [3, 4]@20 [5]@20 |@20");
    }
}

#[test]
fn f29_keys_are_bounded() {
    let of_key = |x: &i32| x % 3;
    let lists = |keys| run(numbers(6), pipe().chunks_within_by(2, secs(100), keys, of_key));
    assert_eq!(lists(3), "[1, 4]@4 [2, 5]@5 [3, 6]@6 |@6");
    assert_eq!(lists(2), "[1]@3 [2]@4 [3]@5 [4]@6 [5]@6 [6]@6 |@6");
    // The second event of a key waits for the end of its time, which is over early when another key needs the place.
    let events = vec![(1.0, 'a'), (2.0, 'a'), (3.0, 'b'), (4.0, 'c'), (5.0, 'a')];
    assert_eq!(run(events.clone(), pipe().throttle_by(secs(100), 2, |x| *x)), "'a'@1 'b'@3 'a'@4 'c'@4 'a'@5 |@5");
    assert_eq!(run(events, pipe().throttle_by(secs(100), 3, |x| *x)), "'a'@1 'b'@3 'c'@4 'a'@5 |@5");
}

proptest! {
    /// With enough room for all keys nothing changes; with less, the lists are those of `chunks_by` without time.
    #[test]
    fn f29_a_bound_of_keys_by_a_model(e in prop::collection::vec(0..6_i32, 0..40), n in 1_usize..4, keys in 1_usize..6) {
        let timeless = from_iter(e.clone()).chunks_by(n, keys, |x| *x).collect_now();
        let within = from_iter(e).chunks_within_by(n, secs(1), keys, |x| *x).collect_now();
        prop_assert_eq!(timeless, within);
    }
}

fn bounds<V: Clone>(windows: &Recorder<Windowed<V>>) -> Vec<(f64, f64, u64, V)> {
    windows.events().into_iter().map(|w| (w.start.as_secs_f64(), w.end.as_secs_f64(), w.count, w.value)).collect()
}

#[test]
fn f85_results_carry_the_bounds_of_their_window() {
    let rain = timed([(3.0, 2_u32), (9.0, 1), (12.0, 1), (24.0, 5)]).output();
    let ten = Window::each(secs(10));
    let [each, aligned, tumbling, sliding, recent, running, keyed] = [(); 7].map(|()| Recorder::new());
    rain.aggregate(ten.bounds(), Sum::new()).connect(each.clone());
    rain.aggregate(ten.aligned().bounds(), Sum::new()).connect(aligned.clone());
    rain.aggregate(Window::tumbling(3).bounds(), Sum::new()).connect(tumbling.clone());
    rain.aggregate(Window::sliding(2).bounds(), Sum::new()).connect(sliding.clone());
    rain.aggregate(Window::last(secs(5), Limit::default()).bounds(), Sum::new()).connect(recent.clone());
    rain.aggregate(Window::cumulative().bounds(), Sum::new()).connect(running.clone());
    rain.aggregate(ten.by_key(9, |x: &u32| x % 2).bounds(), Sum::new()).connect(keyed.clone());
    let lists = Recorder::new();
    rain.window(Window::tumbling(3).bounds(), List::new()).connect(lists.clone());
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    scheduler.schedule_recurring(rain).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(bounds(&each), [(3.0, 13.0, 3, 4), (24.0, 34.0, 1, 5)]);
    assert_eq!(bounds(&aligned), [(0.0, 10.0, 2, 3), (10.0, 20.0, 1, 1), (20.0, 30.0, 1, 5)]);
    assert_eq!(bounds(&tumbling), [(3.0, 12.0, 3, 4), (24.0, 24.0, 1, 5)]);
    assert_eq!(bounds(&sliding), [(3.0, 9.0, 2, 3), (9.0, 12.0, 2, 2), (12.0, 24.0, 2, 6)]);
    assert_eq!(bounds(&recent), [(-2.0, 3.0, 1, 2), (4.0, 9.0, 1, 1), (7.0, 12.0, 2, 2), (19.0, 24.0, 1, 5)]);
    assert_eq!(bounds(&running)[3], (3.0, 24.0, 4, 9));
    assert_eq!(bounds(&keyed), [(3.0, 13.0, 1, 2), (9.0, 19.0, 2, 2), (24.0, 34.0, 1, 5)]);
    assert_eq!(bounds(&lists)[0], (3.0, 12.0, 3, vec![2, 1, 1]));
}

#[test]
fn f85_a_sensor_event_keeps_its_id_in_a_window_with_bounds() {
    let at = |secs, lux| (f64::from(secs), SensorEvent::new("lux", Timestamp::from_secs(i64::from(secs)), lux));
    let chain = pipe::<SensorEvent<f64>>().aggregate(Window::each(secs(10)).bounds(), Mean::new());
    let seen =
        run(vec![at(1, 2.0), at(4, 4.0)], chain.map(|e| (e.sensor_id, e.ts.as_secs_f64(), e.val.count, e.val.value)));
    assert_eq!(seen, "(\"lux\", 4.0, 2, 3.0)@4 |@4");
}

#[test]
fn f85_windows_without_events_are_sent_if_asked_for() {
    let events = || vec![(13.0, 1_u32), (14.0, 2), (45.0, 4)];
    let of = |window| run(events(), pipe().aggregate(window, (Count::new(), Sum::new())));
    let ten = Window::each(secs(10));
    assert_eq!(of(ten), "(2, 3)@23 (1, 4)@45 |@45");
    assert_eq!(of(ten.send_empty()), "(2, 3)@23 (0, 0)@33 (0, 0)@43 (1, 4)@45 |@45");
    assert_eq!(of(ten.aligned().send_empty()), "(0, 0)@10 (2, 3)@20 (0, 0)@30 (0, 0)@40 (1, 4)@45 |@45");
    assert_eq!(of(ten.from_start().send_empty()), "(0, 0)@10 (2, 3)@20 (0, 0)@30 (0, 0)@40 (1, 4)@45 |@45");
    let means = run(events(), pipe().map(f64::from).aggregate(ten.send_empty(), OrNone(Mean::new())));
    assert_eq!(means, "Some(1.5)@23 None@33 None@43 Some(4.0)@45 |@45");
    let lists = run(events(), pipe().window(ten.send_empty(), List::within(Limit::default())));
    assert_eq!(lists, "[1, 2]@23 []@33 []@43 [4]@45 |@45");
    // One that is full ends early, and the next begins there.
    let lists = run(events(), pipe().window(ten.at_most(2).send_empty(), List::new()));
    assert_eq!(lists, "[1, 2]@14 []@24 []@34 []@44 [4]@45 |@45");
    // A sensor event has an id and a time; those of the last one stand for a window without any.
    let chain = pipe::<u32>()
        .map(|x| SensorEvent::new("rain", Timestamp::from_secs(i64::from(x)), x))
        .aggregate(ten.aligned().send_empty(), Count::new())
        .map(|e| (e.ts.as_secs_f64(), e.val));
    assert_eq!(run(events(), chain), "(2.0, 2)@20 (2.0, 0)@30 (2.0, 0)@40 (4.0, 1)@45 |@45");
}

proptest! {
    /// By hand: the windows from the start on, each with what is in it.
    #[test]
    fn f85_windows_from_the_start_by_a_model(times in prop::collection::btree_set(1_u32..60, 0..20), d in 1_u32..9, empty: bool, most in 1_usize..5) {
        let events: Vec<_> = times.iter().map(|t| (f64::from(*t), *t)).collect();
        let over = times.iter().max().copied().unwrap_or(0);
        let mut expected: Vec<String> = Vec::new();
        for n in 0..=over / d {
            let inside: Vec<u32> = times.iter().copied().filter(|t| t / d == n).collect();
            let ends = ((n + 1) * d).min(over);
            let is_cut = (n + 1) * d > over;
            for list in inside.chunks(most) {
                let at = if list.len() == most { list.last().copied().unwrap_or(0) } else { ends };
                expected.push(format!("{list:?}@{at}"));
            }
            let is_empty = inside.len().is_multiple_of(most); // what is left when the window ends
            if empty && is_empty && !is_cut {
                expected.push(format!("[]@{ends}"));
            }
        }
        expected.push(format!("|@{over}"));
        let each = Window::each(secs(u64::from(d))).from_start();
        let each = if empty { each.send_empty() } else { each };
        let seen = run(events, pipe().window(each.at_most(most), List::new()));
        prop_assert_eq!(seen, expected.join(" "));
    }
}

#[test]
fn f65_streams_begin_and_end_by_others() {
    let outcome = |f: &dyn Fn(&Output<_>, &Output<_>, &Recorder<i32>)| {
        let (a, b, seen) = (timed(numbers(6)).output(), timed([(2.5, ()), (4.5, ())]).output(), Recorder::new());
        f(&a, &b, &seen);
        let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
        scheduler.schedule_recurring(a).expect("a schedule");
        scheduler.schedule_recurring(b).expect("a schedule");
        scheduler.run_forever().expect("no fatal error");
        seen.timed_text()
    };
    assert_eq!(outcome(&|a, b, seen| drop(a.take_until(b).connect(seen.clone()))), "1@1 2@2 |@2.5");
    assert_eq!(outcome(&|a, b, seen| drop(a.skip_until(b).connect(seen.clone()))), "3@3 4@4 5@5 6@6 |@6");
    let between = |a: &Output<_>, b: &Output<_>, seen: &Recorder<i32>| {
        drop(a.skip_until(b).share().take_until(&b.skip(1).share()).connect(seen.clone()));
    };
    assert_eq!(outcome(&between), "3@3 4@4 |@4.5");
}

#[test]
fn f65_a_trigger_that_ends() {
    let ended = |with_error: bool, takes: bool, fired: bool| {
        let (events, trigger, seen) = (Port::new(), Port::new(), Recorder::new());
        if takes {
            events.take_until(&trigger).connect(seen.clone());
        } else {
            events.skip_until(&trigger).connect(seen.clone());
        }
        let cx = &mut Context::detached(Instant::ZERO);
        if fired {
            trigger.emit((), cx).expect("no fatal error");
        }
        if with_error {
            trigger.fail(StreamError::new("broken"), cx).expect("no fatal error");
        } else {
            trigger.complete(cx).expect("no fatal error");
        }
        events.emit(1, cx).expect("no fatal error");
        events.complete(cx).expect("no fatal error");
        assert_eq!(seen.after_end(), 0);
        seen.text()
    };
    assert_eq!([ended(false, true, false), ended(true, true, false)], ["1 |", "! broken"]);
    assert_eq!([ended(false, false, false), ended(true, false, false)], ["|", "! broken"]);
    assert_eq!([ended(false, false, true), ended(true, false, true)], ["1 |", "1 |"]);
}

#[test]
fn f65_a_function_is_called_once_when_the_stream_is_over() {
    let count = |f: &dyn Fn(&Port<i32>, Connection)| {
        let (port, calls, seen) = (Port::new(), Rc::new(Cell::new(0)), Recorder::new());
        let called = calls.clone();
        let connection = port.finalize(move || called.set(called.get() + 1)).take(2).connect(seen);
        f(&port, connection);
        let _ = port.emit(9, &mut Context::detached(Instant::ZERO)).expect("no fatal error");
        calls.get()
    };
    let cx = || Context::detached(Instant::ZERO);
    assert_eq!(count(&|_, _| ()), 0);
    assert_eq!(count(&|port, _| port.complete(&mut cx()).expect("no fatal error")), 1);
    assert_eq!(count(&|port, _| port.fail(StreamError::new("oh no"), &mut cx()).expect("no fatal error")), 1);
    assert_eq!(count(&|_, connection| connection.disconnect()), 1);
    // `take(2)` has had enough with the second event.
    assert_eq!(count(&|port, _| assert_eq!(port.emit(1, &mut cx()).expect("no fatal error"), Demand::More)), 1);
}

#[test]
fn f65_a_timeout_with_a_stream_to_go_on_with() {
    let (main, spare, seen) = (timed([(1.0, 1), (9.0, 2)]).output(), Port::new().keep_running(), Recorder::new());
    let instead = spare.clone();
    main.timeout(secs(2)).catch(move |_| instead).connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    scheduler.schedule_recurring(main).expect("a schedule");
    scheduler.schedule_recurring(timed(numbers(5)).connect(spare)).expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.timed_text(), "1@1 3@3 4@4 5@5 |@5");
}

#[test]
fn f85_how_much_values_change_in_a_second() {
    let slope = |e: Vec<(f64, f64)>| run(e, pipe().derivative());
    assert_eq!(slope(vec![(0.0, 1.0), (2.0, 4.0), (4.0, 0.0)]), "1.5@2 -2.0@4 |@4");
    assert_eq!(slope(vec![(0.0, 1.0), (2.0, f64::NAN), (4.0, 9.0)]), "2.0@4 |@4"); // a gap is bridged
    assert_eq!(slope(vec![(1.0, 1.0), (1.0, 5.0), (2.0, 6.0)]), "1.0@2 |@2"); // not divided by nothing
    let counted = |e: Vec<(f64, u64)>| run(e, pipe().rate());
    assert_eq!(counted(vec![(0.0, 10), (5.0, 20), (10.0, 5), (15.0, 5)]), "2.0@5 1.0@10 0.0@15 |@15");
    assert_eq!(counted(vec![(0.0, u64::MAX - 8), (4.0, u64::MAX)]), "2.0@4 |@4"); // exact where a float is not
}

#[test]
fn f85_values_with_so_many_decimal_places() {
    let rounded = |decimals, e: Vec<f64>| from_iter(e).round(decimals).collect_now();
    assert_eq!(rounded(0, vec![0.5, 1.5, -0.5, -1.4, 0.49999999999999994]), [1.0, 2.0, -1.0, -1.0, 0.0]);
    assert_eq!(rounded(2, vec![1.005, 20.437, -20.437, 1e300]), [1.0, 20.44, -20.44, 1e300]);
    assert_eq!(from_iter([20.46_f32, f32::INFINITY]).round(1).collect_now(), [20.5, f32::INFINITY]);
    assert!(rounded(3, vec![f64::NAN])[0].is_nan());
}

proptest! {
    #[test]
    fn f85_rounding_by_the_standard_library(x in -1e6..1e6_f64, decimals in 0_u32..6) {
        let scale = 10_f64.powi(decimals as i32);
        prop_assert_eq!(from_iter([x]).round(decimals).collect_now(), [(x * scale).round() / scale]);
    }
}

#[test]
fn f85_a_sensor_without_an_end() {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    let lux = SensorOutput::new(EndlessSensor::new("lux", [1, 2]));
    lux.map(|event| event.val).connect(seen.clone());
    scheduler.schedule_periodic(lux, secs(1)).expect("a schedule");
    scheduler.run_for(secs(5)).expect("no fatal error");
    assert_eq!(seen.timed_text(), "1@1 2@2 1@3 2@4 1@5");
}

/// What is being collected goes on at a flush, and the flush with it; a stage that watches the time alone sends nothing.
#[test]
fn f85_a_flush_sends_what_is_collected() {
    let flushed = |chain: &mut dyn thingflow_core::InputThing<i32>| {
        for event in [1, 2, 3] {
            let _ = chain.next(event, &mut Context::detached(Instant::ZERO)).expect("no fatal error");
        }
        let _ = chain.notice(Notice::Flush, &mut Context::detached(Instant::ZERO)).expect("no fatal error");
    };
    fn seen<F: Filter<i32, Out: Clone + Debug + 'static>>(
        flushed: impl Fn(&mut dyn thingflow_core::InputThing<i32>),
        chain: Pipe<i32, F>,
    ) -> String {
        let seen = Recorder::new();
        flushed(&mut chain.to(seen.clone()));
        seen.text()
    }
    assert_eq!(seen(flushed, pipe().chunks(9)), "[1, 2, 3]");
    assert_eq!(seen(flushed, pipe().chunks_by(9, 9, |x| x % 2)), "[1, 3] [2]");
    assert_eq!(seen(flushed, pipe().chunks_timeout(secs(1), Limit::default()).chunks(2)), "[[1, 2, 3]]");
    assert_eq!(seen(flushed, pipe().debounce(secs(1))), "3");
    assert_eq!(seen(flushed, pipe().throttle(secs(1))), "1 3");
    assert_eq!(seen(flushed, pipe().throttle_by(secs(1), 9, |x| x % 2)), "1 2 3");
    assert_eq!(seen(flushed, pipe().sample_every(secs(1))), "3");
    assert_eq!(seen(flushed, pipe().sliding(9)), "");
}

/// A window of the wall clock may have begun before the program did.
#[test]
fn f85_an_hour_begins_before_the_program_does() {
    let (started, seen) = ("2015-01-01T14:40:00Z".parse().expect("a time"), Recorder::new());
    let mut scheduler = Scheduler::with_clock(VirtualClock::starting_at(started)).expect("a scheduler");
    let hours = Window::each(secs(3600)).aligned().bounds();
    let counts = timed([(10.0, 'a'), (600.0, 'b'), (1200.0, 'c')]).aggregate(hours, Count::new());
    scheduler
        .schedule_recurring(counts.map(|w| format!("{} {} {}", w.start, w.end, w.count)).connect(seen.clone()))
        .expect("a schedule");
    scheduler.run_forever().expect("no fatal error");
    let expected = ["2015-01-01T14:00:00Z 2015-01-01T15:00:00Z 2", "2015-01-01T15:00:00Z 2015-01-01T16:00:00Z 1"];
    assert_eq!(seen.events(), expected);
}

/// What other libraries' marbles say of operators that are called otherwise here.
#[test]
fn f64_the_three_ways_to_thin_out_a_stream() {
    let events = || vec![(1.0, 'a'), (2.0, 'b'), (5.0, 'c'), (9.5, 'd')];
    let throttle_time = run(events(), pipe().pipe(Throttle::leading(secs(3))));
    assert_eq!(throttle_time, "'a'@1 'c'@5 'd'@9.5 |@9.5", "the first of each window, which begins with an event");
    let audit_time = run(events(), pipe().pipe(Throttle::trailing(secs(3))));
    assert_eq!(
        audit_time, "'b'@4 'c'@8 'd'@9.5 |@9.5",
        "the last of each window, at its end; what is held goes out at the end"
    );
    let sample_time = run(events(), pipe().sample_every(secs(3)));
    assert_eq!(sample_time, "'b'@3 'c'@6 'd'@9.5 |@9.5", "on a grid from the start on, whenever events come");
}
