//! Runs in which something happens at a given second of virtual time.

use std::error::Error;
use std::time::Duration;

use thingflow_core::prelude::*;

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

pub(crate) const S: Duration = Duration::from_secs(1);

/// Once, so many seconds from now.
pub(crate) fn at(scheduler: &Scheduler, second: u32, call: impl FnOnce() + 'static) -> Result {
    let mut call = Some(call);
    let once = from_iter([()]).for_each(move |()| call.take().into_iter().for_each(|call| call()));
    scheduler.schedule_later_one_time(once, second * S)?;
    Ok(())
}

/// Keeps the run going.
pub(crate) fn clockwork(scheduler: &Scheduler) -> Result {
    scheduler.schedule_periodic(from_iter(0..).for_each(drop), S)?;
    Ok(())
}
