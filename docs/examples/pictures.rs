//! Draws the graphs that the README and the book show: `cargo xtask pictures`. The first word is the folder.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use thingflow::adapters::gpio::{SimulatedPin, pin_out};
use thingflow::prelude::*;
use thingflow::testing::ListSensor;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name the folder for the pictures")?);
    fs::write(folder.join("lamp.svg"), lamp()?)?;
    Ok(())
}

/// The program of the README, as it is after an hour.
fn lamp() -> Result<String, Box<dyn Error>> {
    let lux = SensorOutput::new(ListSensor::new("lux", vec![40.0; 100])).named("lux");
    lux.for_each(|_| ());
    lux.map(|event| event.val).running_avg(3).map(|lux| lux < 30.0).connect(pin_out("lamp", SimulatedPin::new()));
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(lux, Duration::from_secs(60))?;
    scheduler.run_for(Duration::from_secs(3600))?;
    Ok(scheduler.graph().svg())
}
