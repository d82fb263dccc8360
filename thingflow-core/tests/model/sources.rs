//! Sources made of others, and their times, against a naive model.

use std::error::Error;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::Mean;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A row, by the second in which it was recorded, or one that cannot be read.
fn rows() -> impl Strategy<Value = Vec<Result<i64, &'static str>>> {
    prop::collection::vec(prop_oneof![9 => (0_i64..30).prop_map(Ok), 1 => Just(Err("a hole"))], 0..12)
}

fn replayed<S: Source<Item = i64> + 'static>(rows: Flow<S>, begin: Option<i64>) -> String {
    let recording = rows.at_times(|second| Timestamp::from_secs(*second));
    let recording = match begin {
        Some(begin) => recording.beginning_at(Timestamp::from_secs(begin)),
        None => recording,
    };
    let seen = Recorder::new();
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    scheduler.schedule_recurring(recording.connect(seen.clone())).expect("a source");
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.after_end(), 0, "something came after the end");
    seen.timed_text()
}

/// The line of a replay: until the first hole, if there is one.
fn line(rows: &[Result<i64, &'static str>], begin: Option<i64>) -> String {
    let (mut now, mut words) = (0, Vec::new());
    let begin = begin.or_else(|| rows.iter().find_map(|row| row.ok())).unwrap_or(0);
    for row in rows {
        match row {
            Ok(second) => {
                now = now.max(second - begin);
                words.push(format!("{second}@{now}"));
            }
            Err(why) => {
                words.push(format!("!@{now} {why}"));
                return words.join(" ");
            }
        }
    }
    words.push(format!("|@{now}"));
    words.join(" ")
}

proptest! {
    #[test]
    fn a_replay_keeps_the_times_of_the_recording(rows in rows(), begin in prop::option::of(0_i64..30)) {
        prop_assert_eq!(replayed(try_from_iter(rows.clone()), begin), line(&rows, begin));
        let whole: Vec<_> = rows.iter().copied().filter(Result::is_ok).collect();
        prop_assert_eq!(replayed(try_from_iter(rows).skip_failures(), begin), line(&whole, begin));
    }

    #[test]
    fn failures_are_passed_over_up_to_a_number_in_a_row(rows in rows(), most in 1_usize..4) {
        let mut left = most;
        let mut expected: (Vec<i64>, bool) = (Vec::new(), false);
        for row in &rows {
            match row {
                Ok(row) => {
                    expected.0.push(*row);
                    left = most;
                }
                Err(_) if left == 0 => {
                    expected.1 = true;
                    break;
                }
                Err(_) => left -= 1,
            }
        }
        let (seen, error) = try_from_iter(rows).skip_failures_up_to(most).try_collect_now();
        prop_assert_eq!((seen, error.is_some()), expected);
    }
}

#[test]
fn timed_operators_are_right_over_a_replay() -> Outcome {
    let lux = [(0, 10.0), (600, 20.0), (1200, 30.0), (7200, 40.0)];
    let lux = lux.map(|(secs, lux)| SensorEvent::new("lux", Timestamp::from_secs(1_420_110_000 + secs), lux));
    let (window, hours, quiet) = (Recorder::new(), Recorder::new(), Recorder::new());
    let recording = from_iter(lux).as_recorded().output();
    let recent = Window::last(Duration::from_secs(1000), Limit::drop_oldest(9));
    recording.aggregate(recent, Mean::new()).map(|e| e.val).connect(window.clone());
    recording.chunks_timeout(Duration::from_secs(3600), Limit::default()).map(|list| list.len()).connect(hours.clone());
    recording.debounce(Duration::from_secs(700)).map(|e| e.val).connect(quiet.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(recording)?;
    scheduler.run_forever()?;
    assert_eq!(window.timed_text(), "10.0@0 15.0@600 25.0@1200 40.0@7200 |@7200");
    assert_eq!(hours.timed_text(), "3@3600 1@7200 |@7200");
    assert_eq!(quiet.timed_text(), "30.0@1900 40.0@7200 |@7200");
    Ok(())
}

/// Gives one event and then ends the run.
struct Broken(bool);
impl Source for Broken {
    type Item = i64;
    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<i64>, Failure> {
        if std::mem::replace(&mut self.0, true) { Err(cx.fatal("the disk is gone").into()) } else { Ok(Some(1)) }
    }
}

#[test]
fn a_fatal_error_that_was_seen_ahead_keeps_its_cause() -> Outcome {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let recording = Flow::new(Broken(false)).at_times(|secs| Timestamp::from_secs(*secs));
    scheduler.schedule_recurring(recording.connect(seen.clone()))?;
    let error = scheduler.run_forever().expect_err("a fatal error");
    assert!(error.to_string().ends_with("the disk is gone"), "{error}");
    assert_eq!(seen.timed_text(), "1@0");
    Ok(())
}

#[test]
fn a_source_that_waits_is_waited_for() -> Outcome {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let late = timed([(2.0, 100), (3.0, 101), (4.0, 109)]).at_times(|secs| Timestamp::from_secs(*secs));
    scheduler.schedule_recurring(late.connect(seen.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "100@2 101@3 109@9 |@9");
    Ok(())
}

#[test]
fn a_replay_that_is_told_to_pause_loses_nothing() -> Outcome {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let recording = from_iter(0..6).at_times(|secs| Timestamp::from_secs(*secs));
    let slow = recording.delay(Duration::from_secs(10), Limit::block(2));
    scheduler.schedule_recurring(slow.connect(seen.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), [0, 1, 2, 3, 4, 5]);
    Ok(())
}

#[test]
#[should_panic(expected = "negative")]
fn a_time_before_the_start_is_refused() {
    let _ = timed([(-1.0, ())]);
}
