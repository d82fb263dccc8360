//! Three sensors at 100 Hz, and a server that is away most of the time: sensors → outbox → writer → TCP. The server is killed in
//! the middle of its work again and again; in the end it has every reading once, with the time at which it was taken.
//!
//! ```sh
//! cargo run -p outage                # three seconds, in a temporary folder
//! cargo run -p outage -- /tmp/queue  # a folder of yours; see `thingflow queue list /tmp/queue`
//! ```

mod server;
mod writer;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use thingflow::adapters::outbox::{CommitWindow, Options, Outbox, Outlet, OutletStats};
use thingflow::prelude::*;
use thingflow::sensors::simulated::Sine;
use thingflow::testing::Recorder;
use thingflow::{Backoff, Delivery};

use server::{Reading, Server};
use writer::Writer;

const SENSORS: [&str; 3] = ["hall", "cellar", "attic"];

fn main() -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let folder = std::env::args().nth(1).map_or_else(|| temporary.path().into(), std::path::PathBuf::from);
    let outage = run(&folder, 300)?;
    let Outage { sampled, server, stats } = &outage;
    println!("{} readings were taken; the server was killed {} times", sampled.len(), server.kills);
    println!("it has {} readings, {} of which came more than once", server.stored.len(), server.again);
    println!("{stats}");
    outage.check()
}

/// What has become of the readings.
struct Outage {
    sampled: Vec<Reading>,
    server: server::Log,
    stats: OutletStats,
}

/// Takes so many readings of each sensor, while the server comes and goes, and runs until it has them all.
fn run(folder: &Path, readings: usize) -> Result<Outage, Box<dyn Error>> {
    let server = Server::start(Duration::from_millis(100), Duration::from_millis(300))?;
    let mut scheduler = Scheduler::new()?;

    // At most 64 MiB on the disk. Every 20 ms what has come is synced: at most that much is lost to a power cut.
    let mut outbox = Outbox::open(folder, Options::new(64 << 20, CommitWindow::every(Duration::from_millis(20))))?;
    let retry = Backoff::constant(Duration::from_millis(20)); // for a server of today, see `Delivery::within`
    let delivery = Delivery::within(Limit::block(64)).batches_of(16_usize).retry(retry);
    let (writer, refused) = scheduler.worker("server", Writer::new(server.address()), delivery)?;
    outbox.port("server", Outlet::default())?.connect(writer);
    refused.connect(outbox.dead_letters());

    let sampled = Recorder::new();
    for name in SENSORS {
        let sensor = Sine::new(name, 50).amplitude(5.0).offset(20.0);
        scheduler.schedule_sensor(sensor, Duration::from_millis(10), |sensor| {
            let limited = Port::new();
            sensor.take(readings).connect(limited.clone());
            limited.connect(sampled.clone());
            limited.connect(outbox.input());
        })?;
    }
    let meter = outbox.meter("server");
    scheduler.schedule_on_main_event_loop(outbox)?;
    scheduler.run_forever()?; // until the server has everything
    Ok(Outage { sampled: sampled.events(), server: server.stop(), stats: meter.stats() })
}

impl Outage {
    /// Every reading is there once, with its time.
    fn check(&self) -> Result<(), Box<dyn Error>> {
        let mut stored: Vec<&Reading> = self.server.stored.values().collect();
        let mut sampled: Vec<&Reading> = self.sampled.iter().collect();
        let order = |a: &&Reading, b: &&Reading| (a.sensor_id, a.ts).cmp(&(b.sensor_id, b.ts));
        stored.sort_by(order);
        sampled.sort_by(order);
        if stored != sampled {
            return Err(format!("{} readings were taken, {} are there", sampled.len(), stored.len()).into());
        }
        let delivered = self.sampled.len() as u64;
        if self.stats.delivered != delivered || !self.stats.is_conserved() {
            return Err(format!("the counts do not add up: {}", self.stats).into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_or_doubled() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let outage = run(folder.path(), 120)?;
        assert_eq!(outage.sampled.len(), 3 * 120);
        assert!(outage.server.kills > 0);
        outage.check()
    }
}
