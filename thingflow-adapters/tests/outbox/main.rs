//! Whole flows through an outbox: peers that are away, slow or refuse, limits, ends of all kinds.
#![cfg(feature = "outbox")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod dead_letters;
mod faults;
#[path = "../../../thingflow-journal/tests/support/hooked.rs"]
mod hooked;
mod limits;
mod peers;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, OutletStats, Stored};
use thingflow_core::prelude::*;
use thingflow_core::tracking::Tracked;
use thingflow_core::{Backoff, Batch, Delivery, Limit, Refusal, StreamError};
use thingflow_journal::model::Model;

type Reading = SensorEvent<f64>;
type Sent = Tracked<Reading, Stored>;

const SECOND: Duration = Duration::from_secs(1);

fn options() -> Options {
    Options::new(4 << 20, CommitWindow::default())
}

fn on_disk(disk: &Model, dead: &Model) -> Outbox<Reading> {
    Outbox::open_on(disk.clone(), dead.clone(), options()).unwrap()
}

fn reading(n: u64) -> Reading {
    SensorEvent::new("lux", Timestamp::from_secs(i64::try_from(n).unwrap()), n as f64 / 3.0)
}

/// What a server has got: numbers in the outbox, values, marks.
#[derive(Clone, Default)]
struct Server {
    got: Arc<Mutex<Vec<(u64, Reading, bool)>>>,
    away: Arc<Mutex<bool>>,
}

impl Server {
    fn set_away(&self, away: bool) {
        *self.away.lock().unwrap() = away;
    }

    fn got(&self) -> Vec<(u64, Reading, bool)> {
        self.got.lock().unwrap().clone()
    }

    fn values(&self) -> Vec<Reading> {
        self.got().into_iter().map(|(_, reading, _)| reading).collect()
    }

    fn take(&self, event: &Sent) {
        let stored = event.metadata().next().unwrap();
        self.got.lock().unwrap().push((stored.number, event.value, stored.resent));
    }

    /// A writer to the server, as an adapter has it. It refuses negative values.
    fn writer(&self) -> impl FnMut(&mut Batch<Sent>) -> Result<(), Refusal> + Send + 'static {
        let server = self.clone();
        move |batch| {
            if *server.away.lock().unwrap() {
                return Err(Refusal::Peer(StreamError::new("connection refused")));
            }
            while let Some(event) = batch.first() {
                if event.value.val < 0.0 {
                    return Err(Refusal::Event { index: 0, error: StreamError::new("negative") });
                }
                server.take(event);
                batch.done(1);
            }
            Ok(())
        }
    }

    /// Connects a writer to a port of an outbox.
    fn connect(&self, name: &str, outbox: &mut Outbox<Reading>, outlet: Outlet, scheduler: &Scheduler) {
        let delivery = Delivery::within(Limit::block(16)).batches_of(8_usize).retry(Backoff::constant(SECOND));
        let (sink, refused) = scheduler.worker(name, self.writer(), delivery).unwrap();
        outbox.port(name, outlet).unwrap().connect(sink);
        refused.connect(outbox.dead_letters());
    }
}

/// Schedules so many readings, one each 10 ms.
fn sample(scheduler: &Scheduler, outbox: &Outbox<Reading>, numbers: std::ops::Range<u64>) {
    let readings = from_iter(numbers.map(reading).collect::<Vec<_>>()).output();
    readings.connect(outbox.input());
    scheduler.schedule_periodic(readings, Duration::from_millis(10)).unwrap();
}

fn assert_conserved(stats: OutletStats) {
    assert!(stats.is_conserved(), "{stats}");
}
