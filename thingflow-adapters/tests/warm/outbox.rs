//! Once warm, an event costs an outbox one allocation on the reactor: that of its tracking.

use std::error::Error;
use std::time::Duration;

use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, Stored};
use thingflow_core::prelude::*;
use thingflow_core::tracking::Tracked;
use thingflow_journal::model::Model;

use super::MADE;

/// Allocations on this thread in ten seconds of a flow at 100 Hz, once it has run for as long.
fn allocations(delivers: bool) -> Result<u64, Box<dyn Error>> {
    let options = Options::new(8 << 20, CommitWindow::default());
    let mut outbox = Outbox::open_on(Model::new(1), Model::new(2), options)?;
    if delivers {
        let port = outbox.port("server", Outlet::default())?;
        port.for_each(|event: Tracked<SensorEvent<f64>, Stored>| drop(event));
    }
    let readings = from_iter(0..).map(|n: i64| SensorEvent::new("lux", Timestamp::from_secs(n), n as f64));
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(readings.connect(outbox.input()), Duration::from_millis(10))?;
    scheduler.schedule_on_main_event_loop(outbox)?;
    scheduler.run_for(Duration::from_secs(10))?;
    let before = MADE.get();
    scheduler.run_for(Duration::from_secs(10))?;
    Ok(MADE.get() - before)
}

#[test]
fn an_event_costs_no_allocation_but_its_own() -> Result<(), Box<dyn Error>> {
    let taken = allocations(false)?;
    assert!(taken < 100, "{taken} allocations to take 1,000 events");
    let delivered = allocations(true)?;
    assert!(delivered < 1_100, "{delivered} allocations to take and deliver 1,000 events");
    Ok(())
}
