//! Whatever comes in whatever order: against naive models, over restarts, with forged states and lengths at both ends.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::joins;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{Count, First, InOrder, Increase, Mean, Pane, Sum, UtcMonths};

use super::given::Given;
use super::{at, own, saved, secs, sessions, tens};

/// The sessions of sorted times: their ends, starts, keys and numbers of events, in the order of the ends.
fn sessions_of(sorted: &[i64], keys: i64) -> Vec<(Timestamp, Timestamp, i64, u64)> {
    let mut sessions: Vec<(i64, i64, i64, u64)> = Vec::new();
    for &t in sorted {
        match sessions.iter_mut().find(|s| s.2 == t % keys && t < s.0) {
            Some(session) => (session.0, session.3) = (t + 10, session.3 + 1),
            None => sessions.push((t + 10, t, t % keys, 1)),
        }
    }
    sessions.sort_unstable();
    sessions.into_iter().map(|(end, start, key, n)| (at(end), at(start), key, n)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each event is in all of its windows or is late; windows come in the order of their ends; whatever the order of arrival,
    /// all that is within the lateness counts.
    #[test]
    fn windows_against_a_naive_model(e in prop::collection::vec(-20_i64..60, 0..60), lateness in 0_u64..70, overlap in prop::bool::ANY) {
        let (meter, late) = (QueueMeter::default(), Recorder::new());
        let window = Window::event_time(secs(10), own as fn(&i64) -> Timestamp).metered(&meter).late_to(late.clone());
        let step = if overlap { 5 } else { 10 };
        let seen = from_iter(e.clone()).watermarks(own, secs(lateness)).aggregate(window.every(secs(step)), Count::new()).collect_now();
        let ends: Vec<_> = seen.iter().map(|w| w.end).collect();
        prop_assert!(ends.windows(2).all(|two| two[0] < two[1]));

        let (mut counts, mut latest, mut lost) = (BTreeMap::<i64, u64>::new(), i64::MIN, Vec::new());
        let step = step as i64;
        for t in &e {
            let starts: Vec<i64> = (0..10 / step).map(|n| t.div_euclid(step) * step - n * step).collect();
            let watermark = latest.saturating_sub(lateness as i64);
            if latest > i64::MIN && starts.iter().any(|start| start + 10 <= watermark) {
                lost.push(*t);
            } else {
                starts.iter().for_each(|start| *counts.entry(*start).or_default() += 1);
            }
            latest = latest.max(*t);
        }
        let seen: Vec<_> = seen.iter().map(|w| (w.start.as_nanos() / 1_000_000_000, w.value)).collect();
        prop_assert_eq!(seen, counts.into_iter().collect::<Vec<_>>());
        prop_assert_eq!((late.events(), meter.stats().dropped), (lost.clone(), lost.len() as u64));
    }

    /// Whatever comes late and makes one session of two, before a restart or after it: results, early results and corrections are those of
    /// a run that was never interrupted.
    #[test]
    fn sessions_with_corrections_go_on_after_a_restart(e in prop::collection::vec(0_i64..120, 0..40), cut in 0_usize..40, keys in 1_i64..3) {
        let window = move || sessions().by_saved_key(move |second| second % keys).corrections(secs(40));
        let all = (Sum::new(), Mean::new(), InOrder::by(|second: &i64| *second, First::new()));
        let make = || pipe::<i64>().aggregate(window(), all.clone()).map(|w| (w.start, w.end, w.count, w.pane, w.value));
        prop_assert_eq!(saved(make, &e, cut), saved(make, &e, 0));
    }

    /// Whatever comes late, and over a restart: early results of a window come before its final one, corrections after it, each of more
    /// events than the one before, and the last of them counts all that was not late.
    #[test]
    fn results_of_a_window_grow_to_all_that_was_not_late(
        e in prop::collection::vec(0_i64..100, 0..50), overlap in prop::bool::ANY, kept in prop::sample::select(vec![0, 5, 30, 1000]),
        early in prop::option::of(1_u64..20), cut in 0_usize..50,
    ) {
        let (late, step) = (Recorder::new(), if overlap { 5 } else { 10 });
        let make = || {
            let window = Window::event_time(secs(10), own as fn(&i64) -> Timestamp).every(secs(step));
            let window = window.by_saved_key(|second| second % 3).corrections(secs(kept)).late_to(late.clone());
            let window = match early {
                Some(every) => window.early(secs(every)),
                None => window,
            };
            pipe::<i64>().aggregate(window, (First::new(), Count::new())).map(|w| (w.start, w.value.0 % 3, w.pane, w.value.1))
        };
        let mut windows = BTreeMap::<_, Vec<_>>::new();
        for (start, key, pane, count) in saved(make, &e, cut) {
            windows.entry((start.as_nanos() / 1_000_000_000, key)).or_default().push((pane, count));
        }
        let mut in_time = e.clone();
        for late in late.events() {
            in_time.swap_remove(in_time.iter().position(|second| *second == late).expect("what is late has come"));
        }
        for ((start, key), results) in &windows {
            // All events of a window may have come after its end: then there are corrections only.
            let of = |wanted: Pane| results.iter().filter(|(pane, _)| *pane == wanted).count();
            let first = usize::from(of(Pane::Correction) == results.len());
            prop_assert!(of(Pane::Final) + first == 1 && results.is_sorted_by_key(|(pane, _)| *pane as u8), "{results:?}");
            let grows = |two: &[(Pane, u64)]| two[0].1 < two[1].1 || two[0].0 == Pane::Early && two[0].1 == two[1].1;
            prop_assert!(results.windows(2).all(grows), "{results:?}");
            let count = in_time.iter().filter(|second| *second % 3 == *key && (*start..start + 10).contains(second)).count();
            prop_assert_eq!(results.last().map(|last| last.1), Some(count as u64));
        }
        for second in in_time {
            prop_assert!(windows.keys().any(|(start, key)| second % 3 == *key && (*start..start + 10).contains(&second)));
        }
    }

    /// Whatever comes late: a correction takes the place of the results of its key that lie within its window, and what is left are the
    /// sessions of the sorted times.
    #[test]
    fn a_correction_replaces_the_sessions_that_lie_within_it(mut e in prop::collection::vec(0_i64..120, 0..40), keys in 1_i64..3) {
        let window = sessions().by_saved_key(move |second| second % keys).corrections(secs(1000));
        let results = from_iter(e.clone()).watermarks(own, secs(0)).aggregate(window, (First::new(), Count::new())).collect_now();
        let mut seen: Vec<(Timestamp, Timestamp, i64, u64)> = Vec::new(); // end, start, key, count
        for w in results {
            let (first, count) = w.value;
            let replaced = |s: &(Timestamp, Timestamp, i64, u64)| s.2 == first % keys && w.start <= s.1 && s.0 <= w.end;
            prop_assert!(w.pane == Pane::Correction || !seen.iter().any(replaced));
            seen.retain(|s| !replaced(s));
            seen.push((w.end, w.start, first % keys, count));
        }
        e.sort_unstable();
        seen.sort_unstable();
        prop_assert_eq!(seen, sessions_of(&e, keys));
    }

    /// Whatever the order of arrival, a counter in a window is read in the order of its times.
    #[test]
    fn counters_in_any_order(rises in prop::collection::vec(0_u32..9, 2..30), order in prop::collection::vec(any::<u32>(), 30)) {
        let counts = rises.iter().scan(0, |sum, rise| { *sum = (*sum + rise) % 40; Some(*sum) }); // it is reset now and then
        let sorted: Vec<_> = (0..).map(at).zip(counts).collect();
        let mut shuffled: Vec<_> = sorted.iter().zip(&order).collect();
        shuffled.sort_by_key(|(_, place)| **place);
        let time = |(time, _): &(Timestamp, u32)| *time;
        let window = Window::event_time(secs(100), time);
        let came = from_iter(shuffled.into_iter().map(|(row, _)| *row)).watermarks(time, secs(100));
        let seen = came.aggregate(window, InOrder::by(time, Increase::new())).map(|w| w.value).collect_now();
        let in_order = from_iter(sorted).aggregate(Window::cumulative(), Increase::new()).collect_now();
        prop_assert_eq!(seen.last(), in_order.last());
    }

    /// Whatever the order of arrival within the lateness, the sessions are those of the sorted times, of each key on its own.
    #[test]
    fn sessions_against_a_naive_model(mut e in prop::collection::vec(0_i64..200, 0..60), keys in 1_i64..4) {
        let window = sessions().by_saved_key(move |second| second % keys);
        let seen = from_iter(e.clone()).watermarks(own, secs(200)).aggregate(window, Count::new()).collect_now();
        e.sort_unstable();
        let seen: Vec<_> = seen.iter().map(|w| (w.end, w.start, w.value)).collect();
        prop_assert_eq!(seen, sessions_of(&e, keys).into_iter().map(|(end, start, _, n)| (end, start, n)).collect::<Vec<_>>());
    }

    /// A chain that is saved in the middle and restored sends what one sends that goes on.
    #[test]
    fn state_of_windows_by_event_time(e in prop::collection::vec(-20_i64..90, 0..40), cut in 0_usize..40) {
        let make = || pipe::<i64>().aggregate(tens().every(secs(5)).by_saved_key(|second| second % 3), (Sum::new(), Count::new()));
        let seen = Recorder::new();
        prop_assert!(pipe().watermarks(own, secs(5)).pipe(make()).to(seen.clone()).feed(e.clone()).is_ok());
        prop_assert_eq!(saved(make, &e, cut), seen.events());
        let make = || pipe::<i64>().aggregate(sessions().corrections(secs(20)), (Sum::new(), Count::new()));
        let seen = Recorder::new();
        prop_assert!(pipe().watermarks(own, secs(5)).pipe(make()).to(seen.clone()).feed(e.clone()).is_ok());
        prop_assert_eq!(saved(make, &e, cut), seen.events());
    }

    /// Whatever a state says, nothing panics, and nothing takes for ever.
    #[test]
    fn e05_forged_windows_by_event_time(state in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..9], 60), e in prop::collection::vec(-20_i64..90, 0..20)) {
        let mut forged = Given(state.into_iter().chain(std::iter::repeat(0)));
        let mut chain = pipe().aggregate(sessions().by_saved_key(|second: &i64| second % 3), (Sum::new(), Count::new())).to(Recorder::new());
        let cx = &mut Context::detached(Instant::ZERO);
        prop_assert!(chain.notice(Notice::State(&mut forged), cx).is_ok());
        prop_assert!(e.iter().all(|second| chain.next(*second, cx).is_ok()));
        prop_assert!(chain.notice(Notice::Watermark(at(50)), cx).is_ok());
        prop_assert!(chain.notice(Notice::Completed, cx).is_ok());
    }
}

