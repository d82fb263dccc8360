//! Who waits for room is woken when there is some, whoever made it and whatever happens meanwhile.
#![cfg(feature = "std")]

use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Long enough for all of it. Who is forgotten would let `run_forever` hang.
const HOUR: Duration = Duration::from_secs(3600);

fn quarters(count: u32) -> Duration {
    Duration::from_millis(250) * count
}

#[test]
fn a_resume_in_the_same_wake_up_is_heard_also_where_the_stage_before_ends() -> Outcome {
    let seen = Recorder::new();
    let flow = timed([(0.5, 1), (0.75, 2), (0.75, 3)])
        .delay(quarters(11), Limit::block(11))
        .buffer(Limit::block(1))
        .delay(quarters(1), Limit::block(1));
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(flow.connect(seen.clone()))?;
    scheduler.run_for(HOUR)?;
    assert_eq!(seen.timed_text(), "1@3.5 2@3.75 3@4 |@4");
    Ok(())
}

#[test]
fn a_source_goes_on_when_the_branch_that_was_full_has_left() -> Outcome {
    let (port, seen, other) = (Port::new(), Recorder::new(), Recorder::new());
    port.delay(HOUR, Limit::block(2)).timeout(quarters(1)).connect(other.clone());
    port.connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(from_iter(1..=4).connect(port))?;
    scheduler.run_for(HOUR / 2)?;
    assert_eq!(seen.timed_text(), "1@0 2@0 3@0.25 4@0.25 |@0.25");
    assert!(other.error().is_some(), "it was full, and has timed out");
    Ok(())
}

#[test]
fn a_source_goes_on_when_the_branch_that_was_full_is_taken_off() -> Outcome {
    let (port, seen) = (Port::new(), Recorder::new());
    let full = port.delay(HOUR, Limit::block(2)).connect(call(drop));
    port.connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(from_iter(1..=4).connect(port))?;
    scheduler.schedule_later_one_time(from_iter([()]).connect(call(move |()| full.disconnect())), quarters(1))?;
    scheduler.run_for(HOUR / 2)?;
    assert_eq!(seen.timed_text(), "1@0 2@0 3@0.25 4@0.25 |@0.25");
    Ok(())
}
