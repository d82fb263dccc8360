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
    fs::write(folder.join("greenhouse.svg"), greenhouse()?)?;
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

/// Two sensors that decide together, a loop, and names given to chains, as they are after a day.
fn greenhouse() -> Result<String, Box<dyn Error>> {
    let air = SensorOutput::new(ListSensor::new("bme280", vec![21.0; 2000])).named("air");
    let soil = SensorOutput::new(ListSensor::new("ads1115", vec![0.3; 2000])).named("soil");
    let warm = air.map(|event| event.val).running_avg(5).named("mean of 5 min").map(|t| t > 20.0).share().named("warm");
    let dry = soil.map(|event| event.val).running_avg(5).map(|v| v < 0.4).named("below 40 %").share().named("dry");
    air.for_each(|_| ());
    soil.for_each(|_| ());
    warm.combine_latest(&dry).map(|(warm, dry)| warm && dry).dedup().connect(pin_out("valve", SimulatedPin::new()));
    warm.connect(pin_out("fan", SimulatedPin::new()));
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(air, Duration::from_secs(60))?;
    scheduler.schedule_periodic(soil, Duration::from_secs(60))?;
    scheduler.run_for(Duration::from_secs(24 * 3600))?;
    Ok(scheduler.graph().svg())
}
