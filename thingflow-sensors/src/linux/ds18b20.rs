//! [`Ds18b20`]: the thermometer DS18B20 on a 1-Wire bus, through the kernel's driver.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thingflow_core::{SampleError, Sensor, SensorId};

use super::LinuxError;
use super::sysfs::{entries, number, text};
use crate::{Conversion, Progress};

/// The thermometer DS18B20.
///
/// - Unit: degrees Celsius, -55 to 125, in steps of 0.0625, ±0.5 between -10 and 85.
/// - Source: `/sys/bus/w1/devices/28-*/temperature`, any number of them on one wire. On a Raspberry Pi the line
///   `dtoverlay=w1-gpio` in `/boot/firmware/config.txt` switches the bus on, at pin 4.
/// - Wiring: 3 V to 5.5 V, and 4.7 kΩ from the data line up to 3.3 V. Give each chip its supply: those that live on the
///   data line are not reliable.
/// - A measurement takes 0.75 s. As a [`Sensor`] it blocks that long: for an edge thread. As a [`Conversion`], for
///   [`Converting`](crate::Converting), all chips of the wire measure at once while the program goes on; kernels before
///   2020 cannot do that.
/// - A chip that lost its power answers 85 degrees; that counts as a failure, so a tank of exactly 85 degrees will
///   fail now and then.
///
/// ```no_run
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::{Converting, linux::Ds18b20};
/// let tank = Ds18b20::new("tank", "28-0316a2f4d8ff")?;
/// let scheduler = Scheduler::new()?;
/// scheduler.schedule_periodic(Converting::new(tank, call(|e| println!("{e}"))), Duration::from_secs(10))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: data sheet of Analog Devices, 19-7487 rev. 6, and the kernel's `Documentation/w1/slaves/w1_therm.rst`.
#[derive(Debug)]
pub struct Ds18b20 {
    id: SensorId,
    temperature: PathBuf,
    /// The bus's file by which all chips are told to measure.
    bulk: Option<PathBuf>,
}

const TAKES: Duration = Duration::from_millis(750);
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
        let devices = root.as_ref().join("sys/bus/w1/devices");
        let chips = entries(&devices, "28-", "");
        let Some((_, chip)) = chips.iter().find(|(found, _)| found == name || name == "28") else {
            let what = format!("chip `{name}` in /sys/bus/w1/devices");
            return Err(LinuxError::NotThere { what, there: chips.into_iter().map(|(name, _)| name).collect() });
        };
        // The chip's directory is a link into that of its bus; a test's is not.
        let inside = chip.canonicalize().ok().and_then(|chip| Some(chip.parent()?.join("therm_bulk_read")));
        let buses = entries(&devices, "w1_bus_master", "").into_iter().map(|(_, bus)| bus.join("therm_bulk_read"));
        let bulk = inside.into_iter().chain(buses).find(|bulk| bulk.exists());
        Ok(Self { id: id.into(), temperature: chip.join("temperature"), bulk })
    }

    fn celsius(&self) -> Result<f64, LinuxError> {
        match number(&self.temperature)? {
            POWER_ON => {
                Err(LinuxError::malformed(&self.temperature, "85 degrees, which a chip shows that has lost its power"))
            }
            thousandths => Ok(thousandths / 1000.0),
        }
    }
}

impl Sensor for Ds18b20 {
    type Reading = f64;
    type Error = LinuxError;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<LinuxError>> {
        Ok(self.celsius()?)
    }
}

impl Conversion for Ds18b20 {
    type Reading = f64;
    type Error = LinuxError;

    fn id(&self) -> SensorId {
        self.id
    }
    fn start(&mut self) -> Result<Duration, LinuxError> {
        let Some(bulk) = &self.bulk else {
            let what = "file `therm_bulk_read` of the 1-Wire bus: kernels before 2020 have none".to_owned();
            return Err(LinuxError::NotThere { what, there: Vec::new() });
        };
        fs::write(bulk, "trigger\n").map_err(LinuxError::unreadable(bulk))?;
        Ok(TAKES)
    }
    fn read(&mut self) -> Result<Progress<f64>, LinuxError> {
        // -1: some chips still measure. Reading one of them now would block.
        if self.bulk.as_deref().and_then(text).as_deref() == Some("-1") {
            return Ok(Progress::AskIn(TAKES / 15));
        }
        self.celsius().map(Progress::Ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for path in ["28-0316a2f4d8ff/temperature", "28-0416b3c5e900/temperature", "w1_bus_master1/therm_bulk_read"] {
            write(root.path(), path, "21312\n");
        }
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
        write(root.path(), "28-0416b3c5e900/temperature", "-10125\n");
        let read = |name| Ds18b20::under(root.path(), "tank", name).unwrap().sample().unwrap();
        assert_eq!((read("28-0316a2f4d8ff"), read("28-0416b3c5e900"), read("28")), (21.312, -10.125, 21.312));
        let error = Ds18b20::under(root.path(), "tank", "28-1").unwrap_err().to_string();
        assert_eq!(error, "no chip `28-1` in /sys/bus/w1/devices; there is 28-0316a2f4d8ff, 28-0416b3c5e900");
    }

    #[test]
    fn a_chip_without_power_is_no_reading() {
        let root = machine();
        write(root.path(), "28-0316a2f4d8ff/temperature", "85000\n");
        let error = Ds18b20::under(root.path(), "tank", "28").unwrap().sample().unwrap_err().to_string();
        assert!(error.ends_with("85 degrees, which a chip shows that has lost its power"), "{error}");
    }

    #[test]
    fn measures_while_the_program_goes_on() {
        let root = machine();
        let bulk = "w1_bus_master1/therm_bulk_read";
        let mut tank = Ds18b20::under(root.path(), "tank", "28").unwrap();
        assert_eq!(tank.start().unwrap(), TAKES);
        assert_eq!(text(&root.path().join("sys/bus/w1/devices").join(bulk)).unwrap(), "trigger");
        write(root.path(), bulk, "-1\n");
        assert_eq!(tank.read().unwrap(), Progress::AskIn(Duration::from_millis(50)));
        write(root.path(), bulk, "1\n");
        assert_eq!(tank.read().unwrap(), Progress::Ready(21.312));
    }

    #[test]
    fn an_old_kernel_is_named() {
        let root = machine();
        fs::remove_dir_all(root.path().join("sys/bus/w1/devices/w1_bus_master1")).unwrap();
        let error = Ds18b20::under(root.path(), "tank", "28").unwrap().start().unwrap_err().to_string();
        assert!(error.contains("kernels before 2020 have none"), "{error}");
    }
}
