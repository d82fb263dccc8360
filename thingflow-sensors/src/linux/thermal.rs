//! [`Thermal`]: the temperatures that the kernel knows.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use super::sysfs::{entries, read_or_find, text};
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity};

/// A temperature of the machine: of its processor, its board, a disk.
///
/// - Unit: degrees Celsius, -100 to 200, in steps of mostly 0.1 to 1 degree. What is outside, such as the -274 of a sensor
///   that is switched off, is no reading; [`range`](Self::range) makes the range that of the chip.
/// - Source: `/sys/class/thermal/thermal_zone*/temp` and `/sys/class/hwmon/hwmon*/temp*_input`. Reading takes up to
///   some milliseconds, on slow buses more: an edge thread is the place for those.
/// - What was unplugged has another number when it comes back; after a failure it is looked for anew by its name.
///
/// ```no_run
/// use thingflow_core::Sensor;
/// use thingflow_sensors::linux::Thermal;
/// let mut chip = Thermal::new("chip", "cpu-thermal")?; // a Raspberry Pi's
/// println!("{:.1} °C", chip.sample()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Thermal {
    id: SensorId,
    root: PathBuf,
    name: String,
    /// None after a failure.
    path: Option<PathBuf>,
    quantity: Quantity,
}

/// What electronics bear, with some room.
const TEMPERATURE: Quantity = Quantity::new("temperature", "°C", -100.0..=200.0);

impl Thermal {
    /// The temperature of that name: a zone's type or directory (`cpu-thermal`, `thermal_zone0`), or a hardware monitor
    /// with one of its inputs (`k10temp/temp1`). The first one of that name is taken.
    ///
    /// # Errors
    /// If there is none of that name; the text lists those there are.
    pub fn new(id: impl Into<SensorId>, name: &str) -> Result<Self, LinuxError> {
        Self::under("/", id, name)
    }

    /// A temperature of the machine whose root directory is `root`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn under(root: impl AsRef<Path>, id: impl Into<SensorId>, name: &str) -> Result<Self, LinuxError> {
        let (root, name) = (root.as_ref().to_owned(), name.to_owned());
        let path = Some(find(&root, &name)?);
        Ok(Self { id: id.into(), root, name, path, quantity: TEMPERATURE })
    }

    /// Another range, in degrees Celsius: that of the chip, if you know it.
    #[must_use]
    pub fn range(self, celsius: RangeInclusive<f64>) -> Self {
        Self { quantity: Quantity::new("temperature", "°C", celsius), ..self }
    }

    /// The names of the temperatures that there are.
    ///
    /// ```
    /// use thingflow_sensors::linux::{LinuxError, Thermal};
    /// let all: Result<Vec<_>, LinuxError> = Thermal::names().iter().map(|name| Thermal::new("chip", name)).collect();
    /// # assert!(all.is_ok());
    /// ```
    pub fn names() -> Vec<String> {
        names(all(Path::new("/")))
    }
}

fn find(root: &Path, name: &str) -> Result<PathBuf, LinuxError> {
    let all = all(root);
    match all.iter().find(|found| found.names.iter().any(|other| other == name)) {
        Some(found) => Ok(found.path.clone()),
        None => Err(LinuxError::NotThere {
            what: format!("temperature `{name}` in /sys/class/thermal or /sys/class/hwmon"),
            there: names(all),
        }),
    }
}

fn all(root: &Path) -> Vec<Found> {
    let mut all = zones(root);
    all.extend(monitors(root));
    all
}

/// By which each can be asked for.
fn names(all: Vec<Found>) -> Vec<String> {
    all.into_iter().filter_map(|found| found.names.into_iter().next()).collect()
}

/// A temperature and what it may be called.
struct Found {
    names: Vec<String>,
    path: PathBuf,
}

fn zones(root: &Path) -> Vec<Found> {
    let zones = entries(&root.join("sys/class/thermal"), "thermal_zone", "");
    zones
        .into_iter()
        .map(|(name, zone)| Found {
            names: [text(&zone.join("type")), Some(name)].into_iter().flatten().collect(),
            path: zone.join("temp"),
        })
        .collect()
}

fn monitors(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    for (directory, monitor) in entries(&root.join("sys/class/hwmon"), "hwmon", "") {
        let name = text(&monitor.join("name")).unwrap_or_else(|| directory.clone());
        for (input, path) in entries(&monitor, "temp", "_input") {
            let input = input.trim_end_matches("_input");
            found.push(Found { names: vec![format!("{name}/{input}"), format!("{directory}/{input}")], path });
        }
    }
    found
}

impl Measures for Thermal {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [self.quantity]
    }
}

