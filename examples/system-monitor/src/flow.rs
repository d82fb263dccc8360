//! The flow: readings by sensor → the last minute of each → alarms. The same for what is read and for a recording.

use std::fmt;

use thingflow::prelude::*;

use crate::row::{Limits, Row, Unit};

/// An alarm is about the mean of so many readings, so that none is raised by the first one, nor by a short peak.
pub(crate) const STEADY: usize = 5;

/// What the flow makes of readings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finding {
    Row(Row),
    Alarm(Alarm),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alarm {
    pub(crate) id: SensorId,
    limits: Limits,
    /// Whether it begins; else it is over.
    pub(crate) begins: bool,
}

/// Connects the flow; its port sends the findings in the order of the readings.
pub(crate) fn watch(readings: &Port<SensorEvent<f64>>) -> Port<Finding> {
    let findings = Port::new().named("findings");
    let to = findings.clone();
    readings.group_by(|event| event.sensor_id).for_each(move |(id, readings)| {
        let readings = readings.named(format!("group {id}"));
        readings.pipe(row()).map(Finding::Row).connect(to.clone());
        if let Some(limits) = Limits::of(&id.to_string()) {
            let alarm = move |begins| Finding::Alarm(Alarm { id, limits, begins });
            readings.map(|event| event.val).pipe(changes(limits)).map(alarm).connect(to.clone());
        }
    });
    findings
}

/// Of each reading the row of the last ones.
fn row() -> Pipe<SensorEvent<f64>, impl Filter<SensorEvent<f64>, Out = Row>> {
    pipe().map_with(None, |row: &mut Option<Row>, event: SensorEvent<f64>| {
        let now = row.take().map_or_else(|| Row::new(&event), |row| row.with(&event));
        row.insert(now).clone()
    })
}

/// Sends `true` when the mean has risen above the upper limit, and `false` when it has fallen below the lower one again.
fn changes(limits: Limits) -> Pipe<f64, impl Filter<f64, Out = bool>> {
    let steady = pipe().running_avg(STEADY).skip(STEADY - 1);
    steady.hysteresis(limits.over, limits.begins).start_with([false]).dedup().skip(1)
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |limit| Unit::of(&self.id.to_string()).shown(limit);
        let Limits { over, begins } = self.limits;
        match self.begins {
            true => write!(f, "alarm: {} is above {}", self.id, shown(begins)),
            false => write!(f, "over: {} is below {} again", self.id, shown(over)),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(row) => row.fmt(f),
            Self::Alarm(alarm) => alarm.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;
    use std::time::Duration;
    use thingflow::testing::{ListSensor, Recorder};

    /// What the flow finds in these readings, one a second.
    fn found(id: &'static str, readings: impl Into<Vec<f64>>) -> Result<Vec<String>, Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let sensor = SensorOutput::new(ListSensor::new(id, readings));
        let seen = Recorder::new();
        watch(sensor.port()).map(|finding| finding.to_string()).connect(seen.clone());
        scheduler.schedule_periodic(sensor, Duration::from_secs(1))?;
        scheduler.run_forever()?;
        Ok(seen.events())
    }

    /// The same, the alarms only.
    fn alarms(id: &'static str, readings: impl Into<Vec<f64>>) -> Result<Vec<String>, Box<dyn Error>> {
        let is_alarm = |text: &String| text.starts_with("alarm: ") || text.starts_with("over: ");
        Ok(found(id, readings)?.into_iter().filter(is_alarm).collect())
    }

    #[test]
    fn each_reading_is_a_row() -> Result<(), Box<dyn Error>> {
        let rows = found("cpu", [50.0, 100.0])?;
        assert_eq!(rows[1], "1970-01-01T00:00:02Z cpu: now 100, mean 75, min 50, max 100");
        assert_eq!(rows.len(), 2);
        Ok(())
    }

    #[test]
    fn f81_no_alarm_comes_of_the_first_readings_or_of_a_peak() -> Result<(), Box<dyn Error>> {
        assert_eq!(alarms("cpu", [100.0; 4])?, [""; 0]);
        assert_eq!(alarms("cpu", [100.0; 5])?, ["alarm: cpu is above 90.0 %"]);
        assert_eq!(alarms("cpu", [10.0, 10.0, 10.0, 10.0, 100.0, 100.0, 10.0])?, [""; 0]);
        Ok(())
    }

    #[test]
    fn an_alarm_is_over_well_below_its_limit_and_may_come_again() -> Result<(), Box<dyn Error>> {
        let steps = [100.0, 85.0, 95.0, 70.0, 100.0].iter().flat_map(|load| [*load; 6]).collect::<Vec<_>>();
        let expected = ["alarm: cpu is above 90.0 %", "over: cpu is below 80.0 % again", "alarm: cpu is above 90.0 %"];
        assert_eq!(alarms("cpu", steps)?, expected);
        assert_eq!(alarms("top process", [100.0; 9])?, [""; 0], "a process may be busy");
        Ok(())
    }
}
