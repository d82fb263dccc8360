//! Windows and times that go on where they were, to the last digit.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::{Aggregate, Count, Describe, ExactMean, ExactSum, Pane, Sum, Variance};
use thingflow_core::{Notice, SavedState, VirtualClock, joins};

use super::SECOND;

#[test]
fn windows_of_keys_that_cannot_be_saved_are_named() -> Result<(), Box<dyn std::error::Error>> {
    let (mut levels, cx) = (Port::new(), &mut Context::detached(Instant::ZERO));
    let minutes = Window::event_time(60 * SECOND, |n: &i64| Timestamp::from_secs(*n)).by_key(|n| n % 2);
    levels.aggregate(minutes, Count::new()).for_each(drop);
    assert!(SavedState::of(&mut levels, cx)?.unsaved().is_empty());
    levels.emit(1, cx)?;
    assert!(SavedState::of(&mut levels, cx)?.unsaved().contains("windows by key"));
    Ok(())
}

type Event = SensorEvent<f64>;

/// What one graph sends, what two send of which the second goes on with the state of the first, and what of that was not saved.
type Compared<T> = (Vec<T>, Vec<T>, BTreeSet<String>);

/// Lets the events of `rows`, which come at the seconds that they carry, through one graph, and through two.
fn in_two<T: Clone + Debug + 'static>(
    connect: impl Fn(&Port<Event>, Recorder<T>),
    rows: &[(f64, f64)],
    until: f64,
) -> Result<Compared<T>, Box<dyn std::error::Error>> {
    let run = |from: f64, to: f64, saved: Option<SavedState>| -> Result<_, Box<dyn std::error::Error>> {
        let (mut input, seen) = (Port::new(), Recorder::new());
        connect(&input, seen.clone());
        let begin = Timestamp::UNIX_EPOCH + Duration::from_secs_f64(from);
        let mut scheduler = Scheduler::with_clock(VirtualClock::starting_at(begin))?;
        if let Some(saved) = saved {
            scheduler.with_context(|cx| Ok(saved.restore(&mut input, cx)))??;
        }
        let rows = rows.iter().filter(|(at, _)| (from..to).contains(at));
        let events = rows.map(|&(at, value)| (at - from, SensorEvent::new("t", stamp_of(value), value)));
        scheduler.schedule_recurring(
            timed(events.chain([(1e6, SensorEvent::new("t", stamp_of(1e6), 0.0))]).collect::<Vec<_>>())
                .connect(input.clone()),
        )?;
        scheduler.run_for(Duration::from_secs_f64(to - from))?;
        let saved = scheduler.with_context(|cx| SavedState::of(&mut input, cx))?;
        Ok((seen.events(), saved))
    };
    let (whole, _) = run(0.0, 1_000.0, None)?;
    let (first, saved) = run(0.0, until, None)?;
    let unsaved = saved.unsaved().clone();
    let (second, _) = run(until, 1_000.0, Some(SavedState::from_words(saved.into_words())?))?;
    Ok((whole, [first, second].concat(), unsaved))
}

fn stamp_of(second: f64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs_f64(second)
}

#[test]
fn early_results_keep_their_times_over_a_restart() -> Result<(), Box<dyn std::error::Error>> {
    let connect = |input: &Port<Event>, seen: Recorder<(Timestamp, u64, Pane)>| {
        let windows = Window::event_time(60 * SECOND, |event: &Event| event.ts).early(20 * SECOND);
        let early = input.watermarks(|event| event.ts, 5 * SECOND).aggregate(windows, Count::new());
        early.timestamp().map(|(now, event)| (now, event.val.value, event.val.pane)).connect(seen);
    };
    let rows = [1.0, 8.0, 15.0, 24.0, 30.0, 70.0].map(|second| (second, second));
    let (whole, parts, unsaved) = in_two(connect, &rows, 16.0)?;
    assert_eq!(whole[0], (stamp_of(21.0), 3, Pane::Early));
    assert_eq!(parts, whole);
    assert!(unsaved.is_empty());
    Ok(())
}

#[test]
fn sensor_events_that_wait_to_be_put_in_order_are_saved() -> Result<(), Box<dyn std::error::Error>> {
    let connect = |input: &Port<Event>, seen: Recorder<Event>| {
        let marked = input.watermarks(|event| event.ts, 10 * SECOND);
        joins::merge_by_time([marked], |event: &Event| event.ts, Limit::drop_oldest(9))
            .by_watermarks()
            .saving()
            .connect(seen);
    };
    let rows = [(5.0, 5.0), (6.0, 2.0), (7.0, 7.0), (8.0, 3.0), (30.0, 30.0), (50.0, 50.0)];
    let (whole, parts, unsaved) = in_two(connect, &rows, 7.5)?;
    assert_eq!(whole.iter().map(|event| event.val).collect::<Vec<_>>(), [2.0, 3.0, 5.0, 7.0, 30.0]);
    assert_eq!(parts, whole);
    assert!(unsaved.is_empty());
    Ok(())
}

