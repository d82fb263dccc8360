//! Readings that are missing: what is filled, what is marked, what is left alone.
#![cfg(feature = "std")]

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_signals::gaps::{Held, Interpolation};
use thingflow_signals::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn reading(millis: i64, val: f64) -> SensorEvent<f64> {
    SensorEvent::new("lux", Timestamp::from_millis(millis), val)
}

fn resampled(readings: &[SensorEvent<f64>], how: Interpolation, longest_gap: Duration) -> Vec<(i64, f64)> {
    let even = from_iter(readings.to_vec()).resample(SECOND, how, longest_gap).collect_now();
    even.iter().map(|event| (event.ts.as_nanos() / 1_000_000, event.val)).collect()
}

#[test]
fn m01_a_gap_that_is_too_long_is_not_filled_not_even_in_part() {
    let readings = [reading(0, 0.0), reading(2_000, 2.0), reading(7_000, 7.0), reading(9_000, 9.0)];
    for how in [Interpolation::Linear, Interpolation::Previous, Interpolation::Cubic] {
        let times: Vec<i64> = resampled(&readings, how, 3 * SECOND).iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [0, 1_000, 2_000, 7_000, 8_000, 9_000], "{how:?}");
        let times: Vec<i64> = resampled(&readings, how, 5 * SECOND).iter().map(|(time, _)| *time).collect();
        assert_eq!(times.len(), 10, "{how:?}: a gap of just the longest length is filled");
    }
}

#[test]
fn m01_nothing_follows_the_last_reading() {
    for how in [Interpolation::Linear, Interpolation::Previous, Interpolation::Cubic] {
        let seen = resampled(&[reading(500, 1.0), reading(2_500, 3.0)], how, 60 * SECOND);
        assert_eq!(seen.iter().map(|(time, _)| *time).collect::<Vec<_>>(), [1_000, 2_000], "{how:?}");
    }
    assert_eq!(resampled(&[reading(1, 1.0)], Interpolation::Cubic, SECOND), []);
    assert_eq!(resampled(&[], Interpolation::Cubic, SECOND), []);
}

#[test]
fn m01_missing_values_and_times_that_do_not_advance_are_left_out() {
    let readings = [
        reading(0, 0.0),
        reading(1_000, f64::NAN),
        reading(1_500, f64::INFINITY),
        reading(2_000, 4.0),
        reading(2_000, 99.0),
        reading(1_000, 99.0),
        reading(4_000, 8.0),
    ];
    let seen = resampled(&readings, Interpolation::Linear, 10 * SECOND);
    assert_eq!(seen, [(0, 0.0), (1_000, 2.0), (2_000, 4.0), (3_000, 6.0), (4_000, 8.0)]);
}

#[test]
fn times_before_1970_and_at_the_ends_of_the_range() {
    let seen = resampled(&[reading(-2_500, -2.5), reading(500, 0.5)], Interpolation::Linear, 10 * SECOND);
    assert_eq!(seen, [(-2_000, -2.0), (-1_000, -1.0), (0, 0.0)]);
    let ends = [i64::MIN, i64::MAX].map(|nanos| SensorEvent::new("lux", Timestamp::from_nanos(nanos), 1.0));
    assert_eq!(resampled(&ends, Interpolation::Linear, 10 * SECOND), []);
}

#[test]
fn m02_a_value_that_is_held_becomes_stale() {
    let seen = Recorder::new();
    let once = interval(10 * SECOND).map(|n| n);
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let shown = once.hold(2 * SECOND, 4 * SECOND).map(|held| (held.age.as_secs(), held.is_stale));
    scheduler.schedule_recurring(shown.connect(seen.clone())).expect("is scheduled");
    scheduler.run_for(19 * SECOND).expect("runs");
    assert_eq!(seen.timed_text(), "(0, false)@10 (2, false)@12 (4, false)@14 (6, true)@16 (8, true)@18");
    let stale = Held { value: 1, age: 9 * SECOND, is_stale: true };
    assert_eq!((stale.fresh(), Held { is_stale: false, ..stale }.fresh()), (None, Some(1)));
}

