//! Waits, with a limit: an emulated board may be slow, and a check must not hang.

use std::time::{Duration, Instant};

use thingflow_core::prelude::*;

use crate::Result;

/// No check takes so long, even on a loaded machine.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// Turns the scheduler until `is_there`, or nothing is left to run for.
pub(crate) fn run_until(scheduler: &mut Scheduler, what: &str, mut is_there: impl FnMut() -> bool) -> Result {
    let end = Instant::now() + LONGEST;
    while !is_there() {
        if Instant::now() > end {
            return Err(format!("{what}: not within {LONGEST:?}").into());
        }
        if !scheduler.turn(Some(Duration::from_millis(20)))? && !is_there() {
            return Err(format!("{what}: the run ended before").into());
        }
    }
    Ok(())
}
