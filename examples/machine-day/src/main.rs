//! A recorded day of a machine's temperature, with gaps and spikes → what is missing is said → spikes are left out → an even grid → a trend
//! → where it leads in an hour → an alarm before it is too hot; and a picture of before and after.
//!
//! ```sh
//! cargo run -p machine-day                    # the day that comes with the example
//! cargo run -p machine-day -- day.svg         # with a picture
//! ```

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use thingflow::adapters::csv;
use thingflow::adapters::plot::Plot;
use thingflow::prelude::*;
use thingflow::signals::edges::Edge;
use thingflow::signals::gaps::Interpolation;
use thingflow::signals::quality::Hampel;
use thingflow::windows::{Line, Trend};

const DAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/day.csv");
/// A reading comes each two minutes.
const PERIOD: Duration = Duration::from_secs(120);
/// The grid on which the trend is laid.
const STEP: Duration = Duration::from_secs(300);
/// A longer silence is not filled: nobody knows what was there.
const LONGEST_GAP: Duration = Duration::from_secs(15 * 60);
/// How far the forecast looks.
const AHEAD: Duration = Duration::from_secs(3600);
/// The alarm ends below the first and begins at the second, in °C.
const ALARM: (f64, f64) = (68.0, 72.0);

/// What comes out of the day.
struct Day {
    /// As it was recorded.
    raw: Port<SensorEvent<f64>>,
    /// When the sensor has been silent.
    gaps: Port<Timestamp>,
    /// Without spikes, on the grid.
    clean: Port<SensorEvent<f64>>,
    /// What it will be in an hour.
    forecast: Port<SensorEvent<f64>>,
    /// When the alarm begins and ends.
    alarm: Port<SensorEvent<bool>>,
}

/// Connects and schedules the recording.
fn day(scheduler: &Scheduler, path: &Path) -> Result<Day, Box<dyn Error>> {
    let day =
        Day { raw: Port::new(), gaps: Port::new(), clean: Port::new(), forecast: Port::new(), alarm: Port::new() };
    let Day { raw, gaps, clean, forecast, alarm } = &day;
    let missing = raw.mark_gaps(PERIOD).filter(|event| event.val.is_none()).map(|event| event.ts);
    missing.connect(gaps.clone());
    let good = raw.qualify(Hampel::<9>::new(6.0)).good_only();
    good.resample(STEP, Interpolation::Linear, LONGEST_GAP).connect(clean.clone());
    let lines = clean.map(with_time).aggregate(Window::sliding(12), Trend::new());
    lines.map(in_an_hour).connect(forecast.clone());
    let edges = forecast.hysteresis(ALARM.0, ALARM.1).edges();
    edges.map(|event| event.map(|edge| edge == Edge::Rising)).connect(alarm.clone());
    scheduler.schedule_recurring(csv::read::<f64>(path)?.as_recorded().connect(raw.clone()))?;
    Ok(day)
}

fn with_time(event: SensorEvent<f64>) -> SensorEvent<(Timestamp, f64)> {
    let ts = event.ts;
    event.map(|celsius| (ts, celsius))
}

fn in_an_hour(event: SensorEvent<Line<Timestamp, f64>>) -> SensorEvent<f64> {
    let later = event.ts + AHEAD;
    event.map(|line| line.at(later))
}

/// A picture with a gap where nothing came for a while.
fn picture(path: &Path) -> Plot {
    Plot::new(path).title("A day of a machine").unit("°C").gap(LONGEST_GAP)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::virtual_time()?;
    let Day { raw, gaps, clean, forecast, alarm } = day(&scheduler, Path::new(DAY))?;
    gaps.for_each(|at| println!("{at} nothing was recorded for a while"));
    alarm.for_each(|event| match event.val {
        true => println!("{} ALARM: in an hour it is too hot", event.ts),
        false => println!("{} the forecast is calm again", event.ts),
    });
    if let Some(path) = std::env::args_os().nth(1) {
        let picture = picture(Path::new(&path));
        raw.connect(picture.series("recorded"));
        clean.connect(picture.series("clean"));
        forecast.connect(picture.series("what it will be in an hour"));
    }
    scheduler.run_forever()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::Recorder;

    #[test]
    fn the_day_is_told_as_it_was() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let (gaps, alarm, clean, raw) = (Recorder::new(), Recorder::new(), Recorder::new(), Recorder::new());
        let day = day(&scheduler, Path::new(DAY))?;
        day.gaps.connect(gaps.clone());
        day.alarm.map(|event| (event.ts.to_string(), event.val)).connect(alarm.clone());
        day.clean.connect(clean.clone());
        day.raw.connect(raw.clone());
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("day.svg");
        let picture = picture(&path);
        day.raw.connect(picture.series("recorded"));
        day.clean.connect(picture.series("clean"));
        scheduler.run_forever()?;

        let at = |text: &str| text.parse::<Timestamp>();
        assert_eq!(gaps.events(), [at("2026-01-01T02:10:00Z")?, at("2026-01-01T14:20:00Z")?]);
        // The fan begins to fail at 20:00; the alarm comes before the machine is at 72 °C.
        let rises: Vec<(String, bool)> = alarm.events();
        assert_eq!(rises.len(), 1, "{rises:?}");
        let (began, hot) = (at(&rises[0].0)?, first_above(&raw.events(), 72.0));
        assert!(at("2026-01-01T20:30:00Z")? < began && began < hot, "{began} is not before {hot}");
        // No spike is left, and the long gap is not filled.
        let clean: Vec<SensorEvent<f64>> = clean.events();
        assert!(clean.iter().all(|event| (35.0..90.0).contains(&event.val)));
        let in_gap = at("2026-01-01T02:15:00Z")?..at("2026-01-01T03:00:00Z")?;
        assert!(!clean.iter().any(|event| in_gap.contains(&event.ts)));
        let svg = std::fs::read_to_string(path)?;
        assert!(svg.contains("recorded") && svg.contains("clean") && svg.ends_with("</svg>\n"));
        Ok(())
    }

    /// When it was that hot for good, and not by a spike.
    fn first_above(raw: &[SensorEvent<f64>], celsius: f64) -> Timestamp {
        let hot = raw.windows(3).find(|three| three.iter().all(|event| event.val > celsius && event.val < 100.0));
        hot.map_or(Timestamp::from_nanos(i64::MAX), |three| three[0].ts)
    }
}
