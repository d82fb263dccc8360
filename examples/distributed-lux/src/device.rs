//! The device: sensor → outbox ⇒ MQTT.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use thingflow::adapters::mqtt::{Client, Message, Options};
use thingflow::adapters::outbox::{self, Outbox, Outlet};
use thingflow::prelude::*;
use thingflow::tracking::Tracking;

use crate::{Lux, topic};

/// Publishes the readings of a sensor. They wait in the folder until the broker has them, over any number of restarts.
///
/// # Errors
/// A folder that cannot be used, an address that is none.
pub fn device<S: Sensor<Reading = f64> + 'static>(
    scheduler: &Scheduler,
    sensor: S,
    every: Duration,
    broker: &str,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let client = Client::new(Options::new(broker)?);
    let mut outbox = Outbox::open(folder, outbox::Options::new(16 << 20, outbox::CommitWindow::default()))?;
    let stored = outbox.port("broker", Outlet::default())?;
    stored.try_map_value(|lux: Lux| Message::json(topic(lux.sensor_id), &lux)).connect(client.publisher());

    scheduler.schedule_sensor(sensor, every, |lux| drop(lux.connect(outbox.input())))?;
    scheduler.schedule_on_main_event_loop(client.thing())?;
    scheduler.schedule_on_main_event_loop(outbox)?;
    Ok(())
}