impl Device for Thermal {
    type Reading = f64;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(format_args!("temperature `{}`", self.name), value)
    }
}

impl DirectDevice for Thermal {
    fn measure(&mut self) -> Result<f64, SampleError<LinuxError>> {
        Ok(read_or_find(&mut self.path, || find(&self.root, &self.name), |path| celsius(path))?)
    }
}

sensor!([] Thermal => f64, LinuxError);

fn celsius(path: &Path) -> Result<f64, LinuxError> {
    let text = fs::read_to_string(path).map_err(LinuxError::unreadable(path))?;
    millidegrees(&text)
        .ok_or_else(|| LinuxError::malformed(path, format_args!("expected thousandths of a degree, found {text:?}")))
}

fn millidegrees(text: &str) -> Option<f64> {
    text.trim().parse::<i32>().ok().map(|t| f64::from(t) / 1000.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use proptest::prelude::*;
    use thingflow_core::Sensor;

    pub(crate) fn fed(number: &str) -> Fed {
        let root = machine();
        fs::write(root.path().join("sys/class/thermal/thermal_zone0/temp"), number).unwrap();
        specimen::direct(Thermal::under(root.path(), "x", "cpu-thermal").unwrap())
    }

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
            ("sys/class/thermal/thermal_zone0/temp", "48312\n"),
            ("sys/class/hwmon/hwmon3/name", "rp1_adc\n"),
            ("sys/class/hwmon/hwmon3/temp1_input", "-1500\n"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn finds_zones_and_monitors_by_name() {
        let root = machine();
        let read = |name| Thermal::under(root.path(), "chip", name).unwrap().sample().unwrap();
        assert_eq!([read("cpu-thermal"), read("thermal_zone0")], [48.312; 2]);
        assert_eq!([read("rp1_adc/temp1"), read("hwmon3/temp1")], [-1.5; 2]);
    }

    #[test]
    fn a_wrong_name_is_answered_with_those_there_are() {
        let error = Thermal::under(machine().path(), "chip", "gpu").unwrap_err().to_string();
        assert!(error.starts_with("no temperature `gpu` in"), "{error}");
        assert!(error.ends_with("there is cpu-thermal, rp1_adc/temp1"), "{error}");
        let bare = tempfile::tempdir().unwrap();
        let error = Thermal::under(bare.path(), "chip", "gpu").unwrap_err().to_string();
        assert!(error.ends_with("there are none at all"), "{error}");
    }

    #[test]
    fn comes_back_under_another_number() {
        let root = machine();
        let mut chip = Thermal::under(root.path(), "chip", "rp1_adc/temp1").unwrap();
        let monitors = root.path().join("sys/class/hwmon");
        fs::rename(monitors.join("hwmon3"), monitors.join("gone")).unwrap();
        assert!(chip.sample().unwrap_err().to_string().contains("cannot be read"));
        fs::rename(monitors.join("gone"), monitors.join("hwmon0")).unwrap();
        assert_eq!(chip.sample().unwrap(), -1.5);
    }

    #[test]
    fn nonsense_is_an_error_of_this_sampling_only() {
        let root = machine();
        let mut chip = Thermal::under(root.path(), "chip", "cpu-thermal").unwrap();
        let temp = root.path().join("sys/class/thermal/thermal_zone0/temp");
        fs::write(&temp, "warm\n").unwrap();
        let error = chip.sample().unwrap_err().to_string();
        assert!(error.ends_with("expected thousandths of a degree, found \"warm\\n\""), "{error}");
        fs::write(&temp, "20000\n").unwrap();
        assert_eq!(chip.sample().unwrap(), 20.0);
    }

    #[test]
    fn f22_a_temperature_that_cannot_be_is_no_reading() {
        let root = machine();
        let mut chip = Thermal::under(root.path(), "chip", "cpu-thermal").unwrap();
        let temp = root.path().join("sys/class/thermal/thermal_zone0/temp");
        for text in ["-650788984", "-274000", "255000", "2147483647"] {
            fs::write(&temp, text).unwrap();
            let error = chip.sample().unwrap_err().to_string();
            assert!(error.starts_with("temperature `cpu-thermal`: temperature of "), "{error}");
            assert!(
                error.ends_with(
                    " °C is outside of the range from -100 to 200 °C; check the device, its wires and its driver"
                ),
                "{error}"
            );
        }
        let mut furnace = Thermal::under(root.path(), "furnace", "cpu-thermal").unwrap().range(0.0..=1200.0);
        fs::write(&temp, "1100000").unwrap();
        assert_eq!(furnace.sample().unwrap(), 1100.0);
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = millidegrees(&text);
        }
    }
}
