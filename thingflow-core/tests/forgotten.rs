//! What is said of an output that nobody has scheduled.
#![cfg(feature = "std")]

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use thingflow_core::prelude::*;

struct Log(Mutex<Vec<String>>);

static LOG: Log = Log(Mutex::new(Vec::new()));

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record.args().to_string());
    }
    fn flush(&self) {}
}

#[test]
fn an_output_that_has_readers_and_never_ran_says_so() -> Result<(), Box<dyn Error>> {
    log::set_logger(&LOG)?;
    log::set_max_level(log::LevelFilter::Warn);
    let mut scheduler = Scheduler::virtual_time()?;
    let (scheduled, forgotten, unread) = (from_iter([1]).output(), from_iter([2]).output(), from_iter([3]).output());
    scheduled.for_each(drop);
    forgotten.for_each(drop);
    scheduler.schedule_periodic(scheduled.named("scheduled"), Duration::from_secs(1))?;
    scheduler.run_forever()?;
    drop((forgotten.named("forgotten"), unread));
    let later = from_iter([4]).output();
    later.for_each(drop);
    scheduler.schedule_periodic(later, Duration::from_secs(1))?;
    drop(scheduler);
    let said = LOG.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(said, ["the output `forgotten` has readers and never ran: schedule it"]);
    Ok(())
}
