//! [`Hwmon`]: any hardware monitor of the kernel.

use std::path::{Path, PathBuf};

use thingflow_core::{SampleError, Sensor, SensorId};

use super::LinuxError;
use super::sysfs::{entries, number, read_or_find, text};

/// A value of a hardware monitor: a voltage of the board, the speed of a fan, the current of a supply.
///
/// - Units: `in` volts, `temp` degrees Celsius, `curr` amperes, `power` watts, `energy` joules, `humidity` percent,
///   `fan` turns a minute, `freq` hertz.
/// - Source: `/sys/class/hwmon/hwmon*/*_input`. Reading takes up to some milliseconds, on slow buses more: an edge
///   thread is the place for those.
/// - A monitor that was unplugged has another number when it comes back; after a failure it is looked for anew by its
///   name.
///
/// ```no_run
/// use thingflow_core::Sensor;
/// use thingflow_sensors::linux::Hwmon;
/// let mut fan = Hwmon::new("fan", "pwmfan", "fan1")?;
/// println!("{} turns a minute", fan.sample()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Hwmon {
    id: SensorId,
    monitors: PathBuf,
    monitor: String,
    value: String,
    /// None after a failure.
    found: Option<Found>,
}

#[derive(Debug)]
struct Found {
    path: PathBuf,
    unit: f64,
}

/// How many of the kernel's units make one of ours.
const UNITS: [(&str, f64); 6] =
    [("in", 1e3), ("temp", 1e3), ("curr", 1e3), ("humidity", 1e3), ("power", 1e6), ("energy", 1e6)];

impl Hwmon {
    /// A value of the first monitor of that name (`rpi_volt`, `k10temp`, `hwmon0`) that has it: by its file (`in0`,
    /// `fan1`) or by its label (`Tctl`).
    ///
    /// # Errors
    /// If there is none; the text lists those there are.
    pub fn new(id: impl Into<SensorId>, monitor: &str, value: &str) -> Result<Self, LinuxError> {
        Self::under("/", id, monitor, value)
    }

    /// A value of the machine whose root directory is `root`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn under(
        root: impl AsRef<Path>,
        id: impl Into<SensorId>,
        monitor: &str,
        value: &str,
    ) -> Result<Self, LinuxError> {
        let monitors = root.as_ref().join("sys/class/hwmon");
        let (monitor, value) = (monitor.to_owned(), value.to_owned());
        let found = Some(Found::find(&monitors, &monitor, &value)?);
        Ok(Self { id: id.into(), monitors, monitor, value, found })
    }
}

impl Found {
    fn find(monitors: &Path, monitor: &str, value: &str) -> Result<Self, LinuxError> {
        let mut there = Vec::new();
        for (number, directory) in entries(monitors, "hwmon", "") {
            let name = text(&directory.join("name")).unwrap_or_else(|| number.clone());
            let of_this = name == monitor || number == monitor;
            for (file, path) in entries(&directory, "", "_input") {
                let input = file.trim_end_matches("_input");
                let label = text(&directory.join(format!("{input}_label")));
                if of_this && (input == value || label.as_deref() == Some(value)) {
                    return Ok(Self { path, unit: unit(input) });
                }
                there.push(format!("{name}/{input}"));
            }
        }
        Err(LinuxError::NotThere { what: format!("value `{monitor}/{value}` in /sys/class/hwmon"), there })
    }

    fn read(&self) -> Result<f64, LinuxError> {
        Ok(number(&self.path)? / self.unit)
    }
}

fn unit(input: &str) -> f64 {
    let kind = input.trim_end_matches(|c: char| c.is_ascii_digit());
    UNITS.iter().find(|(of, _)| *of == kind).map_or(1.0, |(_, unit)| *unit)
}

impl Sensor for Hwmon {
    type Reading = f64;
    type Error = LinuxError;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<LinuxError>> {
        let find = || Found::find(&self.monitors, &self.monitor, &self.value);
        Ok(read_or_find(&mut self.found, find, Found::read)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("hwmon0/name", "k10temp\n"),
            ("hwmon0/temp1_input", "48250\n"),
            ("hwmon0/temp1_label", "Tctl\n"),
            ("hwmon1/name", "ina219\n"),
            ("hwmon1/in1_input", "11980\n"),
            ("hwmon1/curr1_input", "-250\n"),
            ("hwmon1/power1_input", "2995000\n"),
            ("hwmon2/name", "pwmfan\n"),
            ("hwmon2/fan1_input", "1234\n"),
            ("hwmon3/name", "k10temp\n"),
            ("hwmon3/temp2_input", "50000\n"),
        ] {
            let path = root.path().join("sys/class/hwmon").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn reads_every_kind_of_value_in_its_unit() {
        let root = machine();
        for (monitor, value, expected) in [
            ("k10temp", "temp1", 48.25),
            ("k10temp", "Tctl", 48.25),
            ("k10temp", "temp2", 50.0), // of the second monitor of that name
            ("ina219", "in1", 11.98),
            ("ina219", "curr1", -0.25),
            ("ina219", "power1", 2.995),
            ("hwmon2", "fan1", 1234.0),
        ] {
            let found = Hwmon::under(root.path(), "x", monitor, value).unwrap().sample().unwrap();
            assert!((found - expected).abs() < 1e-9, "{monitor} {value}: {found}");
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_those_there_are() {
        let error = Hwmon::under(machine().path(), "x", "k10temp", "fan1").unwrap_err().to_string();
        assert!(error.starts_with("no value `k10temp/fan1` in /sys/class/hwmon; there is k10temp/temp1"), "{error}");
        assert!(error.ends_with("pwmfan/fan1, k10temp/temp2"), "{error}");
    }

    #[test]
    fn a_monitor_comes_back_under_another_number() {
        let root = machine();
        let mut fan = Hwmon::under(root.path(), "fan", "pwmfan", "fan1").unwrap();
        let monitors = root.path().join("sys/class/hwmon");
        fs::rename(monitors.join("hwmon2"), monitors.join("gone")).unwrap();
        assert!(fan.sample().unwrap_err().to_string().contains("cannot be read"));
        assert!(fan.sample().unwrap_err().to_string().starts_with("no value `pwmfan/fan1`"));
        fs::rename(monitors.join("gone"), monitors.join("hwmon5")).unwrap();
        assert_eq!(fan.sample().unwrap(), 1234.0);
    }
}
