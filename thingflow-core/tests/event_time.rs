//! Windows by the time that stands in the events: watermarks, late and future events, idle inputs, corrections.
#![cfg(feature = "std")]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::{
    Calendar, Count, First, InOrder, Increase, Mean, Pane, Parts, Sum, Summary, UtcMonths, Windowed,
};
use thingflow_core::{StateVisitor, VirtualClock, joins};

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

use thingflow_core::windows::{Assigner, DistinctList, EventWindow, List, Periods, Sessions};

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

fn sessions() -> EventWindow<i64, fn(&i64) -> Timestamp, Sessions> {
    Window::session(secs(10), own as fn(&i64) -> Timestamp)
}

#[test]
fn e10_early_and_late_sessions_of_beam() {
    use Step::{Early, Input, Watermark};
    // By the clock, where Beam counts events; its late result after three late events is one for each of them.
    let steps =
        [Input(&[1, 2, 3]), Early, Input(&[4, 5]), Early, Input(&[6]), Watermark(100), Input(&[1]), Input(&[3, 4])];
    let out = transcript(values(sessions().early(secs(1)).corrections(secs(1000))), &steps);
    assert_eq!(out[1], [(1, 12, vec![1, 2, 3], Pane::Early)]);
    assert_eq!(out[3], [(1, 14, vec![1, 2, 3, 4, 5], Pane::Early)]);
    assert_eq!(out[5], [(1, 15, vec![1, 2, 3, 4, 5, 6], Pane::Final)]);
    assert_eq!(out[6], [(1, 15, vec![1, 2, 3, 4, 5, 6, 1], Pane::Correction)]);
    assert_eq!(out[7][1], (1, 15, vec![1, 2, 3, 4, 5, 6, 1, 3, 4], Pane::Correction));
}

#[test]
fn sessions_are_one_when_an_event_comes_between_them() {
    use Step::{Input, Watermark};
    let out = transcript(values(sessions()), &[Input(&[1, 12]), Input(&[8]), Watermark(21), Watermark(22)]);
    assert_eq!((out[2].len(), &out[3][..]), (0, &[(1, 21, vec![1, 12, 8], Pane::Final)][..]));
    // An event at the end of the gap is the first of another one.
    let out = transcript(values(sessions()), &[Input(&[1, 11]), Watermark(50)]);
    assert_eq!(out[1], [(1, 10, vec![1], Pane::Final), (11, 20, vec![11], Pane::Final)]);
    // Late by the watermark, but the session that it belongs to goes on.
    let out = transcript(values(sessions()), &[Input(&[1, 9]), Watermark(15), Input(&[2]), Watermark(50)]);
    assert_eq!(out[3], [(1, 18, vec![1, 9, 2], Pane::Final)]);
    // What was sent is corrected when it becomes a part of a longer one.
    let kept = || values(sessions().corrections(secs(30)));
    let out =
        transcript(kept(), &[Input(&[1]), Watermark(15), Input(&[9]), Watermark(19), Input(&[40]), Watermark(50)]);
    assert_eq!((&out[1][..], out[2].len()), (&[(1, 10, vec![1], Pane::Final)][..], 0));
    assert_eq!(out[3], [(1, 18, vec![1, 9], Pane::Correction)]);
    assert_eq!(out[5], [(40, 49, vec![40], Pane::Final)]);
}

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

/// Saves what it is shown, or restores it.
#[derive(Default)]
struct State(Vec<u64>, Option<usize>);

impl StateVisitor for State {
    fn integer(&mut self, _: &str, value: &mut u64) {
        match &mut self.1 {
            None => self.0.push(*value),
            Some(at) => {
                *value = self.0.get(*at).copied().unwrap_or_default();
                *at += 1;
            }
        }
    }
    fn float(&mut self, name: &str, value: &mut f64) {
        let mut bits = value.to_bits();
        self.integer(name, &mut bits);
        *value = f64::from_bits(bits);
    }
}

/// What a chain sends if it is taken apart in the middle, and built again from what was saved.
fn saved<F: Filter<i64, Out: Clone + 'static> + 'static>(make: impl Fn() -> F, e: &[i64], at: usize) -> Vec<F::Out> {
    let (seen, mut saved) = (Recorder::new(), State::default());
    let (before, after) = e.split_at(at.min(e.len()));
    let cx = &mut Context::detached(Instant::ZERO);
    for (part, last) in [(before, false), (after, true)] {
        let mut chain = pipe().watermarks(own, secs(5)).pipe(make()).to(seen.clone());
        if last {
            saved.1 = Some(0);
            assert!(chain.notice(Notice::State(&mut saved), cx).is_ok());
        }
        part.iter().for_each(|second| assert!(chain.next(*second, cx).is_ok()));
        let end = if last { Notice::Completed } else { Notice::State(&mut saved) };
        assert!(chain.notice(end, cx).is_ok());
    }
    seen.events()
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
    let (seen, mut state) = (Recorder::new(), State::default());
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
        let mut forged = State(state, Some(0));
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
