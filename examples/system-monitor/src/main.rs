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

use thingflow_adapters::csv;
use thingflow_core::prelude::*;
use thingflow_sensors::linux::{CpuLoad, Memory, MemoryValue};

/// Above this load, in percent, the alarm is raised.
const ALARM: f64 = 90.0;

fn main() -> Result<(), Box<dyn Error>> {
    thingflow_adapters::logging::init();
    let ticks = ticks(std::env::args().skip(1))?;
    let path = Path::new("system-monitor.csv");
    println!("writing system-monitor.csv and memory.csv; stop with Ctrl-C");
    let mut scheduler = Scheduler::new()?;
    monitor(&scheduler, CpuLoad::new("cpu")?, path, ticks)?;
    let memory = SensorOutput::new(Memory::new("memory", MemoryValue::UsedPercent)?);
    memory.take(ticks).connect(csv::append("memory.csv")?);
    scheduler.schedule_periodic(memory, Duration::from_secs(1))?;
    scheduler.run_forever()?;
    println!();
    Ok(())
}

/// How many readings are asked for.
fn ticks(mut args: impl Iterator<Item = String>) -> Result<usize, String> {
    match (args.next().as_deref(), args.next()) {
        (None, _) => Ok(usize::MAX),
        (Some("--ticks"), Some(n)) => n.parse().map_err(|_| format!("--ticks takes a whole number, not {n:?}")),
        _ => Err("usage: system-monitor [--ticks N]".to_owned()),
    }
}

/// Connects and schedules the load: file, line of the terminal, alarm.
fn monitor<S>(scheduler: &Scheduler, load: S, file: &Path, ticks: usize) -> Result<(), Box<dyn Error>>
where
    S: Sensor<Reading = f64> + 'static,
{
    let load = SensorOutput::new(load);
    let readings = load.take(ticks).share();
    readings.connect(csv::append(file)?);
    let average = readings.map(|e| e.val).running_avg(5).share();
    average.try_for_each(|v| {
        print!("\rload {v:5.1} %  ");
        stdout().flush()
    });
    average.map(|v| v > ALARM).dedup().filter(|alarm| *alarm).for_each(|_| println!("\nalarm: the load is high"));
    scheduler.schedule_periodic(load, Duration::from_secs(1))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow_core::testing::ListSensor;

    #[test]
    fn every_reading_is_in_the_file() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("load.csv");
        let mut scheduler = Scheduler::virtual_time()?;
        monitor(&scheduler, ListSensor::new("cpu", [25.0, 50.0, 99.0]), &file, 2)?;
        scheduler.run_forever()?;
        let text = std::fs::read_to_string(&file)?;
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 3, "a header and two readings: {text}");
        assert!(rows[1].contains("1970-01-01T00:00:01Z") && rows[1].ends_with(",25"), "{text}");
        Ok(())
    }

    #[test]
    fn this_machine_has_a_load() -> Result<(), Box<dyn Error>> {
        let load = CpuLoad::new("cpu")?.sample()?;
        assert!((0.0..=100.0).contains(&load), "{load}");
        Ok(())
    }

    #[test]
    fn a_wrong_argument_is_explained() {
        let args = |text: &str| ticks(text.split_whitespace().map(str::to_owned));
        assert_eq!(args(""), Ok(usize::MAX));
        assert_eq!(args("--ticks 10"), Ok(10));
        assert!(args("--ticks ten").unwrap_err().contains("whole number"));
        assert!(args("--help").unwrap_err().contains("usage"));
    }
}
