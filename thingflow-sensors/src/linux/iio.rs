//! [`Iio`]: any device of the kernel's industrial I/O.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use super::sysfs::{entries, number, read_or_find, text};
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity};

/// A channel of a device that the kernel has a driver for: a converter, a sensor of light, pressure, acceleration.
///
/// - Units: those that people use, not those of the kernel. Outside of these ranges there is no reading;
///   [`range`](Self::range) makes the range that of the device:
///
///   | channel | unit | range |
///   |---|---|---|
///   | `temp` | degrees Celsius | -200 to 1,800, as thermocouples have it |
///   | `humidityrelative` | percent | 0 to 100 |
///   | `pressure` | hectopascals | 0 to 100,000 |
///   | `voltage`, `current`, `power` | volts, amperes, watts | ±1,000, ±1,000, ±100,000 |
///   | `accel`, `anglvel`, `magn` | metres per second squared, radians per second, gauss | ±4,000, ±100, ±100 |
///   | `illuminance`, `distance`, `resistance` | lux, metres, ohms | 0 to 200,000, 0 to 1,000, 0 to 10¹² |
///   | others | as the kernel's `Documentation/ABI/testing/sysfs-bus-iio` says | any number |
///
/// - Source: `/sys/bus/iio/devices/iio:device*/in_*`. Reading takes as long as the chip measures: a thermometer or a
///   slow converter belongs on an edge thread.
/// - A device that was unplugged has another number when it comes back; after a failure it is looked for anew by its
///   name.
///
/// On a Raspberry Pi a line in `/boot/firmware/config.txt` makes such a device: `dtoverlay=i2c-sensor,bme280`.
///
/// ```no_run
/// use thingflow_core::Sensor;
/// use thingflow_sensors::linux::Iio;
/// let mut air = Iio::new("air", "bme280", "pressure")?;
/// println!("{:.1} hPa", air.sample()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Iio {
    id: SensorId,
    devices: PathBuf,
    device: String,
    channel: String,
    /// None after a failure.
    value: Option<Value>,
    quantity: Quantity,
}

#[derive(Debug)]
enum Value {
    /// In the kernel's unit.
    Processed(PathBuf),
    /// To be added and multiplied, if the files are there.
    Raw { raw: PathBuf, offset: Option<PathBuf>, scale: Option<PathBuf> },
}

/// How many of the kernel's units make one of ours. Raw values of these kinds mean nothing without a scale.
const UNITS: [(&str, f64); 6] =
    [("temp", 1e3), ("humidityrelative", 1e3), ("pressure", 0.1), ("voltage", 1e3), ("current", 1e3), ("power", 1e3)];

/// What there is, in our units.
const KINDS: [(&str, Quantity); 12] = [
    ("temp", Quantity::new("temperature", "°C", -200.0..=1800.0)),
    ("humidityrelative", Quantity::new("humidity", "%", 0.0..=100.0)),
    ("pressure", Quantity::new("pressure", "hPa", 0.0..=1e5)),
    ("voltage", Quantity::new("voltage", "V", -1e3..=1e3)),
    ("current", Quantity::new("current", "A", -1e3..=1e3)),
    ("power", Quantity::new("power", "W", -1e5..=1e5)),
    ("accel", Quantity::new("acceleration", "m/s²", -4e3..=4e3)),
    ("anglvel", Quantity::new("rotation", "rad/s", -100.0..=100.0)),
    ("magn", Quantity::new("magnetic field", "G", -100.0..=100.0)),
    ("illuminance", Quantity::new("illuminance", "lx", 0.0..=2e5)),
    ("distance", Quantity::new("distance", "m", 0.0..=1e3)),
    ("resistance", Quantity::new("resistance", "Ω", 0.0..=1e12)),
];
/// Of any other kind.
const ANY: Quantity = Quantity::new("value", "", f64::MIN..=f64::MAX);

impl Iio {
    /// A channel, such as `temp`, `voltage0`, `voltage0-voltage1` or `accel_x`, of the first device of that name
    /// (`bme280`, `ads1015`, `iio:device0`).
    ///
    /// # Errors
    /// If there is none of that name; the text lists those there are. If the kernel does not say what its raw values
    /// mean.
    pub fn new(id: impl Into<SensorId>, device: &str, channel: &str) -> Result<Self, LinuxError> {
        Self::under("/", id, device, channel)
    }

