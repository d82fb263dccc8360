//! Runs that end, whatever goes wrong.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use thingflow_core::prelude::*;

/// A scheduler whose run is stopped after a minute, if it has not ended before: a test that fails then fails on a busy machine, too.
pub(crate) fn new_scheduler() -> Scheduler {
    let scheduler = Scheduler::new().expect("there are descriptors");
    let stopper = scheduler.stopper();
    thread::spawn(move || {
        let (_keeps, never) = mpsc::channel::<()>();
        let _ = never.recv_timeout(Duration::from_secs(60));
        stopper.stop();
    });
    scheduler
}
