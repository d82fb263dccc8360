//! [`Bmp390`]: the barometer BMP390 (also BMP388), on an I2C bus.
//!
//! Own code by the data sheet, since the driver there is (`bmp390`) is asynchronous only. Its recording of a real chip
//! serves as a test.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::SensorId;

use super::registers::Registers;
use crate::driver::{Device, SlowDevice, conversion};
use crate::readings::fields;
use crate::{Chip, ChipError, Measures, OutOfRange, Progress, Quantity};

/// The barometer BMP390.
///
/// - Units: hectopascals, 300 to 1250, in steps of 0.0033 (about 3 cm of height), ±0.5, of which ±0.03 in a change of
///   height; degrees Celsius, -40 to 85, in steps of 0.005, ±0.5.
/// - Address: 0x77; 0x76 with the pin SDO low.
/// - Wiring: 1.65 V to 3.6 V, not 5 V. Keep light off the hole in the lid.
/// - A measurement takes 22 ms: it is a [`Conversion`](crate::Conversion), for [`Converting`](crate::Converting) or
///   [`Blocking`](crate::Blocking). In between the chip sleeps.
/// - The pressure is measured 8 times and averaged.
/// - The first measurement, and the one after a failure, reads the calibration. Each start tells the chip what to
///   measure, so a loss of power does no harm.
///
/// Source: data sheet of Bosch, BST-BMP390-DS002, chapters 3, 4 and 8.
pub struct Bmp390<B> {
    id: SensorId,
    registers: Registers<B>,
    /// None before the first measurement and after a failure.
    coefficients: Option<Coefficients>,
}

/// A reading of a [`Bmp390`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Barometer {
    /// The pressure where the sensor is, in hectopascals (millibars).
    pub pressure: f64,
    /// The temperature of the chip in degrees Celsius.
    pub temperature: f64,
}

fields!(Barometer: pressure 0, temperature 1);

const QUANTITIES: [Quantity; 2] =
    [Quantity::new("pressure", "hPa", 300.0..=1250.0), Quantity::new("temperature", "°C", -40.0..=85.0)];

const ID: u8 = 0x00;
const STATUS: u8 = 0x03;
const DATA: u8 = 0x04;
const PWR_CTRL: u8 = 0x1B;
const OSR: u8 = 0x1C;
const CONFIG: u8 = 0x1F;
const CALIB: u8 = 0x31;

const BMP390: u8 = 0x60;
const BMP388: u8 = 0x50;
const PRESSURE_AND_TEMPERATURE_READY: u8 = 0b0110_0000;
/// Both sensors on, one measurement.
const FORCED: u8 = 0b0001_0011;
const ASLEEP: u8 = 0;
const NO_FILTER: u8 = 0;
/// A value that has not been measured.
const NOT_MEASURED: [u8; 3] = [0, 0, 0x80];
const PRESSURE_8_TIMES: u8 = 0b011;
/// Section 3.9.2: 18.97 ms, and the clock's tolerance.
const TAKES: Duration = Duration::from_millis(22);

impl<B: I2c> Bmp390<B> {
    /// The chip at 0x77.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        Self { id: id.into(), registers: Registers::new(Chip::i2c("BMP390", 0x77), bus), coefficients: None }
    }

    /// Another address: 0x76 with the pin SDO low.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        Self { registers: self.registers.at(address, &[0x76, 0x77]), ..self }
    }

    fn set_up(&mut self) -> Result<Coefficients, ChipError<B::Error>> {
        let [found] = self.registers.read(ID)?;
        if found != BMP390 && found != BMP388 {
            return Err(self.registers.chip.stranger(found.into(), BMP390.into()));
        }
        self.registers.write(&[PWR_CTRL, ASLEEP])?; // a single measurement begins from there only
        self.registers.write(&[CONFIG, NO_FILTER])?;
        let _old: [u8; 6] = self.registers.read(DATA)?; // which takes back that there is something to read
        let calibration: [u8; 21] = self.registers.read(CALIB)?;
        if calibration.iter().all(|byte| *byte == calibration[0]) {
            return Err(self.registers.chip.no_reading("its calibration cannot be read; check its supply and its wires"));
        }
        Ok(Coefficients::of(calibration))
    }
}

