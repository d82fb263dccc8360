//! Recordings whose clock starts at their first event.
#![cfg(feature = "std")]

use std::error::Error;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{RunError, VirtualClock};

fn secs(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

#[test]
fn f85_the_clock_of_a_replay_starts_at_its_first_event() -> Result<(), Box<dyn Error>> {
    let rows = [1_420_110_060, 1_420_110_090].map(|at| SensorEvent::new("lux", secs(at), at));
    let mut recording = from_iter(rows).as_recorded();
    let first = recording.begins_at()?.ok_or("an empty recording")?;
    assert_eq!((first, recording.begins_at()?), (rows[0].ts, Some(first)), "asked twice");
    let mut scheduler = Scheduler::with_clock(VirtualClock::starting_at(first))?;
    let seen = Recorder::new();
    let times = recording.timestamp().map(|(now, event)| now == event.ts);
    scheduler.schedule_recurring(times.connect(seen.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "true@0 true@30 |@30");
    Ok(())
}

#[test]
fn an_event_that_was_looked_at_comes_in_its_time_however_late_the_start() -> Result<(), Box<dyn Error>> {
    let mut recording = from_iter([secs(5), secs(7)]).at_times(|at| *at);
    assert_eq!(recording.begins_at()?, Some(secs(5)));
    let seen = Recorder::new();
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(interval(Duration::from_secs(100)).take(1).for_each(drop))?;
    scheduler.run_forever()?;
    scheduler.schedule_recurring(recording.map(|at| at.as_nanos() / 1_000_000_000).connect(seen.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), [5, 7]);
    assert_eq!(scheduler.now().as_secs_f64(), 102.0);
    Ok(())
}

#[test]
fn a_recording_says_when_it_begins_or_why_it_does_not() -> Result<(), RunError> {
    let empty: [Timestamp; 0] = [];
    assert_eq!(from_iter(empty).at_times(|at| *at).begins_at()?, None);
    assert_eq!(from_iter(empty).at_times(|at| *at).beginning_at(secs(9)).begins_at()?, Some(secs(9)));
    let mut broken = try_from_iter([Err(StreamError::new("torn")), Ok(secs(1))]).at_times(|at| *at);
    assert_eq!(broken.begins_at().map_err(|error| error.to_string()), Err("torn".to_owned()));
    assert_eq!(broken.begins_at()?, Some(secs(1)), "the next one may do");
    Ok(())
}
