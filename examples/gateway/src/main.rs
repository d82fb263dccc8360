//! A gateway: what devices publish by MQTT, as the example `greenhouse` does, goes into PostgreSQL or InfluxDB. The broker hears
//! that a message was received when it is on the gateway's disk, and there it stays until the database has it.
//!
//! ```sh
//! cargo run -p gateway                      # greenhouse/+ of the broker on this machine, into PostgreSQL on this machine
//! cargo run -p gateway -- mqtt://broker greenhouse/+ postgresql://gateway@db/home /tmp/gateway
//! cargo run -p gateway -- mqtt://broker greenhouse/+ http://influx:8086/home /tmp/gateway   # InfluxDB 1, database `home`
//! ```
//!
//! What is no reading, and what the database refuses for good, is a dead letter. It holds up nobody, and is kept with the reason
//! until that is gone:
//!
//! ```sh
//! thingflow queue export /tmp/gateway/dead  # what was refused, and why
//! thingflow queue feed /tmp/gateway         # all of it once more, at the next start of the gateway
//! ```
//!
//! A message that was on its way when the gateway was killed comes again from the broker. PostgreSQL takes it for another row
//! with the same sensor and time, of which `SELECT DISTINCT sensor_id, timestamp, value FROM readings` leaves one; for InfluxDB it
//! is the same point. What waits for the gateway meanwhile is as safe as the broker keeps it: see the chapter on MQTT.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thingflow::adapters::influx::{self, Encoder};
use thingflow::adapters::mqtt::{Client, Options, Qos, Received};
use thingflow::adapters::outbox::{self, Outbox, Outlet, Stored};
use thingflow::adapters::postgres;
use thingflow::prelude::*;
use thingflow::tracking::{Tracked, Tracking};
use thingflow::{DeadLetter, Delivery, EdgeSink, StreamError};

/// A message as it came, so that one that is no reading is kept as it is.
#[derive(Clone, Serialize, Deserialize)]
struct Heard {
    topic: String,
    text: String,
}

type Reading = Tracked<SensorEvent<f64>, Stored>;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

fn main() -> ExitCode {
    thingflow::adapters::logging::init();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let ended = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => tempfile::tempdir().map_err(Into::into).and_then(|folder| {
            run("mqtt://localhost", "greenhouse/+", "postgresql://gateway@127.0.0.1/home", folder.path())
        }),
        [broker, topics, database, folder] => run(broker, topics, database, Path::new(folder)),
        _ => Err(StreamError::new("invalid arguments; usage: gateway [BROKER TOPICS DATABASE FOLDER]").into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn run(broker: &str, topics: &str, database: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    let (store, refused) = store(&mut scheduler, database)?;
    let mut outbox = Outbox::<Heard>::open(folder, outbox::Options::new(1 << 30, outbox::CommitWindow::default()))?;

    // The broker keeps for a week what comes while the gateway is away.
    let client = Client::new(Options::new(broker)?.keep_session(WEEK));
    let messages = client.subscribe_tracked(topics, Qos::AtLeastOnce)?;
    let heard = |message: Received| Heard { text: message.text().into_owned(), topic: message.topic };
    messages.filter_value(|message| !message.retained).map_value(heard).connect(outbox.tracked_input());

    let stored = outbox.port("database", Outlet::default())?;
    stored.try_map_value(|heard: Heard| serde_json::from_str::<SensorEvent<f64>>(&heard.text)).connect(store);
    refused.for_each(|letter| {
        log::warn!("a dead letter: {}", letter.error);
        letter.event.fail(letter.error);
    });

    let meter = outbox.meter("database");
    scheduler.schedule_on_main_event_loop(client.thing())?;
    scheduler.schedule_on_main_event_loop(outbox)?;
    scheduler.run_forever()?; // until Ctrl-C, or systemd stops it
    println!("{}", meter.stats());
    Ok(())
}

type Store = (EdgeSink<Reading>, Port<DeadLetter<Reading>>);

/// The writer to the database at an address, on a thread of its own.
///
/// # Errors
/// An address that is none, at once: a writer would find that out with the first reading.
fn store(scheduler: &mut Scheduler, address: &str) -> Result<Store, Box<dyn Error>> {
    let delivery = Delivery::within(Limit::block(1000));
    if ["postgresql://", "postgres://"].iter().any(|scheme| address.starts_with(scheme)) {
        let writer = postgres::Writer::new(address, "readings").create_table().key("gateway", Stored::number_of);
        return Ok(scheduler.worker("postgres", writer, delivery)?);
    }
    match address.rsplit_once('/') {
        Some((server, database)) if server.starts_with("http") && server.contains("://") && !database.is_empty() => {
            let writer = influx::Writer::v1(server, database, Encoder::new("readings"));
            Ok(scheduler.worker("influx", writer, delivery)?)
        }
        _ => Err(StreamError::new(
            "invalid DATABASE; it is postgresql://USER@HOST/DATABASE, or http://HOST:8086/DATABASE for InfluxDB",
        )
        .into()),
    }
}
