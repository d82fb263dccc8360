//! Windows by the time that stands in the events: watermarks, late and future events, idle inputs, corrections.
#![cfg(feature = "std")]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::{Calendar, Count, Mean, Pane, Parts, Sum, Summary, UtcMonths, Windowed};
use thingflow_core::{VirtualClock, joins};

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// The time of an event that is its own second.
fn own(second: &i64) -> Timestamp {
    at(*second)
}

/// The values of a window, in the order in which they came.
#[derive(Clone, Default)]
struct All;

impl Summary<i64> for All {
    type Part = ([i64; 12], u64);
    type Out = Vec<i64>;
    fn part(&self, value: &i64) -> Option<Self::Part> {
        let mut row = [0; 12];
        row[0] = *value;
        Some((row, 1))
    }
    fn join(&self, (mut a, n): Self::Part, (b, m): Self::Part) -> Self::Part {
        a[n as usize..(n + m) as usize].copy_from_slice(&b[..m as usize]);
        (a, n + m)
    }
    fn value(&self, (row, n): Self::Part) -> Option<Vec<i64>> {
        Some(row[..n as usize].to_vec())
    }
}

type Values = Parts<i64, thingflow_core::storage::OnHeap, All>;

/// A window in short: its first and its last second, its values.
fn short(window: &Windowed<Vec<i64>>) -> (i64, i64, Vec<i64>) {
    let second = |at: Timestamp| at.as_nanos() / 1_000_000_000;
    (second(window.start), second(window.end) - 1, window.value.clone())
}

/// A window in short, and what its result says of it.
type Shown = (i64, i64, Vec<i64>, Pane);

/// What comes to a chain, in the manner of Beam's transcripts.
enum Step {
    Input(&'static [i64]),
    Watermark(i64),
    Early,
}

/// What comes out after each step.
fn transcript<F>(window: F, steps: &[Step]) -> Vec<Vec<Shown>>
where
    F: Filter<i64, Out = Windowed<Vec<i64>>> + 'static,
{
    let seen = Recorder::new();
    let mut chain = pipe().pipe(window).to(seen.clone());
    let mut came = 0;
    let mut out = Vec::new();
    for (now, step) in steps.iter().enumerate() {
        let cx = &mut Context::detached(Instant::ZERO + secs(now as u64));
        match step {
            Step::Input(events) => events.iter().for_each(|event| assert!(chain.next(*event, cx).is_ok())),
            Step::Watermark(second) => assert!(chain.notice(Notice::Watermark(at(*second)), cx).is_ok()),
            Step::Early => assert!(chain.notice(Notice::Wake, cx).is_ok()),
        }
        let events: Vec<Windowed<Vec<i64>>> = seen.events();
        out.push(
            events[came..]
                .iter()
                .map(|w| {
                    let (a, b, c) = short(w);
                    (a, b, c, w.pane)
                })
                .collect(),
        );
        came = events.len();
    }
    out
}

use thingflow_core::windows::{Assigner, EventWindow, Periods};

fn tens() -> EventWindow<i64, fn(&i64) -> Timestamp, Periods> {
    Window::event_time(secs(10), own as fn(&i64) -> Timestamp)
}

fn values<W: Assigner<i64, thingflow_core::windows::Values<Values>>>(
    window: W,
) -> impl Filter<i64, Out = <W::Filter as Filter<i64>>::Out>
where
    W::Filter: 'static,
{
    pipe::<i64>().aggregate(window, Values::new())
}

#[test]
fn e10_fixed_windows_of_beam() {
    use Step::{Input, Watermark};
    let out = transcript(values(tens()), &[Input(&[1, 2, 3, 10, 11]), Watermark(25)]);
    let expected = [(0, 9, vec![1, 2, 3], Pane::Final), (10, 19, vec![10, 11], Pane::Final)];
    assert_eq!(out[1], expected);
    // What is behind the watermark already, and its window is not: it is no late event.
    let out = transcript(values(tens()), &[Watermark(5), Input(&[2, 3, 7, 8]), Watermark(11)]);
    assert_eq!(out[2], [(0, 9, vec![2, 3, 7, 8], Pane::Final)]);
}

#[test]
fn e10_late_data_of_beam_is_a_correction() {
    use Step::{Input, Watermark};
    let steps = [Input(&[1, 2, 3, 10, 11, 25]), Watermark(100), Input(&[7])];
    let out = transcript(values(tens().corrections(secs(1000))), &steps);
    assert_eq!(out[1].len(), 3);
    assert_eq!(out[2], [(0, 9, vec![1, 2, 3, 7], Pane::Correction)]);
    assert_eq!(transcript(values(tens()), &steps)[2], []); // unless it is asked for
}

#[test]
fn e10_early_results_of_beam() {
    use Step::{Early, Input, Watermark};
    // By the clock, where Beam counts events; and each result has all values, as with its accumulating mode.
    let steps = [Input(&[1, 2, 3]), Early, Input(&[4]), Input(&[14]), Early, Early, Input(&[5]), Watermark(100)];
    let out = transcript(values(tens().early(secs(1))), &steps);
    assert_eq!(out[1], [(0, 9, vec![1, 2, 3], Pane::Early)]);
    assert_eq!(out[4], [(0, 9, vec![1, 2, 3, 4], Pane::Early), (10, 19, vec![14], Pane::Early)]);
    assert_eq!(out[5], []); // nothing new
    assert_eq!(out[7], [(0, 9, vec![1, 2, 3, 4, 5], Pane::Final), (10, 19, vec![14], Pane::Final)]);
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
}
