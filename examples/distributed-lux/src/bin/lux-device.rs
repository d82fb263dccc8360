//! The device: `lux-device BROKER NAME FOLDER [READINGS]`. Ends when all readings are with the broker, or by Ctrl-C.
//!
//! The sensor is simulated: put a `Tsl2591` or a `Bh1750` in its place.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use thingflow::StreamError;
use thingflow::prelude::*;
use thingflow::sensors::simulated::{Sine, StopAfter};

fn main() -> Result<(), Box<dyn Error>> {
    thingflow::adapters::logging::init();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (broker, name, folder, readings) = match &words[..] {
        [broker, name, folder] => (broker, name, folder, usize::MAX),
        [broker, name, folder, readings] => {
            let wrong = |error| StreamError::caused("invalid READINGS; it is a whole number", error);
            (broker, name, folder, readings.parse::<usize>().map_err(wrong)?)
        }
        _ => return Err(StreamError::new("invalid arguments; usage: lux-device BROKER NAME FOLDER [READINGS]").into()),
    };
    let sensor = StopAfter::new(readings, Sine::new(SensorId::intern(name), 40).amplitude(20.0).offset(25.0));
    let every = if readings == usize::MAX { Duration::from_secs(1) } else { Duration::from_millis(2) };
    let mut scheduler = Scheduler::new()?;
    distributed_lux::device(&scheduler, sensor, every, broker, Path::new(folder))?;
    Ok(scheduler.run_forever()?)
}
