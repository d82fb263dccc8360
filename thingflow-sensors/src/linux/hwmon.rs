//! [`Hwmon`]: any hardware monitor of the kernel.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use super::sysfs::{entries, number, read_or_find, text};
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity};

/// A value of a hardware monitor: a voltage of the board, the speed of a fan, the current of a supply.
///
/// - Units and ranges, outside of which there is no reading; [`range`](Self::range) makes the range that of the device:
///
///   | value | unit | range |
///   |---|---|---|
///   | `temp` | degrees Celsius | -100 to 200 |
///   | `in` | volts | ±1,000 |
///   | `curr` | amperes | ±1,000 |
///   | `power` | watts | ±100,000 |
///   | `energy` | joules | 0 to 10¹³ |
///   | `humidity` | percent | 0 to 100 |
///   | `fan` | turns a minute | 0 to 100,000 |
///   | `freq` | hertz | 0 to 10¹² |
///   | others | as the kernel's `Documentation/hwmon/sysfs-interface.rst` says | any number |
///
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
    quantity: Quantity,
}

#[derive(Debug)]
struct Found {
    path: PathBuf,
    unit: f64,
    quantity: Quantity,
}

/// What there is, and how many of the kernel's units make one of ours.
const KINDS: [(&str, f64, Quantity); 8] = [
    ("temp", 1e3, Quantity::new("temperature", "°C", -100.0..=200.0)),
    ("in", 1e3, Quantity::new("voltage", "V", -1e3..=1e3)),
    ("curr", 1e3, Quantity::new("current", "A", -1e3..=1e3)),
    ("power", 1e6, Quantity::new("power", "W", -1e5..=1e5)),
    ("energy", 1e6, Quantity::new("energy", "J", 0.0..=1e13)),
    ("humidity", 1e3, Quantity::new("humidity", "%", 0.0..=100.0)),
    ("fan", 1.0, Quantity::new("speed", "1/min", 0.0..=1e5)),
    ("freq", 1.0, Quantity::new("frequency", "Hz", 0.0..=1e12)),
];
/// Of any other kind.
const ANY: (f64, Quantity) = (1.0, Quantity::new("value", "", f64::MIN..=f64::MAX));

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
        let found = Found::find(&monitors, &monitor, &value)?;
        let quantity = found.quantity;
        Ok(Self { id: id.into(), monitors, monitor, value, found: Some(found), quantity })
    }

    /// Another range, in the unit of the value: that of the device, if you know it.
    #[must_use]
    pub fn range(self, range: RangeInclusive<f64>) -> Self {
        let quantity = Quantity::new(self.quantity.name(), self.quantity.unit(), range);
        Self { quantity, ..self }
    }

    /// The values that there are, each as `monitor/value`, such as `k10temp/temp1`.
    ///
    /// ```
    /// use thingflow_sensors::linux::{Hwmon, LinuxError};
    /// for name in Hwmon::values() {
    ///     let (monitor, value) = name.split_once('/').unwrap_or_default();
    ///     let _sensor = Hwmon::new("x", monitor, value)?;
    /// }
    /// # Ok::<(), LinuxError>(())
    /// ```
    pub fn values() -> Vec<String> {
        Found::all(Path::new("/sys/class/hwmon"))
    }
}

impl Found {
    fn all(monitors: &Path) -> Vec<String> {
        let mut there = Vec::new();
        for (number, directory) in entries(monitors, "hwmon", "") {
            let name = text(&directory.join("name")).unwrap_or(number);
            let inputs = entries(&directory, "", "_input").into_iter();
            there.extend(inputs.map(|(file, _)| format!("{name}/{}", file.trim_end_matches("_input"))));
        }
        there
    }

    fn find(monitors: &Path, monitor: &str, value: &str) -> Result<Self, LinuxError> {
        for (number, directory) in entries(monitors, "hwmon", "") {
            let name = text(&directory.join("name")).unwrap_or_else(|| number.clone());
            let of_this = name == monitor || number == monitor;
            for (file, path) in entries(&directory, "", "_input") {
                let input = file.trim_end_matches("_input");
                let label = text(&directory.join(format!("{input}_label")));
                if of_this && (input == value || label.as_deref() == Some(value)) {
                    let (unit, quantity) = kind(input);
                    return Ok(Self { path, unit, quantity });
                }
            }
        }
        let there = Self::all(monitors);
        Err(LinuxError::NotThere { what: format!("value `{monitor}/{value}` in /sys/class/hwmon"), there })
    }

    fn read(&self) -> Result<f64, LinuxError> {
        Ok(number(&self.path)? / self.unit)
    }
}

fn kind(input: &str) -> (f64, Quantity) {
    let kind = input.trim_end_matches(|c: char| c.is_ascii_digit());
    KINDS.iter().find(|(of, ..)| *of == kind).map_or(ANY, |(_, unit, quantity)| (*unit, *quantity))
}

impl Measures for Hwmon {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [self.quantity]
    }
}

impl Device for Hwmon {
    type Reading = f64;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(format_args!("value `{}/{}`", self.monitor, self.value), value)
    }
}

impl DirectDevice for Hwmon {
    fn measure(&mut self) -> Result<f64, SampleError<LinuxError>> {
        let find = || Found::find(&self.monitors, &self.monitor, &self.value);
        Ok(read_or_find(&mut self.found, find, Found::read)?)
    }
}

sensor!([] Hwmon => f64, LinuxError);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use std::fs;
    use thingflow_core::Sensor;

    pub(crate) fn fed(number: &str) -> Fed {
        let root = tempfile::tempdir().unwrap();
        let monitor = root.path().join("sys/class/hwmon/hwmon0");
        fs::create_dir_all(&monitor).unwrap();
        let mut fed = Fed::default();
        for kind in KINDS.map(|(kind, ..)| kind).into_iter().chain(["other"]) {
            fs::write(monitor.join(format!("{kind}1_input")), number).unwrap();
            fed = fed.and(specimen::direct(Hwmon::under(root.path(), "x", "hwmon0", &format!("{kind}1")).unwrap()));
        }
        fed
    }

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
    fn f23_a_value_that_cannot_be_is_no_reading() {
        let root = machine();
        let mut chip = Hwmon::under(root.path(), "chip", "k10temp", "Tctl").unwrap();
        let file = root.path().join("sys/class/hwmon/hwmon0/temp1_input");
        for text in ["3892313987", "-128000", "255000", "1e300"] {
            fs::write(&file, text).unwrap();
            let error = chip.sample().unwrap_err().to_string();
            assert!(error.starts_with("value `k10temp/Tctl`: temperature of "), "{error}");
        }
        fs::write(&file, "300000").unwrap();
        assert_eq!(chip.range(0.0..=1000.0).sample().unwrap(), 300.0);
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