    /// A channel of the machine whose root directory is `root`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn under(
        root: impl AsRef<Path>,
        id: impl Into<SensorId>,
        device: &str,
        channel: &str,
    ) -> Result<Self, LinuxError> {
        let devices = root.as_ref().join("sys/bus/iio/devices");
        let (device, channel) = (device.to_owned(), channel.to_owned());
        let value = Some(Value::find(&devices, &device, &channel)?);
        let quantity = KINDS.iter().find(|(of, _)| *of == kind(&channel)).map_or(ANY, |(_, quantity)| *quantity);
        Ok(Self { id: id.into(), devices, device, channel, value, quantity })
    }

    /// Another range, in the unit of the channel: that of the device, if you know it.
    #[must_use]
    pub fn range(self, range: RangeInclusive<f64>) -> Self {
        let quantity = Quantity::new(self.quantity.name(), self.quantity.unit(), range);
        Self { quantity, ..self }
    }

    /// The names of the devices that there are.
    pub fn devices() -> Vec<String> {
        devices(Path::new("/sys/bus/iio/devices")).into_iter().map(|(name, ..)| name).collect()
    }

    /// The value in our unit, which has not been checked.
    pub(super) fn value(&mut self) -> Result<f64, LinuxError> {
        let find = || Value::find(&self.devices, &self.device, &self.channel);
        let value = read_or_find(&mut self.value, find, Value::read)?;
        Ok(value / unit(&self.channel).unwrap_or(1.0))
    }
}

/// The name, the number and the folder of each.
fn devices(devices: &Path) -> Vec<(String, String, PathBuf)> {
    let all = entries(devices, "iio:device", "").into_iter();
    let named = all.map(|(number, folder)| {
        let name = text(&folder.join("name")).unwrap_or_else(|| number.clone());
        (name, number, folder)
    });
    named.collect()
}

fn find(folder: &Path, device: &str) -> Result<PathBuf, LinuxError> {
    let all = devices(folder);
    match all.iter().find(|(name, number, _)| name == device || number == device) {
        Some((.., folder)) => Ok(folder.clone()),
        None => {
            let there = all.into_iter().map(|(name, ..)| name).collect();
            Err(LinuxError::NotThere { what: format!("device `{device}` in /sys/bus/iio/devices"), there })
        }
    }
}

/// What a channel measures: `accel` of `accel_x`, `voltage` of `voltage0` and of `voltage0-voltage1`.
fn kind(channel: &str) -> &str {
    channel.split(|c: char| c == '_' || c == '-' || c.is_ascii_digit()).next().unwrap_or(channel)
}

/// What the files for all channels of a kind are called after: `voltage-voltage` for `voltage0-voltage1`.
fn all_of_its_kind(channel: &str) -> String {
    channel.split('-').map(kind).collect::<Vec<_>>().join("-")
}

fn unit(channel: &str) -> Option<f64> {
    UNITS.iter().find(|(of, _)| *of == kind(channel)).map(|(_, unit)| *unit)
}

impl Value {
    fn find(devices: &Path, device: &str, channel: &str) -> Result<Self, LinuxError> {
        let directory = find(devices, device)?;
        let file = |channel: &str, what: &str| directory.join(format!("in_{channel}_{what}"));
        let processed = file(channel, "input");
        if processed.exists() {
            return Ok(Self::Processed(processed));
        }
        let raw = file(channel, "raw");
        if !raw.exists() {
            let what = format!("channel `{channel}` of the device `{device}`");
            return Err(LinuxError::NotThere { what, there: channels(&directory) });
        }
        let all = all_of_its_kind(channel);
        let own_or_shared = |what| [file(channel, what), file(&all, what)].into_iter().find(|path| path.exists());
        let (offset, scale) = (own_or_shared("offset"), own_or_shared("scale"));
        if scale.is_none() && unit(channel).is_some() {
            let why = format!("there is neither `in_{channel}_scale` nor `in_{all}_scale`, so it has no unit");
            return Err(LinuxError::malformed(raw, why));
        }
        Ok(Self::Raw { raw, offset, scale })
    }

    fn read(&self) -> Result<f64, LinuxError> {
        let or = |path: &Option<PathBuf>, default| path.as_deref().map_or(Ok(default), number);
        match self {
            Self::Processed(path) => number(path),
            Self::Raw { raw, offset, scale } => Ok((number(raw)? + or(offset, 0.0)?) * or(scale, 1.0)?),
        }
    }
}

fn channels(directory: &Path) -> Vec<String> {
    let of = |suffix: &str| entries(directory, "in_", suffix);
    let files = of("_input").into_iter().chain(of("_raw"));
    files.filter_map(|(name, _)| Some(name.strip_prefix("in_")?.rsplit_once('_')?.0.to_owned())).collect()
}

impl Measures for Iio {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [self.quantity]
    }
}

impl Device for Iio {
    type Reading = f64;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(format_args!("channel `{}` of the device `{}`", self.channel, self.device), value)
    }
}

impl DirectDevice for Iio {
    fn measure(&mut self) -> Result<f64, SampleError<LinuxError>> {
        Ok(self.value()?)
    }
}

