//! A recorded day once more, in no time: CSV file → average of three → threshold → what changed, and when it did that day.
//!
//! ```sh
//! cargo run -p replay                # the day that comes with the example
//! cargo run -p replay -- lux.csv     # a recording of yours
//! ```

use std::error::Error;
use std::path::Path;

use thingflow::adapters::csv;
use thingflow::prelude::*;

/// The lamp is on below this, in lux.
const DARK: f64 = 50.0;
const DAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/day.csv");

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| DAY.to_owned());
    let mut scheduler = Scheduler::virtual_time()?;
    let lamp = Port::new();
    lamp.for_each(|e: SensorEvent<bool>| println!("{} lamp {}", e.ts, if e.val { "on" } else { "off" }));
    replay(&scheduler, Path::new(&path), lamp)?;
    scheduler.run_forever()?;
    Ok(())
}

/// Connects and schedules the recording. The events come as far apart as they were recorded, so that operators that look at
/// the clock would be right, too.
fn replay<N>(scheduler: &Scheduler, path: &Path, lamp: N) -> Result<(), Box<dyn Error>>
where
    N: InputThing<SensorEvent<bool>> + 'static,
{
    let mut last = None;
    let day = csv::read::<f64>(path)?
        .as_recorded()
        .running_avg(3)
        .map(|e| e.map(|lux| lux < DARK))
        .filter(move |e| last.replace(e.val) != Some(e.val))
        .connect(lamp);
    scheduler.schedule_recurring(day)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::Recorder;

    /// What the lamp did, and how many seconds of virtual time that took.
    fn changes(path: &Path) -> Result<(Vec<String>, u64), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let seen = Recorder::new();
        replay(&scheduler, path, seen.clone())?;
        scheduler.run_forever()?;
        assert!(seen.is_completed());
        let changes = seen.events().iter().map(|e| format!("{} {}", e.ts, e.val)).collect();
        Ok((changes, scheduler.now().since(Instant::ZERO).as_secs()))
    }

    #[test]
    fn the_lamp_is_off_by_day() -> Result<(), Box<dyn Error>> {
        let expected = ["2015-06-01T00:00:00Z true", "2015-06-01T07:00:00Z false", "2015-06-01T21:00:00Z true"];
        assert_eq!(changes(Path::new(DAY))?, (expected.map(String::from).into(), 23 * 60 * 60));
        Ok(())
    }

    #[test]
    fn what_is_recorded_is_replayed() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("lux.csv");
        let lux =
            [(0, 10.0), (60, 30.0), (120, 200.0)].map(|(s, v)| SensorEvent::new("lux", Timestamp::from_secs(s), v));
        pipe::<SensorEvent<f64>>().to(csv::write(&path)?).feed(lux)?;
        let expected = ["1970-01-01T00:00:00Z true", "1970-01-01T00:02:00Z false"];
        assert_eq!(changes(&path)?, (expected.map(String::from).into(), 120));
        Ok(())
    }
}
