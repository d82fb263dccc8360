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
fn m01_values_as_large_and_as_small_as_floats_are() {
    let large = f64::MAX;
    let apart = [reading(0, -large), reading(4_000, large)];
    let seen = resampled(&apart, Interpolation::Linear, 10 * SECOND);
    for ((at, y), (second, share)) in
        seen.iter().zip([(0, -1.0), (1_000, -0.5), (2_000, 0.0), (3_000, 0.5), (4_000, 1.0)])
    {
        assert!(*at == second && (y / large - share).abs() < 1e-15, "{y:e} at {at} ms");
    }
    assert_eq!(resampled(&apart, Interpolation::Previous, 10 * SECOND)[3], (3_000, -large));
    // The shape of a curve does not depend on the unit of its values.
    let curve = [(0, -1.0), (2_000, 1.0), (4_000, 0.75), (8_000, 0.0), (8_001, -0.5), (11_000, -1.0)];
    let in_unit = |unit: f64| {
        let readings = curve.map(|(at, y)| reading(at, y * unit));
        resampled(&readings, Interpolation::Cubic, 10 * SECOND)
    };
    let expected = in_unit(1.0);
    for unit in [f64::MAX, 1e300, 1e200, 1e-160, 1e-200, 1e-290] {
        for (&(at, y), (_, expected)) in in_unit(unit).iter().zip(&expected) {
            assert!(
                (y / unit - expected).abs() < 1e-9,
                "at {at} ms in units of {unit:e}: {} is not {expected}",
                y / unit
            );
        }
    }
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

#[test]
fn m03_by_time_a_gap_is_seen_when_a_reading_or_the_watermark_has_passed_it() -> Result<(), Box<dyn std::error::Error>> {
    let (port, seen) = (Port::new(), Recorder::new());
    port.mark_gaps_by_time(2 * SECOND).map(|event: SensorEvent<Option<u64>>| event.val).connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    let reads = from_iter([0, 2, 4, 20, 22]).at_times(|secs| Timestamp::from_secs(*secs));
    let reads = reads.map(|secs: i64| SensorEvent::new("lux", Timestamp::from_secs(secs), secs.unsigned_abs()));
    scheduler.schedule_recurring(reads.connect(port))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "Some(0)@0 Some(2)@2 Some(4)@4 None@20 Some(20)@20 Some(22)@22 |@22");
    // Held back for an hour, all at once: there is no gap but its own, and it is seen when the watermark passes it.
    let (seen, cx) = (Recorder::new(), &mut Context::detached(Instant::ZERO + 3600 * SECOND));
    let mut chain = pipe()
        .mark_gaps_by_time(2 * SECOND)
        .map(|event| (event.ts.as_nanos() / 1_000_000_000, event.val))
        .to(seen.clone());
    for millis in [0, 2_000, 4_900] {
        let _ = chain.next(reading(millis, 1.0), cx)?;
    }
    for (second, marks) in [(5, 0), (7, 0), (8, 1), (90, 1)] {
        let watermark = Notice::Watermark(Timestamp::from_secs(second));
        let _ = InputThing::<SensorEvent<f64>>::notice(&mut chain, watermark, cx)?;
        let _ = InputThing::<SensorEvent<f64>>::notice(&mut chain, Notice::Wake, cx)?;
        assert_eq!(seen.events().len(), 3 + marks, "at {second} s");
    }
    assert_eq!(seen.events()[3], (6, None));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Readings in any order: one mark for each silence between the latest so far and the next, at any time of arrival.
    #[test]
    fn m03_one_mark_for_each_gap_whatever_the_order(millis in prop::collection::vec(-20_000_i64..20_000, 0..30), pause in 0_u32..20) {
        let (seen, mut expected, mut latest) = (Recorder::new(), Vec::new(), None::<i64>);
        let mut chain = pipe().mark_gaps_by_time(SECOND).map(|event| (event.ts.as_nanos() / 1_000_000, event.val.is_some())).to(seen.clone());
        for (n, at) in (0_u32..).zip(&millis) {
            let now = Instant::ZERO + n * pause * SECOND;
            prop_assert!(InputThing::<SensorEvent<f64>>::notice(&mut chain, Notice::Wake, &mut Context::detached(now)).is_ok());
            prop_assert!(chain.next(reading(*at, 1.0), &mut Context::detached(now)).is_ok());
            expected.extend(latest.filter(|latest| at - latest >= 1_500).map(|latest| (latest + 1_000, false)));
            expected.push((*at, true));
            latest = latest.max(Some(*at));
        }
        prop_assert_eq!(seen.events(), expected);
    }
}

#[test]
fn a_reading_that_is_late_makes_no_gap() {
    for by_time in [false, true] {
        let readings = || from_iter([0, 1_000, 2_000, 1_200, 3_000].map(|millis| reading(millis, 1.0)));
        let stage = || if by_time { pipe().mark_gaps_by_time(SECOND) } else { pipe().mark_gaps(SECOND) };
        assert!(readings().pipe(stage()).collect_now().iter().all(|event| event.val.is_some()), "by time: {by_time}");
    }
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

/// Asserts that no event is earlier than a watermark that was passed on before it, and counts.
#[derive(Default)]
struct Kept {
    watermark: Option<Timestamp>,
    late: Vec<Timestamp>,
    events: usize,
}

impl Kept {
    fn take(&mut self, at: Timestamp) {
        self.events += 1;
        self.late.extend(self.watermark.filter(|watermark| at < *watermark).map(|_| at));
    }
    fn rise(&mut self, to: Timestamp) {
        assert!(self.watermark.is_none_or(|before| before < to), "a watermark rises");
        self.watermark = Some(to);
    }
}

/// The end of a chain of which `Kept` remembers what came.
struct Watched<'k, T>(&'k mut Kept, std::marker::PhantomData<T>);