sensor!([] Iio => f64, LinuxError);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use std::fs;
    use thingflow_core::Sensor;

    pub(crate) fn fed(number: &str) -> Fed {
        let root = tempfile::tempdir().unwrap();
        let mut fed = Fed::default();
        for kind in KINDS.map(|(kind, _)| kind).into_iter().chain(["other"]) {
            write(root.path(), &format!("iio:device0/in_{kind}0_raw"), number);
            write(root.path(), &format!("iio:device0/in_{kind}0_scale"), "1e300");
            write(root.path(), &format!("iio:device0/in_{kind}1_input"), number);
            for channel in 0..2 {
                let channel = format!("{kind}{channel}");
                fed = fed.and(specimen::direct(Iio::under(root.path(), "x", "iio:device0", &channel).unwrap()));
            }
        }
        fed
    }

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("iio:device0/name", "ads1015\n"),
            ("iio:device0/in_voltage0_raw", "1600\n"),
            ("iio:device0/in_voltage0_scale", "1.000000\n"),
            ("iio:device0/in_voltage1_raw", "-8\n"),
            ("iio:device0/in_voltage1_scale", "0.5\n"),
            ("iio:device0/in_voltage0-voltage1_raw", "-20\n"),
            ("iio:device0/in_voltage0-voltage1_scale", "3\n"),
            ("iio:device0/in_voltage2-voltage3_raw", "100\n"),
            ("iio:device0/in_voltage-voltage_scale", "2\n"),
            ("iio:device0/in_current0_raw", "7\n"),
            ("iio:device0/in_proximity_raw", "12\n"),
            ("iio:device1/name", "bme280\n"),
            ("iio:device1/in_temp_input", "21870\n"),
            ("iio:device1/in_pressure_input", "101.325000000\n"),
            ("iio:device1/in_humidityrelative_input", "40512\n"),
            ("iio:device2/name", "adxl345\n"),
            ("iio:device2/in_accel_x_raw", "-26\n"),
            ("iio:device2/in_accel_scale", "0.038300\n"),
            ("iio:device2/in_temp_raw", "400\n"),
            ("iio:device2/in_temp_offset", "-100\n"),
            ("iio:device2/in_temp_scale", "125\n"),
        ] {
            write(root.path(), path, text);
        }
        root
    }
    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join("sys/bus/iio/devices").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn reads_every_kind_of_channel_in_its_unit() {
        let root = machine();
        for (device, channel, expected) in [
            ("ads1015", "voltage0", 1.6),
            ("ads1015", "voltage1", -0.004),
            ("ads1015", "voltage0-voltage1", -0.06),
            ("ads1015", "voltage2-voltage3", 0.2),
            ("ads1015", "proximity", 12.0), // as the chip counts it: the kernel knows no scale
            ("bme280", "temp", 21.87),
            ("bme280", "pressure", 1013.25),
            ("iio:device1", "humidityrelative", 40.512),
            ("adxl345", "accel_x", -0.9958),
            ("adxl345", "temp", 37.5),
        ] {
            let value = Iio::under(root.path(), "x", device, channel).unwrap().sample().unwrap();
            assert!((value - expected).abs() < 1e-9, "{device} {channel}: {value}");
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_those_there_are() {
        let root = machine();
        let error = |device, channel| Iio::under(root.path(), "x", device, channel).unwrap_err().to_string();
        let expected = "no device `bmp280` in /sys/bus/iio/devices; there is ads1015, bme280, adxl345";
        assert_eq!(error("bmp280", "temp"), expected);
        let expected = "no channel `light` of the device `bme280`; there is temp, pressure, humidityrelative";
        assert_eq!(error("bme280", "light"), expected);
    }

    #[test]
    fn volts_without_a_scale_are_refused() {
        let error = Iio::under(machine().path(), "x", "ads1015", "current0").unwrap_err().to_string();
        let expected = "there is neither `in_current0_scale` nor `in_current_scale`, so it has no unit";
        assert!(error.ends_with(expected), "{error}");
    }

    #[test]
    fn a_device_comes_back_under_another_number() {
        let root = machine();
        let mut air = Iio::under(root.path(), "air", "bme280", "temp").unwrap();
        let devices = root.path().join("sys/bus/iio/devices");
        fs::rename(devices.join("iio:device1"), devices.join("gone")).unwrap();
        assert!(air.sample().unwrap_err().to_string().contains("cannot be read"));
        let error = air.sample().unwrap_err().to_string();
        assert!(error.starts_with("no device `bme280`"), "{error}");
        fs::rename(devices.join("gone"), devices.join("iio:device7")).unwrap();
        assert_eq!(air.sample().unwrap(), 21.87);
        assert_eq!(air.sample().unwrap(), 21.87);
    }

    #[test]
    fn nonsense_is_an_error_of_this_sampling_only() {
        let root = machine();
        let mut air = Iio::under(root.path(), "air", "bme280", "temp").unwrap();
        for nonsense in ["", "warm\n", "inf\n"] {
            write(root.path(), "iio:device1/in_temp_input", nonsense);
            assert!(air.sample().unwrap_err().to_string().contains("expected a number"), "{nonsense}");
        }
        write(root.path(), "iio:device1/in_temp_input", "20000\n");
        assert_eq!(air.sample().unwrap(), 20.0);
    }
}
