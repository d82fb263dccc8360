//! This machine's processor load → average of five → threshold → an alarm. Every reading goes to a CSV file, the memory in
//! use to another, and one line of the terminal shows where things stand.
//!
//! ```sh
//! cargo run --release -p system-monitor                 # until Ctrl-C
//! cargo run --release -p system-monitor -- --ticks 10   # ten readings
//! ```

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::time::Duration;

use thingflow::adapters::csv;
use thingflow::prelude::*;
use thingflow::sensors::linux::{CpuLoad, Memory, MemoryValue};

#[cfg(test)]
mod tests;

/// Above this load, in percent, the alarm is raised.
const ALARM: f64 = 90.0;

fn main() -> Result<(), Box<dyn Error>> {
    thingflow::adapters::logging::init();
    let ticks = ticks(std::env::args().skip(1))?;
    println!("writing system-monitor.csv and memory.csv; stop with Ctrl-C");

    let load = SensorOutput::new(CpuLoad::new("cpu")?);
    let average = watch(&load, Path::new("system-monitor.csv"), ticks)?;
    average.try_for_each(|v| {
        print!("\rload {v:5.1} %  ");
        stdout().flush()
    });
    average.pipe(alarm()).for_each(|_| println!("\nalarm: the load is high"));

    let memory = SensorOutput::new(Memory::new("memory", MemoryValue::UsedPercent)?);
    memory.take(ticks).connect(csv::append("memory.csv")?);

    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_periodic(load, Duration::from_secs(1))?;
    scheduler.schedule_periodic(memory, Duration::from_secs(1))?;
    scheduler.run_forever()?;
    println!();
    Ok(())
}

/// Writes the first readings to a file. The port is that of their average.
fn watch<S>(load: &SensorOutput<S>, file: &Path, ticks: usize) -> Result<Port<f64>, Box<dyn Error>>
where
    S: Sensor<Reading = f64>,
{
    let readings = load.take(ticks).share();
    readings.connect(csv::append(file)?);
    Ok(readings.map(|e| e.val).running_avg(5).share())
}

/// Sends `true` each time the average rises above the threshold.
fn alarm() -> Pipe<f64, impl Filter<f64, Out = bool>> {
    pipe().map(|average| average > ALARM).dedup().filter(|high| *high)
}

/// How many readings are asked for.
fn ticks(mut args: impl Iterator<Item = String>) -> Result<usize, String> {
    match (args.next().as_deref(), args.next()) {
        (None, _) => Ok(usize::MAX),
        (Some("--ticks"), Some(n)) => n.parse().map_err(|_| format!("--ticks takes a whole number, not {n:?}")),
        _ => Err("usage: system-monitor [--ticks N]".to_owned()),
    }
}