impl<B> Measures for Bmp390<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        QUANTITIES
    }
}

impl<B: I2c> Device for Bmp390<B> {
    type Reading = Barometer;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.registers.chip.impossible(value)
    }
    fn forget(&mut self) {
        self.coefficients = None;
    }
}

impl<B: I2c> SlowDevice for Bmp390<B> {
    fn begin(&mut self) -> Result<Duration, Self::Error> {
        if self.coefficients.is_none() {
            self.coefficients = Some(self.set_up()?);
        }
        self.registers.write(&[OSR, PRESSURE_8_TIMES])?;
        self.registers.write(&[PWR_CTRL, FORCED])?;
        Ok(TAKES)
    }
    fn progress(&mut self) -> Result<Progress<Barometer>, Self::Error> {
        let Some(coefficients) = self.coefficients else {
            return Err(self.registers.chip.no_reading("no measurement has been started"));
        };
        let [status] = self.registers.read(STATUS)?;
        if status & PRESSURE_AND_TEMPERATURE_READY != PRESSURE_AND_TEMPERATURE_READY {
            return Ok(Progress::AskIn(TAKES / 8));
        }
        let [p0, p1, p2, t0, t1, t2] = self.registers.read(DATA)?;
        if [p0, p1, p2] == NOT_MEASURED || [t0, t1, t2] == NOT_MEASURED {
            return Err(self.registers.chip.no_reading("it lost its power while it measured"));
        }
        let raw = |bytes: [u8; 3]| f64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]));
        let temperature = coefficients.celsius(raw([t0, t1, t2]));
        let pascals = coefficients.pascals(raw([p0, p1, p2]), temperature);
        Ok(Progress::Ready(Barometer { pressure: pascals / 100.0, temperature }))
    }
}

