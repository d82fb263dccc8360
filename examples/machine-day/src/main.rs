//! A series with gaps and spikes → what is missing is said → spikes are left out → an even grid → a trend → where it leads → an
//! alarm before it is too much; and a picture of before and after.
//!
//! There are two of them: a day of a machine's temperature, which is made up so that all of that happens in it, and the memory
//! in use on a machine with two processors that compiled Rust for an hour, recorded by `system-monitor --csv` on 2026-11-30.
//!
//! ```sh
//! cargo run -p machine-day                    # the day
//! cargo run -p machine-day -- day.svg         # with a picture
//! cargo run -p machine-day -- --hour hour.svg # the hour
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

/// A series, and what is to be known of it.
struct Series {
    file: &'static str,
    title: &'static str,
    unit: &'static str,
    /// How often a reading comes.
    period: Duration,
    /// The grid on which the trend is laid.
    step: Duration,
    /// A longer silence is not filled: nobody knows what was there.
    longest_gap: Duration,
    /// How far the forecast looks.
    ahead: Duration,
    /// The alarm ends below the first and begins at the second.
    alarm: (f64, f64),
}

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

const DAY: Series = Series {
    file: concat!(env!("CARGO_MANIFEST_DIR"), "/day.csv"),
    title: "A day of a machine",
    unit: "°C",
    period: minutes(2),
    step: minutes(5),
    longest_gap: minutes(15),
    ahead: minutes(60),
    alarm: (68.0, 72.0),
};

const HOUR: Series = Series {
    file: concat!(env!("CARGO_MANIFEST_DIR"), "/hour.csv"),
    title: "An hour of a machine: memory",
    unit: "%",
    period: Duration::from_secs(1),
    step: Duration::from_secs(10),
    longest_gap: Duration::from_secs(30),
    ahead: minutes(5),
    alarm: (25.0, 35.0),
};

/// What comes out of a series.
struct Findings {
    /// As it was recorded.
    raw: Port<SensorEvent<f64>>,
    /// When the sensor has been silent.
    gaps: Port<Timestamp>,
    /// Without spikes, on the grid.
    clean: Port<SensorEvent<f64>>,
    /// What it will be later.
    forecast: Port<SensorEvent<f64>>,
    /// When the alarm begins and ends.
    alarm: Port<SensorEvent<bool>>,
}

/// Connects and schedules the series.
fn findings(scheduler: &Scheduler, series: &'static Series) -> Result<Findings, Box<dyn Error>> {
    let found =
        Findings { raw: Port::new(), gaps: Port::new(), clean: Port::new(), forecast: Port::new(), alarm: Port::new() };
    let Findings { raw, gaps, clean, forecast, alarm } = &found;
    let missing = raw.mark_gaps(series.period).filter(|event| event.val.is_none()).map(|event| event.ts);
    missing.connect(gaps.clone());
    let good = raw.qualify(Hampel::<9>::new(6.0)).good_only();
    good.resample(series.step, Interpolation::Linear, series.longest_gap).connect(clean.clone());
    let lines = clean.map(with_time).aggregate(Window::sliding(12), Trend::new());
    lines.map(|event| later(event, series.ahead)).connect(forecast.clone());
    let edges = forecast.hysteresis(series.alarm.0, series.alarm.1).edges();
    edges.map(|event| event.map(|edge| edge == Edge::Rising)).connect(alarm.clone());
    scheduler.schedule_recurring(csv::read::<f64>(Path::new(series.file))?.as_recorded().connect(raw.clone()))?;
    Ok(found)
}

fn with_time(event: SensorEvent<f64>) -> SensorEvent<(Timestamp, f64)> {
    let ts = event.ts;
    event.map(|value| (ts, value))
}

fn later(event: SensorEvent<Line<Timestamp, f64>>, ahead: Duration) -> SensorEvent<f64> {
    let later = event.ts + ahead;
    event.map(|line| line.at(later))
}

/// A picture with a gap where nothing came for a while.
fn picture(path: &Path, series: &Series) -> Plot {
    Plot::new(path).title(series.title).unit(series.unit).gap(series.longest_gap)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args_os().skip(1).peekable();
    let series = if words.next_if(|word| word == "--hour").is_some() { &HOUR } else { &DAY };
    let mut scheduler = Scheduler::virtual_time()?;
    let Findings { raw, gaps, clean, forecast, alarm } = findings(&scheduler, series)?;
    gaps.for_each(|at| println!("{at} nothing was recorded for a while"));
    alarm.for_each(|event| match event.val {
        true => println!("{} ALARM: in {:?} it is too much", event.ts, series.ahead),
        false => println!("{} the forecast is calm again", event.ts),
    });
    if let Some(path) = words.next() {
        let picture = picture(Path::new(&path), series);
        raw.connect(picture.series("recorded"));
        clean.connect(picture.series("clean"));
        forecast.connect(picture.series("what it will be later"));
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
        let day = findings(&scheduler, &DAY)?;
        day.gaps.connect(gaps.clone());
        day.alarm.map(|event| (event.ts.to_string(), event.val)).connect(alarm.clone());
        day.clean.connect(clean.clone());
        day.raw.connect(raw.clone());
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("day.svg");
        let picture = picture(&path, &DAY);
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

    #[test]
    fn the_hour_is_told_as_it_was() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let (raw, gaps, alarm, clean) = (Recorder::new(), Recorder::new(), Recorder::new(), Recorder::new());
        let hour = findings(&scheduler, &HOUR)?;
        hour.raw.connect(raw.clone());
        hour.gaps.connect(gaps.clone());
        hour.alarm.map(|event| event.val).connect(alarm.clone());
        hour.clean.connect(clean.clone());
        scheduler.run_forever()?;

        let raw: Vec<SensorEvent<f64>> = raw.events();
        let silences = raw.windows(2).filter(|two| two[1].ts.as_nanos() - two[0].ts.as_nanos() >= 1_500_000_000);
        let silent: Vec<Timestamp> = silences.map(|two| two[0].ts + HOUR.period).collect();
        assert!(raw.len() > 3_000 && !silent.is_empty());
        assert_eq!(gaps.events(), silent);
        // On the grid, and never beyond what was there.
        let (least, most) = raw
            .iter()
            .fold((100.0, 0.0), |(least, most): (f64, f64), event| (least.min(event.val), most.max(event.val)));
        let clean: Vec<SensorEvent<f64>> = clean.events();
        assert!(clean.len() > 300 && clean.iter().all(|event| event.ts.as_nanos() % 10_000_000_000 == 0));
        assert!(clean.iter().all(|event| (least..=most).contains(&event.val)));
        // An alarm begins before it ends.
        let alarms: Vec<bool> = alarm.events();
        assert!(alarms.iter().enumerate().all(|(n, begins)| *begins == (n % 2 == 0)), "{alarms:?}");
        Ok(())
    }

    /// When it was that hot for good, and not by a spike.
    fn first_above(raw: &[SensorEvent<f64>], celsius: f64) -> Timestamp {
        let hot = raw.windows(3).find(|three| three.iter().all(|event| event.val > celsius && event.val < 100.0));
        hot.map_or(Timestamp::from_nanos(i64::MAX), |three| three[0].ts)
    }
}
