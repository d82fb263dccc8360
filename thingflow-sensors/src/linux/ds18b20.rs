//! [`Ds18b20`]: the thermometer DS18B20 on a 1-Wire bus, through the kernel's driver.

use std::fs;
use std::path::{Path, PathBuf};

use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use super::sysfs::{entries, parsed};
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity};

/// The thermometer DS18B20.
///
/// - Unit: degrees Celsius, -55 to 125, in steps of 0.0625, ±0.5 between -10 and 85.
/// - Source: `/sys/bus/w1/devices/28-*/temperature`, any number of them on one wire. On a Raspberry Pi the line
///   `dtoverlay=w1-gpio` in `/boot/firmware/config.txt` switches the bus on, at pin 4.
/// - Wiring: 3 V to 5.5 V, and 4.7 kΩ from the data line up to 3.3 V. Give each chip its supply: those that live on the
///   data line are not reliable.
/// - A measurement takes 0.75 s, in which sampling blocks: for an edge thread. The kernel has no way to start one and
///   go on. Chips with their own supply measure at the same time if each has its own thread; where they are sampled one
///   after the other, the times add up. As root, `echo 9 > /sys/bus/w1/devices/28-*/resolution` makes it 0.1 s, in
///   steps of 0.5.
/// - A chip that lost its power answers 85 degrees; that counts as a failure, so a tank of exactly 85 degrees will
///   fail now and then.
///
/// ```no_run
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::linux::Ds18b20;
/// let mut scheduler = Scheduler::new()?;
/// for (id, chip) in [("tank", "28-0316a2f4d8ff"), ("return", "28-0416b3c5e900")] {
///     let probe = Ds18b20::new(id, chip)?;
///     scheduler.schedule_sensor_on_separate_thread(probe, Duration::from_secs(10))?.print();
/// }
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: data sheet of Analog Devices, 19-7487 rev. 6, and the kernel's driver `w1_therm`.
#[derive(Debug)]
pub struct Ds18b20 {
    id: SensorId,
    temperature: PathBuf,
}

const TEMPERATURE: Quantity = Quantity::new("temperature", "°C", -55.0..=125.0);
/// What the chip holds before its first measurement, in thousandths.
const POWER_ON: f64 = 85_000.0;

impl Ds18b20 {
    /// The chip with that serial number, such as `28-0316a2f4d8ff`; the first one for the name `28`.
    ///
    /// # Errors
    /// If there is none; the text lists those there are.
    pub fn new(id: impl Into<SensorId>, name: &str) -> Result<Self, LinuxError> {
        Self::under("/", id, name)
    }

    /// A chip of the machine whose root directory is `root`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn under(root: impl AsRef<Path>, id: impl Into<SensorId>, name: &str) -> Result<Self, LinuxError> {
        let chips = chips(root.as_ref());
        let Some((_, chip)) = chips.iter().find(|(found, _)| found == name || name == "28") else {
            let what = format!("chip `{name}` in /sys/bus/w1/devices");
            return Err(LinuxError::NotThere { what, there: chips.into_iter().map(|(name, _)| name).collect() });
        };
        Ok(Self { id: id.into(), temperature: chip.join("temperature") })
    }

    /// The serial numbers of the chips that there are, such as `28-0316a2f4d8ff`.
    pub fn chips() -> Vec<String> {
        chips(Path::new("/")).into_iter().map(|(name, _)| name).collect()
    }

    fn celsius(&self) -> Result<f64, LinuxError> {
        let path = &self.temperature;
        let text = fs::read_to_string(path).map_err(LinuxError::unreadable(path))?;
        let wrong = |why| Err(LinuxError::NoReading { path: path.clone(), why });
        if text.is_empty() {
            return wrong("a checksum was wrong, nobody answered, or another program has it measure at this moment");
        }
        match parsed(path, &text)? {
            POWER_ON => wrong("85 degrees, which a chip shows that has lost its power"),
            thousandths => Ok(thousandths / 1000.0),
        }
    }
}

fn chips(root: &Path) -> Vec<(String, PathBuf)> {
    entries(&root.join("sys/bus/w1/devices"), "28-", "")
}

impl Measures for Ds18b20 {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [TEMPERATURE]
    }
}

impl Device for Ds18b20 {
    type Reading = f64;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(self.temperature.display(), value)
    }
}

impl DirectDevice for Ds18b20 {
    fn measure(&mut self) -> Result<f64, SampleError<LinuxError>> {
        Ok(self.celsius()?)
    }
}

sensor!([] Ds18b20 => f64, LinuxError);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use thingflow_core::Sensor;

    pub(crate) fn fed(number: &str) -> Fed {
        let root = machine();
        write(root.path(), "28-0316a2f4d8ff/temperature", number);
        specimen::direct(Ds18b20::under(root.path(), "x", "28").unwrap())
    }

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "28-0316a2f4d8ff/temperature", "21312\n");
        write(root.path(), "28-0416b3c5e900/temperature", "-10125\n");
        root
    }
    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join("sys/bus/w1/devices").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn reads_the_chip_of_that_number() {
        let root = machine();
        let read = |name| Ds18b20::under(root.path(), "tank", name).unwrap().sample().unwrap();
        assert_eq!((read("28-0316a2f4d8ff"), read("28-0416b3c5e900"), read("28")), (21.312, -10.125, 21.312));
        let error = Ds18b20::under(root.path(), "tank", "28-1").unwrap_err().to_string();
        assert_eq!(error, "no chip `28-1` in /sys/bus/w1/devices; there is 28-0316a2f4d8ff, 28-0416b3c5e900");
    }

    #[test]
    fn each_way_to_have_no_reading_is_named() {
        let root = machine();
        for (text, why) in [
            ("85000\n", "temperature has no reading: 85 degrees, which a chip shows that has lost its power"),
            ("", "no reading: a checksum was wrong, nobody answered, or another program has it measure at this moment"),
            ("warm\n", "temperature is not what Linux documents: expected a number, found \"warm\\n\""),
        ] {
            write(root.path(), "28-0316a2f4d8ff/temperature", text);
            let error = Ds18b20::under(root.path(), "tank", "28").unwrap().sample().unwrap_err().to_string();
            assert!(error.ends_with(why), "{error}");
        }
    }
}
