//! How late a tick comes that has nothing to do with a disk, while an outbox commits onto a slow one.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, Stored};
use thingflow_core::prelude::*;
use thingflow_core::tracking::Tracked;
use thingflow_core::{SampleError, Sensor, SensorId};
use thingflow_journal::{Entry, File, Files, Folder, SyncPoint};

use crate::Result;

/// How often the sensor is due.
const PERIOD: Duration = Duration::from_millis(10);

/// Runs a sensor into an outbox for a while; each sync of the disk takes `sync` longer than it does. Gives by how much, in
/// microseconds, ticks came later after the one before than they should, at the 99th percentile.
pub fn p99_lateness(sync: Duration, span: Duration) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let open = |name: &str| Folder::open(folder.path().join(name)).map(|folder| Slow(folder, sync));
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

/// A folder whose disk takes longer to sync a file.
#[derive(Debug)]
struct Slow(Folder, Duration);

impl Slow {
    fn file(&self, file: io::Result<Box<dyn File>>) -> io::Result<Box<dyn File>> {
        Ok(Box::new(SlowFile(file?, self.1)))
    }
}

impl Files for Slow {
    fn list(&self) -> io::Result<Vec<Entry>> {
        self.0.list()
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.file(self.0.open(name))
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.file(self.0.create(name))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn sync_folder(&self, point: SyncPoint) -> io::Result<()> {
        self.0.sync_folder(point)
    }
    fn folder_bytes(&self) -> io::Result<u64> {
        self.0.folder_bytes()
    }
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send>>> {
        self.0.lock(name)
    }
    fn describe(&self) -> String {
        self.0.describe()
    }
}

#[derive(Debug)]
struct SlowFile(Box<dyn File>, Duration);

impl File for SlowFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.0.allocate(bytes)
    }
    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.0.truncate(bytes)
    }
    fn sync_data(&self, point: SyncPoint) -> io::Result<()> {
        thread::sleep(self.1);
        self.0.sync_data(point)
    }
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn allocated(&self) -> io::Result<u64> {
        self.0.allocated()
    }
}
