//! One periodic sensor and nothing else.

use std::convert::Infallible;
use std::time::Duration;

use thingflow_core::{Chain, Scheduler, call, from_iter};

use crate::Result;

/// Samples once a period, for ever.
pub fn tick_every(period: Duration) -> Result<Infallible> {
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_periodic(from_iter(0_u64..).connect(call(|_| {})), period)?;
    scheduler.run_forever()?;
    Err("the run ended".into())
}
