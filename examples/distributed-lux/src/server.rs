//! The server: MQTT ⇒ SQLite, and from device to device → windows → findings.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use thingflow::Delivery;
use thingflow::adapters::mqtt::{Client, Options, Qos};
use thingflow::adapters::sqlite;
use thingflow::prelude::*;
use thingflow::tracking::Tracking;
use thingflow::windows::{Max, Mean, Min};

use crate::{Lux, topic};

/// What the server has found out.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// The least, the mean and the greatest of ten readings of a device, with the time of the last.
    Course(SensorEvent<(f64, f64, f64)>),
    /// It has become light where a device is, or dark.
    Light(SensorEvent<bool>),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Course(SensorEvent { sensor_id, ts, val: (min, mean, max) }) => {
                write!(f, "{ts} {sensor_id}: {min:.1} to {max:.1} lux, on average {mean:.1}")
            }
            Self::Light(SensorEvent { sensor_id, ts, val: true }) => write!(f, "{ts} {sensor_id}: it is light"),
            Self::Light(SensorEvent { sensor_id, ts, val: false }) => write!(f, "{ts} {sensor_id}: it is dark"),
        }
    }
}

/// Stores what all devices publish, and sends what it finds. The broker keeps a reading until it is in the database: it is
/// acknowledged then, and comes again if the server is killed before.
///
/// # Errors
/// An address that is none; a thread that cannot be started.
pub fn server(scheduler: &mut Scheduler, broker: &str, database: &Path) -> Result<Port<Finding>, Box<dyn Error>> {
    let day = Duration::from_secs(24 * 3600);
    let client =
        Client::new(Options::new(broker)?.client_id("lux-server").keep_session(day).receive_maximum(1000_usize));
    let messages = client.subscribe_tracked(topic("+"), Qos::AtLeastOnce)?;
    let readings = messages.try_map_value(|message| message.json::<Lux>()).share();

    let writer = sqlite::Writer::new(database, "lux").create_table();
    let (store, refused) = scheduler.worker("store", writer, Delivery::within(Limit::block(1000)))?;
    refused.for_each(|letter| log::warn!("not stored: {}", letter.error));
    readings.connect(store);

    let findings = Port::new();
    let found = findings.clone();
    readings.acknowledge().group_by(|lux| lux.sensor_id).for_each(move |(_, device)| {
        let summary = (Min::new(), Mean::new(), Max::new());
        device.aggregate(Window::tumbling(10), summary).map(Finding::Course).connect(found.clone());
        device.hysteresis(20.0, 30.0).dedup_by_key(|light| light.val).map(Finding::Light).connect(found.clone());
    });
    scheduler.schedule_on_main_event_loop(client.thing())?;
    Ok(findings)
}