impl<T> Sink for Watched<'_, SensorEvent<T>> {
    type Event = SensorEvent<T>;
    fn on_next(&mut self, event: SensorEvent<T>, _: &mut Context<'_>) -> Receipt {
        self.0.take(event.ts);
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_watermark(&mut self, watermark: Timestamp, _: &mut Context<'_>) -> Receipt {
        self.0.rise(watermark);
        Ok(Demand::More)
    }
}

/// Readings in order, each with how much time lies before it, and whether the watermark follows it.
fn fed<F: Filter<SensorEvent<f64>, Out = SensorEvent<U>> + 'static, U>(
    stage: F,
    readings: &[(i64, bool)],
    ends: bool,
) -> Kept {
    let mut kept = Kept::default();
    let mut chain = pipe::<SensorEvent<f64>>().pipe(stage).to(Watched(&mut kept, std::marker::PhantomData));
    let mut millis = 0;
    let told = |receipt: Receipt| assert!(receipt.is_ok());
    for (gap, says) in readings {
        millis += gap;
        let cx = &mut Context::detached(Instant::ZERO + Duration::from_millis(millis.unsigned_abs()));
        told(chain.notice(Notice::Wake, cx));
        told(chain.next(reading(millis, 1.0), cx));
        if *says {
            told(chain.notice(Notice::Watermark(Timestamp::from_millis(millis)), cx));
        }
    }
    if ends {
        told(chain.notice(
            Notice::Completed,
            &mut Context::detached(Instant::ZERO + Duration::from_millis(millis.unsigned_abs())),
        ));
    }
    drop(chain);
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn e02_no_value_of_a_gap_is_behind_a_watermark(
        readings in prop::collection::vec((1_i64..9_000, any::<bool>()), 1..40),
        ends in any::<bool>(),
    ) {
        for how in [Interpolation::Linear, Interpolation::Previous, Interpolation::Cubic] {
            let stage = || pipe().resample(SECOND, how, 4 * SECOND);
            let kept = fed(stage(), &readings, ends);
            prop_assert_eq!(&kept.late, &[], "{:?}", how);
            // A watermark sends nothing that would not have come anyway.
            let all: Vec<_> = readings.iter().map(|(gap, _)| (*gap, false)).collect();
            if ends {
                prop_assert_eq!(kept.events, fed(stage(), &all, true).events, "{:?}", how);
            }
        }
        prop_assert_eq!(fed(pipe().mark_gaps(2 * SECOND), &readings, ends).late, []);
        prop_assert_eq!(fed(pipe().mark_gaps_by_time(2 * SECOND), &readings, ends).late, []);
    }
}

#[test]
fn e02_a_watermark_is_held_back_no_longer_than_a_value_may_follow() {
    let last = |how, readings: &[(i64, bool)]| fed(pipe().resample(SECOND, how, 4 * SECOND), readings, false).watermark;
    let seconds = |seconds| Some(Timestamp::from_secs(seconds));
    for (how, first) in [(Interpolation::Linear, 3), (Interpolation::Previous, 3), (Interpolation::Cubic, 2)] {
        assert_eq!(last(how, &[(1_000, true), (1_500, true)]), seconds(first).min(Some(Timestamp::from_millis(2_500))));
    }
    // The silence is too long to be filled.
    let mut kept = Kept::default();
    let mut chain = pipe::<SensorEvent<f64>>()
        .resample(SECOND, Interpolation::Cubic, 4 * SECOND)
        .to(Watched(&mut kept, std::marker::PhantomData));
    let cx = &mut Context::detached(Instant::ZERO);
    for millis in [1_000, 2_500] {
        assert!(chain.next(reading(millis, 1.0), cx).is_ok());
    }
    let silent = Notice::Watermark(Timestamp::from_secs(7));
    assert!(InputThing::<SensorEvent<f64>>::notice(&mut chain, silent, cx).is_ok());
    drop(chain);
    assert_eq!((kept.watermark, kept.events, kept.late), (seconds(7), 2, vec![]));
}

/// A minute of event time has all of its seconds, although the watermark leaves it before the next reading is there.
#[test]
fn e02_windows_behind_a_grid_are_whole() -> Result<(), FatalError> {
    let (raw, counts, late) = (Port::new(), Recorder::new(), Recorder::new());
    let time = |event: &SensorEvent<f64>| event.ts;
    let marked = raw.watermarks(time, 2 * SECOND).share();
    let minute = Window::event_time(60 * SECOND, time).late_to(late.clone());
    thingflow_core::joins::merge_by_time(vec![&marked], time, Limit::drop_oldest(100))
        .by_watermarks()
        .resample(SECOND, Interpolation::Linear, 30 * SECOND)
        .aggregate(minute, thingflow_core::windows::Count::new())
        .map(|event| event.val.value)
        .connect(counts.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    for n in 0..40 {
        let _ = raw.emit(reading(n * 10_000 + 3_000, 1.0), cx)?;
    }
    raw.complete(cx)?;
    assert_eq!(counts.events(), [57, 60, 60, 60, 60, 60, 34]);
    assert_eq!(late.events().len(), 0);
    Ok(())
}