#[test]
fn a_silence_is_marked_while_it_lasts_and_once() {
    let port = Port::new();
    let seen = Recorder::new();
    port.mark_gaps(2 * SECOND).map(|event: SensorEvent<Option<u64>>| event.val).connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let reads = from_iter([0, 2, 4, 20, 22]).at_times(|secs| Timestamp::from_secs(*secs));
    let reads = reads.map(|secs: i64| SensorEvent::new("lux", Timestamp::from_secs(secs), secs.unsigned_abs()));
    scheduler.schedule_recurring(reads.connect(port)).expect("is scheduled");
    scheduler.run_forever().expect("runs");
    // 3 s after the last reading, not when the next one comes.
    assert_eq!(seen.timed_text(), "Some(0)@0 Some(2)@2 Some(4)@4 None@7 Some(20)@20 Some(22)@22 |@22");
}

/// What [`resample`](DataQuality::resample) says that it does, in the plainest way.
fn naive(readings: &[SensorEvent<f64>], step: i64, longest_gap: i64, how: Interpolation) -> Vec<(i64, f64)> {
    let mut kept: Vec<(i64, f64)> = Vec::new();
    for event in readings.iter().filter(|event| event.val.is_finite()) {
        let nanos = event.ts.as_nanos();
        if kept.last().is_none_or(|(last, _)| nanos > *last) {
            kept.push((nanos, event.val));
        }
    }
    let (Some(first), Some(last)) = (kept.first(), kept.last()) else { return Vec::new() };
    let grid = (first.0.div_euclid(step) - 1..=last.0.div_euclid(step)).map(|n| n * step);
    let at = |time: i64| {
        if let Some((_, value)) = kept.iter().find(|(nanos, _)| *nanos == time) {
            return Some(*value);
        }
        let before = kept.iter().rev().find(|(nanos, _)| *nanos < time)?;
        let after = kept.iter().find(|(nanos, _)| *nanos > time)?;
        let share = (time - before.0) as f64 / (after.0 - before.0) as f64;
        let between = if how == Interpolation::Linear { before.1 + (after.1 - before.1) * share } else { before.1 };
        (after.0 - before.0 <= longest_gap).then_some(between)
    };
    grid.filter_map(|time| at(time).map(|value| (time, value))).collect()
}

proptest! {
    #[test]
    fn resampling_is_what_the_plainest_program_does(
        steps in prop::collection::vec((-2_i64..40, prop_oneof![9 => -100.0..100.0, 1 => Just(f64::NAN)]), 0..40),
        step in 1_i64..12,
        longest_gap in 1_i64..40,
        is_linear: bool,
    ) {
        let how = if is_linear { Interpolation::Linear } else { Interpolation::Previous };
        let mut time = -50;
        let readings: Vec<_> = steps.iter().map(|(ahead, val)| {
            time += ahead;
            SensorEvent::new("lux", Timestamp::from_nanos(time), *val)
        }).collect();
        let nanos = |n: i64| Duration::from_nanos(n.unsigned_abs());
        let seen = from_iter(readings.clone()).resample(nanos(step), how, nanos(longest_gap)).collect_now();
        let expected = naive(&readings, step, longest_gap, how);
        prop_assert_eq!(seen.len(), expected.len());
        for (event, (time, value)) in seen.iter().zip(expected) {
            prop_assert_eq!(event.ts.as_nanos(), time);
            prop_assert!((event.val - value).abs() < 1e-9);
        }
    }

    #[test]
    fn a_monotone_cubic_never_leaves_its_readings(
        steps in prop::collection::vec((1_i64..30, -100.0..100.0_f64), 2..20),
    ) {
        let mut time = 0;
        let readings: Vec<_> = steps.iter().map(|(ahead, val)| {
            time += ahead;
            SensorEvent::new("lux", Timestamp::from_nanos(time), *val)
        }).collect();
        let seen = from_iter(readings.clone())
            .resample(Duration::from_nanos(1), Interpolation::Cubic, Duration::from_nanos(100))
            .collect_now();
        let (first, last) = (readings[0].ts.as_nanos(), time);
        prop_assert_eq!(seen.len() as i64, last - first + 1);
        for pair in readings.windows(2) {
            let inside = seen.iter().filter(|event| (pair[0].ts..=pair[1].ts).contains(&event.ts));
            let (low, high) = (pair[0].val.min(pair[1].val), pair[0].val.max(pair[1].val));
            for event in inside {
                prop_assert!(event.val >= low - 1e-9 && event.val <= high + 1e-9);
            }
        }
    }
}
