//! Durations as texts, where a window takes one.
#![cfg(feature = "durations")]

use std::time::Duration;

use thingflow_adapters::durations;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};

/// The acceptance case of this number.
#[test]
fn case_332_timed_window_as_text() -> Result<(), Box<dyn std::error::Error>> {
    let interval = durations::parse("10ms")?;
    assert_eq!(interval, Duration::from_millis(10));
    let seen = Recorder::new();
    let events = timed([(0.001, 1), (0.009, 2), (0.011, 3)]);
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(events.chunks_timeout(interval, Limit::default()).connect(seen.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), [vec![1, 2], vec![3]]);
    Ok(())
}
