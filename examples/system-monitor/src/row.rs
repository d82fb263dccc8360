//! [`Row`]: the last minute of one value, and what it means.

use std::collections::VecDeque;
use std::fmt;

use thingflow::prelude::*;

/// So many readings make a row: at one a second, the last minute.
const MOST: usize = 60;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The latest readings of one sensor, at least one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: SensorId,
    /// When the last one was taken.
    at: Timestamp,
    readings: VecDeque<f64>,
}

/// What the readings of a sensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Percent,
    /// Bytes since the reading before, so mostly bytes a second.
    Bytes,
    Celsius,
}

/// Where an alarm begins and where it is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    pub(crate) over: f64,
    pub(crate) begins: f64,
}

impl Unit {
    /// Sensors are named so that their names tell: `temp cpu`, `eth0 in`, `disk /`.
    pub(crate) fn of(id: &str) -> Self {
        match id {
            id if id.starts_with("temp ") => Self::Celsius,
            id if [" in", " out", " read", " write"].iter().any(|end| id.ends_with(end)) => Self::Bytes,
            _ => Self::Percent,
        }
    }

    pub(crate) fn shown(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{value:.1} %"),
            Self::Celsius => format!("{value:.1} °C"),
            Self::Bytes => {
                let power = [1e9, 1e6, 1e3].into_iter().zip(["GB", "MB", "kB"]).find(|(size, _)| value >= *size);
                power.map_or(format!("{value:.0} B"), |(size, name)| format!("{:.1} {name}", value / size))
            }
        }
    }
}

impl Limits {
    /// None for what is high because it is used.
    pub(crate) fn of(id: &str) -> Option<Self> {
        match id {
            "cpu" => Some(Self { over: 80.0, begins: 90.0 }),
            "memory" => Some(Self { over: 85.0, begins: 90.0 }),
            id if id.starts_with("disk /") => Some(Self { over: 90.0, begins: 95.0 }),
            id if id.starts_with("temp ") => Some(Self { over: 70.0, begins: 80.0 }),
            _ => None,
        }
    }
}

impl Row {
    pub(crate) fn new(event: &SensorEvent<f64>) -> Self {
        Self { id: event.sensor_id, at: event.ts, readings: VecDeque::from([event.val]) }
    }

    /// The row with one more reading, and without the oldest if there would be too many.
    pub(crate) fn with(mut self, event: &SensorEvent<f64>) -> Self {
        if self.readings.len() == MOST {
            self.readings.pop_front();
        }
        self.readings.push_back(event.val);
        self.at = event.ts;
        self
    }

    pub(crate) fn unit(&self) -> Unit {
        Unit::of(&self.id.to_string())
    }

    pub(crate) fn now(&self) -> f64 {
        self.readings.back().copied().unwrap_or_default()
    }

    #[allow(clippy::cast_precision_loss)] // a few readings
    pub(crate) fn mean(&self) -> f64 {
        self.readings.iter().sum::<f64>() / self.readings.len() as f64
    }

    pub(crate) fn min(&self) -> f64 {
        self.readings.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn max(&self) -> f64 {
        self.readings.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// A bar for each of the last readings: percents of a hundred, others of the greatest.
    pub(crate) fn sparkline(&self, width: usize) -> String {
        let top = if self.unit() == Unit::Percent { self.max().max(100.0) } else { self.max() };
        let newest = self.readings.iter().skip(self.readings.len().saturating_sub(width));
        newest.map(|reading| bar(reading / top)).collect()
    }
}

/// The bar of a share from 0 to 1.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it is rounded, and in range
fn bar(share: f64) -> char {
    let last = (BARS.len() - 1) as f64;
    BARS[(share.clamp(0.0, 1.0) * last).round().max(0.0) as usize]
}

/// All of it, exactly: two rows that differ differ here.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (now, mean, min, max) = (self.now(), self.mean(), self.min(), self.max());
        write!(f, "{} {}: now {now}, mean {mean}, min {min}, max {max}", self.at, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, readings: &[f64]) -> Row {
        let event = |reading: &f64| SensorEvent::new(SensorId::intern(id), Timestamp::from_secs(1), *reading);
        let first = Row::new(&event(&readings[0]));
        readings[1..].iter().fold(first, |row, reading| row.with(&event(reading)))
    }

    #[test]
    fn a_row_sums_up_the_last_minute() {
        let text = row("cpu", &[10.0, 40.0, 25.0]).to_string();
        assert_eq!(text, "1970-01-01T00:00:01Z cpu: now 25, mean 25, min 10, max 40");
        let mut readings = vec![100.0];
        readings.extend([1.0; MOST]);
        assert_eq!(row("cpu", &readings).max(), 1.0, "the oldest has gone");
    }

    #[test]
    fn bars_show_the_course() {
        assert_eq!(row("cpu", &[0.0, 50.0, 100.0]).sparkline(10), "▁▅█");
        assert_eq!(row("eth0 in", &[0.0, 5.0, 10.0]).sparkline(2), "▅█");
        assert_eq!(row("eth0 in", &[0.0]).sparkline(2), "▁", "of nothing");
        assert_eq!(row("temp x", &[-5.0]).sparkline(2), "█");
    }

    #[test]
    fn values_have_units() {
        let shown = |id: &str, value| Unit::of(id).shown(value);
        assert_eq!(shown("disk /", 5.04), "5.0 %");
        assert_eq!(shown("temp cpu", 45.0), "45.0 °C");
        assert_eq!(
            [0.0, 999.0, 1500.0, 2.5e6, 3e9].map(|bytes| shown("disk read", bytes)),
            ["0 B", "999 B", "1.5 kB", "2.5 MB", "3.0 GB"]
        );
    }
}