conversion!([B: I2c<Error: Send + Sync + 'static>] Bmp390<B> => Barometer, ChipError<B::Error>);

impl<B> fmt::Debug for Bmp390<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bmp390").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The coefficients of section 8.4, scaled.
#[derive(Clone, Copy)]
struct Coefficients {
    t: [f64; 3],
    p: [f64; 11],
}

impl Coefficients {
    fn of(bytes: [u8; 21]) -> Self {
        let unsigned = |at: usize| f64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let signed = |at: usize| f64::from(i16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let small = |at: usize| f64::from(bytes[at].cast_signed());
        Self {
            t: [unsigned(0) * 256.0, unsigned(2) / two_to(30), small(4) / two_to(48)],
            p: [
                (signed(5) - 16_384.0) / two_to(20),
                (signed(7) - 16_384.0) / two_to(29),
                small(9) / two_to(32),
                small(10) / two_to(37),
                unsigned(11) * 8.0,
                unsigned(13) / two_to(6),
                small(15) / two_to(8),
                small(16) / two_to(15),
                signed(17) / two_to(48),
                small(19) / two_to(48),
                small(20) / two_to(65),
            ],
        }
    }

    /// Section 8.5.
    fn celsius(&self, raw: f64) -> f64 {
        let [t1, t2, t3] = self.t;
        let d = raw - t1;
        d * t2 + d * d * t3
    }

    /// Section 8.6.
    fn pascals(&self, raw: f64, t: f64) -> f64 {
        let [p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11] = self.p;
        let (t2, t3) = (t * t, t * t * t);
        let offset = p5 + p6 * t + p7 * t2 + p8 * t3;
        let slope = p1 + p2 * t + p3 * t2 + p4 * t3;
        offset + raw * slope + raw * raw * (p9 + p10 * t) + raw * raw * raw * p11
    }
}

fn two_to(n: u32) -> f64 {
    (0..n).fold(1.0, |power, _| power * 2.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Conversion;
    use crate::chips::fake::{FakeChip, Nobody};
    use crate::chips::specimen::{self, Settings, Specimen};
    use crate::Blocking;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use thingflow_core::Sensor;

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "BMP390",
            fed: |noise| {
                let unknown = FakeChip::new(0x77).with(ID, &[0x60]).with(STATUS, &[0x70]);
                let fed = specimen::slow(Bmp390::new("x", unknown.noisy(noise)));
                let calibrated = FakeChip::new(0x77).with(ID, &[0x60, 0, 0, 0x70]).with(CALIB, &CALIBRATION_OF_A_CHIP);
                fed.and(specimen::slow(Bmp390::new("x", calibrated.noisy(noise))))
            },
            nobody: Some(("77", || specimen::error(Bmp390::new("x", Nobody).start()))),
            registers: Some(Settings {
                chip: || chip().with(STATUS, &[0x70]),
                sensor: |chip| {
                    let mut sensor = Bmp390::new("x", chip);
                    Box::new(move || specimen::convert(&mut sensor).is_some())
                },
                samplings: 1,
                // The power, the oversampling, the filter.
                expected: &[(0x1B, 0x13), (0x1C, 0x03), (0x1F, 0)],
            }),
        }
    }

    /// Of a real chip, revision 1, and what the crate `bmp390` 0.4.3 makes of it.
    const CALIBRATION_OF_A_CHIP: [u8; 21] = [
        0x98, 0x6c, 0xa9, 0x4a, 0xf9, 0xe3, 0x1c, 0x61, 0x16, 0x06, 0x01, 0x51, 0x4a, 0xde, 0x5d, 0x03, 0xfa, 0xf9,
        0x0e, 0x06, 0xf5,
    ];
    const RAW: [u8; 6] = [0xcb, 0xb3, 0x6b, 0xd1, 0xba, 0x82];

    fn chip() -> FakeChip {
        FakeChip::new(0x77).with(ID, &[0x60]).with(CALIB, &CALIBRATION_OF_A_CHIP).with(DATA, &RAW)
    }

    #[test]
    fn computes_what_another_driver_does() {
        let chip = chip().with(STATUS, &[0x70]);
        let mut sensor = Blocking::new(Bmp390::new("roof", chip.clone()), NoopDelay);
        let Barometer { pressure, temperature } = sensor.sample().unwrap();
        assert!((temperature - 25.770_746).abs() < 1e-4, "{temperature}"); // that one computes with 32 bits
        assert!((pressure - 983.705_5).abs() < 1e-3, "{pressure}");
        assert_eq!((chip.get(OSR), chip.get(PWR_CTRL)), (0x03, 0x13));
    }

    #[test]
    fn waits_for_both_values() {
        let chip = chip().with(STATUS, &[0x30]);
        let mut sensor = Bmp390::new("roof", chip.clone());
        assert_eq!(sensor.start(), Ok(TAKES));
        assert!(matches!(sensor.read(), Ok(Progress::AskIn(_))));
        chip.set(STATUS, 0x70);
        assert!(matches!(sensor.read(), Ok(Progress::Ready(_))));
    }

    #[test]
    fn a_chip_that_was_changed_brings_its_own_calibration() {
        let chip = chip().with(STATUS, &[0x70]);
        let mut sensor = Bmp390::new("roof", chip.clone());
        sensor.start().unwrap();
        chip.unplug(true);
        assert!(sensor.read().is_err());
        chip.unplug(false);
        let mut other = CALIBRATION_OF_A_CHIP;
        other[1] += 1; // of the temperature's offset
        let _ = chip.with(CALIB, &other);
        sensor.start().unwrap();
        let Progress::Ready(Barometer { temperature, .. }) = sensor.read().unwrap() else { panic!("not ready") };
        assert!((temperature - 25.770_746).abs() > 0.1, "{temperature}");
    }

    #[test]
    fn refuses_another_chip() {
        let error = Bmp390::new("roof", chip().with(ID, &[0x58])).start().unwrap_err().to_string();
        assert_eq!(error, "no BMP390: another chip answers, with the id 0x58 instead of 0x60");
    }
}