/// Every window and join by time with lengths of one nanosecond and of all the time there is, over times at both ends of their range.
#[test]
fn lengths_of_time_at_both_ends_of_their_range() {
    fn fed<F: Filter<i64, Out: Clone + 'static>>(name: &str, stage: Pipe<i64, F>) -> usize {
        let seen = Recorder::new();
        let mut chain = stage.to(seen.clone());
        let times = [0, i64::MIN, i64::MAX, 1, 1, -1, i64::MAX - 1, i64::MIN + 1];
        for (now, time) in [0, 1, u64::MAX / 4, 5, u64::MAX / 2].into_iter().cycle().zip(times.iter().chain(&times)) {
            let cx = &mut Context::detached(Instant::from_nanos(now));
            let watermark = Notice::Watermark(Timestamp::from_nanos(time.saturating_sub(1)));
            let woken = chain.notice(Notice::Wake, cx).unwrap_or_else(|error| panic!("{name}: {error}"));
            if woken == Demand::Done
                || chain.next(*time, cx).unwrap_or_else(|error| panic!("{name}: {error}")) == Demand::Done
            {
                return 0;
            }
            assert!(chain.notice(watermark, cx).is_ok(), "{name}");
        }
        assert!(chain.notice(Notice::Completed, &mut Context::detached(Instant::ZERO)).is_ok());
        seen.events().len()
    }
    let nanos = |nanos: &i64| Timestamp::from_nanos(*nanos);
    let counts = Count::new;
    for length in [Duration::from_nanos(1), secs(3600), Duration::from_nanos(u64::MAX), Duration::MAX] {
        let name = format!("{length:?}");
        let p = pipe::<i64>;
        fed(&name, p().aggregate(Window::event_time(length, nanos), counts()));
        fed(
            &name,
            p().aggregate(Window::event_time(length, nanos).every(length).corrections(length).early(length), counts()),
        );
        fed(&name, p().aggregate(Window::session(length, nanos), counts()));
        fed(&name, p().aggregate(Window::session(length, nanos).corrections(length), counts()));
        fed(&name, p().aggregate(Window::each(length), counts()));
        fed(&name, p().aggregate(Window::each(length).aligned().send_empty().bounds(), counts()));
        fed(&name, p().aggregate(Window::each(length).from_start().by_key(2, |n| n % 3), counts()));
        fed(&name, p().aggregate(Window::last(length, Limit::drop_oldest(9)).bounds(), counts()));
        fed(&name, p().watermarks(nanos, length).aggregate(Window::event_time(length, nanos), counts()));
        fed(&name, p().watermarks_or_idle(nanos, length, length));
        fed(&name, p().delay(length, Limit::drop_oldest(9)));
        fed(&name, p().throttle(length));
        fed(&name, p().debounce(length));
        fed(&name, p().timeout(length));
        fed(&name, p().heartbeat(length));
        fed(&name, p().sample_every(length));
        fed(&name, p().pace(length, Limit::drop_oldest(9)));
        fed(&name, p().chunks_within(3, length));
        let sensed = |n: i64| SensorEvent::new("t", Timestamp::from_nanos(n), n as f64);
        fed(&name, p().map(sensed).ewma_by_time(length, |e| e.ts));
        fed(&name, p().map(sensed).ewma_by_time_corrected(length, |e| e.ts));
        let (a, b, cx) = (Port::new(), Port::new(), &mut Context::detached(Instant::ZERO));
        let reach = joins::Reach::new(length, length);
        let marked = |port: &Port<i64>| port.watermarks(nanos, length);
        marked(&a).interval_join(marked(&b), reach, (nanos, nanos), Limit::drop_oldest(9)).for_each(drop);
        marked(&a).with_latest_at(marked(&b), length, (nanos, nanos), Limit::drop_oldest(9)).for_each(drop);
        for time in [0, i64::MIN, i64::MAX, 1, i64::MIN] {
            assert!(a.emit(time, cx).is_ok() && b.emit(time.saturating_add(1), cx).is_ok());
        }
    }
    let months = fed("months", pipe().aggregate(Window::calendar(UtcMonths, nanos), counts()));
    assert!(months > 0);
}