#[test]
fn a_sensor_with_a_long_name_keeps_it_over_a_restart() -> Result<(), Box<dyn std::error::Error>> {
    let make = || pipe().aggregate(Window::tumbling(2), Sum::new());
    let last = |name: &'static str| -> Result<String, Box<dyn std::error::Error>> {
        let (seen, cx) = (Recorder::new(), &mut Context::detached(Instant::ZERO));
        let (mut before, mut after) = (make().to(call(drop)), make().to(seen.clone()));
        before.next(SensorEvent::new(name, stamp_of(1.0), 2.0), cx)?;
        SavedState::of(&mut before, cx)?.restore(&mut after, cx)?;
        InputThing::<Event>::notice(&mut after, Notice::Completed, cx)?;
        let [event] = &seen.events()[..] else { return Err("one window".into()) };
        assert_eq!(event.val, 2.0);
        Ok(event.sensor_id.to_string())
    };
    for length in [0, 1, 7, 8, 255, 256, 257, 2048, 2049, 100_000] {
        let name: &'static str = "ü123-567".repeat(length).leak();
        let name = name.get(..length).unwrap_or(name);
        assert_eq!(last(name)?, name);
    }
    let endless: &'static str = "x".repeat(SensorId::MAX_NAME_BYTES + 1).leak();
    let refused = last(endless).expect_err("as many bytes of names are kept as from files");
    assert!(refused.to_string().starts_with("invalid state: "), "{refused}");
    Ok(())
}

#[test]
fn a_window_of_time_goes_on_with_the_last_digit_as_it_was() -> Result<(), Box<dyn std::error::Error>> {
    let connect = |input: &Port<Event>, seen: Recorder<String>| {
        let windows = Window::event_time(60 * SECOND, |event: &Event| event.ts);
        let marked = input.watermarks(|event| event.ts, SECOND);
        marked
            .aggregate(windows, (Variance::new(), Describe::new()))
            .map(|event| format!("{:?}", event.val))
            .connect(seen);
    };
    let rows: Vec<_> = (0..50).map(|n| f64::from(n * n % 37).mul_add(0.013, f64::from(n))).map(|x| (x, x)).collect();
    for until in 1..50 {
        let (whole, parts, _) = in_two(connect, &rows, f64::from(until) + 0.5)?;
        assert_eq!(parts, whole, "{until}");
    }
    Ok(())
}

/// Windows that overlap add up anew what they hold when they are saved: exact sums show nothing of it.
#[test]
fn exact_sums_of_windows_that_overlap_go_on_to_the_last_digit() -> Result<(), Box<dyn std::error::Error>> {
    let connect = |input: &Port<Event>, seen: Recorder<String>| {
        let sizes = [0.1, 1e16, -3e-9, 7e8];
        let sized = move || pipe().map(move |event: Event| event.map(|n| n * sizes[n as usize % 4]));
        let exact = || (ExactSum::new(), ExactMean::new());
        let by_number = sized().aggregate(Window::sliding(7), exact());
        input.pipe(by_number).map(|event| format!("{:?}", event.val)).connect(seen.clone());
        let by_time = sized().aggregate(Window::last(9 * SECOND, Limit::drop_oldest(99)), exact());
        input.pipe(by_time).map(|event| format!("{:?}", event.val)).connect(seen);
    };
    let rows: Vec<_> = (1..40).map(|n| (f64::from(n), f64::from(n * n % 37))).collect();
    for until in 1..40 {
        let (whole, parts, unsaved) = in_two(connect, &rows, f64::from(until) + 0.5)?;
        assert!(parts == whole && unsaved.is_empty(), "{until}: {parts:?} is not {whole:?}");
    }
    Ok(())
}

/// The sum of the squares, which its author has not thought of saving.
#[derive(Clone, Default)]
struct Squares(f64);

impl Aggregate<f64> for Squares {
    type Out = f64;
    fn add(&mut self, value: &f64) {
        self.0 += value * value;
    }
    fn remove(&mut self, value: &f64) {
        self.0 -= value * value;
    }
    fn value(&self) -> Option<f64> {
        Some(self.0)
    }
}

#[test]
fn an_aggregate_that_shows_nothing_is_named_in_every_window() -> Result<(), FatalError> {
    let unsaved = |connect: &dyn Fn(&Port<Event>)| {
        let (mut input, cx) = (Port::new(), &mut Context::detached(Instant::ZERO));
        connect(&input);
        input.emit(SensorEvent::new("t", stamp_of(1.0), 2.0), cx)?;
        Ok::<_, FatalError>(SavedState::of(&mut input, cx)?.unsaved().iter().cloned().collect::<Vec<_>>())
    };
    let time = |event: &Event| event.ts;
    assert_eq!(
        unsaved(&|input| drop(input.aggregate(Window::tumbling(3), Squares::default()).for_each(drop)))?,
        ["window"]
    );
    assert_eq!(
        unsaved(&|input| drop(input.aggregate(Window::cumulative(), Squares::default()).for_each(drop)))?,
        ["window"]
    );
    assert_eq!(
        unsaved(&|input| drop(input.aggregate(Window::sliding(3), Squares::default()).for_each(drop)))?,
        ["window"]
    );
    let by_time = || Window::event_time(SECOND, time);
    assert_eq!(unsaved(&|input| drop(input.aggregate(by_time(), Squares::default()).for_each(drop)))?, ["window"]);
    let both = || (Sum::new(), Squares::default());
    assert_eq!(unsaved(&|input| drop(input.aggregate(Window::tumbling(3), both()).for_each(drop)))?, ["aggregate"]);
    assert!(unsaved(&|input| drop(input.aggregate(Window::tumbling(3), Sum::new()).for_each(drop)))?.is_empty());
    Ok(())
}
