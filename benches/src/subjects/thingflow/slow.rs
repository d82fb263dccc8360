//! How late a tick comes that has nothing to do with a disk, while an outbox commits onto a slow one.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, Stored};
use thingflow_core::prelude::*;
use thingflow_core::tracking::Tracked;
use thingflow_core::{SampleError, Sensor, SensorId};
use thingflow_journal::{Folder, SyncPoint};

use self::hooked::{Hooked, Hooks};
use crate::Result;

#[path = "../../../../thingflow-journal/tests/support/hooked.rs"]
mod hooked;

/// How often the sensor is due.
const PERIOD: Duration = Duration::from_millis(10);

/// Runs a sensor into an outbox for a while; each sync of the disk takes `sync` longer than it does. Gives by how much, in
/// microseconds, ticks came later after the one before than they should, at the 99th percentile.
pub fn p99_lateness(sync: Duration, span: Duration) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let open = |name: &str| Folder::open(folder.path().join(name)).map(|folder| Hooked::new(folder, Slow(sync)));
    let options = Options::new(64 << 20, CommitWindow::default());
    let mut outbox = Outbox::<SensorEvent<f64>>::open_on(open("outbox")?, open("dead")?, options)?;
    outbox.port("server", Outlet::default())?.for_each(|_: Tracked<SensorEvent<f64>, Stored>| ());
    let ticks = Rc::new(RefCell::new(Vec::with_capacity(1 << 16)));
    let sensor = SensorOutput::new(Ticks(ticks.clone()));
    sensor.connect(outbox.input());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(outbox)?;
    scheduler.schedule_periodic(sensor, PERIOD)?;
    scheduler.run_for(span)?;
    let ticks = ticks.borrow();
    let due = span.as_nanos() / PERIOD.as_nanos();
    if (ticks.len() as u128) < due * 9 / 10 {
        return Err(format!("only {} of {due} ticks came", ticks.len()).into());
    }
    let mut late: Vec<Duration> = ticks.windows(2).map(|two| (two[1] - two[0]).saturating_sub(PERIOD)).collect();
    late.sort_unstable();
    Ok(late[late.len() * 99 / 100].as_secs_f64() * 1e6)
}

struct Ticks(Rc<RefCell<Vec<Instant>>>);

impl Sensor for Ticks {
    type Reading = f64;
    type Error = Infallible;
    fn id(&self) -> SensorId {
        1.into()
    }
    fn sample(&mut self) -> std::result::Result<f64, SampleError<Infallible>> {
        self.0.borrow_mut().push(Instant::now());
        Ok(20.5)
    }
}

/// A disk that takes longer to sync a file.
struct Slow(Duration);

impl Hooks for Slow {
    fn syncs(&self, _: SyncPoint) {
        thread::sleep(self.0);
    }
}
