//! [`Dht22`]: the temperature and humidity sensors DHT22 (AM2302) and DHT11, through the kernel's driver.

use std::path::Path;

use thingflow_core::{SampleError, SensorId};

use super::{Iio, LinuxError};
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Climate, Measures, OutOfRange, Quantity};

/// The temperature and humidity sensor DHT22, also the DHT11.
///
/// - Units: degrees Celsius, -40 to 80, in steps of 0.1, ±0.5 (DHT11: 0 to 50, ±2); percent of relative humidity, 0 to
///   100, in steps of 0.1, ±2 (DHT11: 20 to 80, ±5).
/// - Source: `/sys/bus/iio/devices`. On a Raspberry Pi the line `dtoverlay=dht11,gpiopin=4` makes the device `dht11@4`
///   for both types.
/// - Wiring: 3.3 V to 5.5 V; at 5 V its line is too much for a Raspberry Pi; give it 3.3 V, and 10 kΩ from the data
///   line up to that.
/// - The chip speaks without a clock, and a busy kernel misses bits: some samplings in a hundred fail. Use
///   [`OnFailure::Skip`](thingflow_core::OnFailure) or `Retry`. It measures every 2 s; sampled faster, it repeats the
///   last reading.
/// - Sampling blocks for 25 ms, and for a whole second where the kernel missed a bit or nobody answers: for an edge
///   thread.
///
/// ```no_run
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::linux::Dht22;
/// let mut scheduler = Scheduler::new()?;
/// let timing = Periodic::every(Duration::from_secs(10)).on_failure(OnFailure::Skip);
/// let porch = scheduler.schedule_sensor_on_separate_thread(Dht22::new("porch", "dht11@4")?, timing)?;
/// porch.map(|e| e.val.humidity).print();
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: data sheet of Aosong, AM2302, and the kernel's driver `dht11`. On a microcontroller the crate `dht-sensor`
/// reads the same chips.
#[derive(Debug)]
pub struct Dht22 {
    id: SensorId,
    device: String,
    temperature: Iio,
    humidity: Iio,
}

const QUANTITIES: [Quantity; 2] =
    [Quantity::new("temperature", "°C", -40.0..=80.0), Quantity::new("humidity", "%", 0.0..=100.0)];

impl Dht22 {
    /// The sensor by the name of its device.
    ///
    /// # Errors
    /// If there is none of that name; the text lists those there are.
    pub fn new(id: impl Into<SensorId>, device: &str) -> Result<Self, LinuxError> {
        Self::under("/", id, device)
    }

    /// A sensor of the machine whose root directory is `root`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn under(root: impl AsRef<Path>, id: impl Into<SensorId>, device: &str) -> Result<Self, LinuxError> {
        let id = id.into();
        let channel = |channel| Iio::under(root.as_ref(), id, device, channel);
        let (temperature, humidity) = (channel("temp")?, channel("humidityrelative")?);
        Ok(Self { id, device: device.to_owned(), temperature, humidity })
    }
}

impl Measures for Dht22 {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        QUANTITIES
    }
}

impl Device for Dht22 {
    type Reading = Climate;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(format_args!("device `{}`", self.device), value)
    }
}

impl DirectDevice for Dht22 {
    fn measure(&mut self) -> Result<Climate, SampleError<LinuxError>> {
        Ok(Climate { temperature: self.temperature.value()?, humidity: self.humidity.value()? })
    }
}

sensor!([] Dht22 => Climate, LinuxError);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use std::fs;
    use thingflow_core::Sensor;

    pub(crate) fn fed(number: &str) -> Fed {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("sys/bus/iio/devices/iio:device0");
        fs::create_dir_all(&device).unwrap();
        let files = [("name", "dht11@4"), ("in_temp_input", number), ("in_humidityrelative_input", number)];
        files.iter().for_each(|(name, text)| fs::write(device.join(name), text).unwrap());
        specimen::direct(Dht22::under(root.path(), "x", "dht11@4").unwrap())
    }

    #[test]
    fn reads_both_values() {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("sys/bus/iio/devices/iio:device0");
        fs::create_dir_all(&device).unwrap();
        let files = [("name", "dht11@4\n"), ("in_temp_input", "-5100\n"), ("in_humidityrelative_input", "65200\n")];
        files.iter().for_each(|(name, text)| fs::write(device.join(name), text).unwrap());
        let mut porch = Dht22::under(root.path(), "porch", "dht11@4").unwrap();
        assert_eq!(porch.sample().unwrap(), Climate { temperature: -5.1, humidity: 65.2 });
        assert_eq!(porch.id(), "porch");
        fs::remove_file(device.join("in_humidityrelative_input")).unwrap();
        assert!(porch.sample().is_err());
    }

    #[test]
    fn f24_a_humidity_that_cannot_be_is_no_reading() {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("sys/bus/iio/devices/iio:device0");
        fs::create_dir_all(&device).unwrap();
        for (temperature, humidity, error) in [
            ("21000", "129000", "humidity of 129 % is outside of the range from 0 to 100 %"),
            ("-3276800", "50000", "temperature of -3276.8 °C is outside of the range from -40 to 80 °C"),
        ] {
            let files = [("name", "dht11@4"), ("in_temp_input", temperature), ("in_humidityrelative_input", humidity)];
            files.iter().for_each(|(name, text)| fs::write(device.join(name), text).unwrap());
            let said = Dht22::under(root.path(), "porch", "dht11@4").unwrap().sample().unwrap_err().to_string();
            assert_eq!(said, format!("device `dht11@4`: {error}; check the device, its wires and its driver"));
        }
    }
}
