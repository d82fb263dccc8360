//! [`Bme280`]: temperature, humidity and pressure from the BME280, on an I2C bus; without humidity from the BMP280.
//!
//! Own code by the data sheet, not the driver `bme280` 0.5: its `measure` starts a measurement, waits 40 ms and reads
//! it, and no call does only one of that. It takes over the settings that it finds, so a chip that lost its power is
//! told to measure nothing, and that is then computed into values. Its formulas are private. Nor `bme280-rs` 0.4,
//! which has calls apart: its `init` waits at least 110 ms, asks without end while the chip says that it is busy, and
//! is the only call that reads the calibration, in which negative coefficients of humidity lose their sign.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::SensorId;

use super::registers::Registers;
use crate::driver::{Device, SlowDevice, conversion};
use crate::readings::fields;
use crate::{Chip, ChipError, Measures, OutOfRange, Progress, Quantity};

/// The weather sensor BME280, or a BMP280, which has no humidity.
///
/// - Units: degrees Celsius, -40 to 85, in steps of 0.005, ±1; percent of relative humidity, 0 to 100, in steps of
///   0.008, ±3; hectopascals, 300 to 1100, in steps of 0.03, ±1.
/// - Address: 0x76; 0x77 with the pin SDO high.
/// - Wiring: 1.7 V to 3.6 V, not 5 V. The pin CSB must be high for I2C.
/// - A measurement takes 10 ms: it is a [`Conversion`](crate::Conversion), for [`Converting`](crate::Converting) or
///   [`Blocking`](crate::Blocking). In between the chip sleeps.
/// - The first measurement, and the one after a failure, reads the calibration. Each start tells the chip what to
///   measure, so a loss of power does no harm.
/// - The settings are those that Bosch recommends for weather: each value measured once, no filter.
///
/// Source: data sheet of Bosch, BST-BME280-DS002, sections 4.2.2, 5.4 and 8.1; BST-BMP280-DS001.
pub struct Bme280<B> {
    id: SensorId,
    registers: Registers<B>,
    /// None before the first measurement and after a failure.
    coefficients: Option<Coefficients>,
}

/// A reading of a [`Bme280`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Weather {
    /// The temperature in degrees Celsius.
    pub temperature: f64,
    /// The relative humidity in percent; `None` from a BMP280. `.filter_map(|e| e.val.humidity)` passes on what there
    /// is.
    pub humidity: Option<f64>,
    /// The pressure where the sensor is, in hectopascals (millibars).
    pub pressure: f64,
}

fields!(Weather: temperature 0, humidity 1, pressure 2);

const QUANTITIES: [Quantity; 3] = [
    Quantity::new("temperature", "°C", -40.0..=85.0),
    // The formula goes a little beyond the ends, as the maker's own code does, which cuts that off.
    Quantity::new("humidity", "%", 0.0..=100.0).cut_off(-10.0..=110.0),
    Quantity::new("pressure", "hPa", 300.0..=1100.0),
];

const ID: u8 = 0xD0;
const CALIB: u8 = 0x88;
const CALIB_HUM: u8 = 0xE1;
const CTRL_HUM: u8 = 0xF2;
const STATUS: u8 = 0xF3;
const CTRL_MEAS: u8 = 0xF4;
const CONFIG: u8 = 0xF5;
const DATA: u8 = 0xF7;

const BME280: u8 = 0x60;
const BMP280: u8 = 0x58;
const MEASURING: u8 = 0b1000;
const COPYING_CALIBRATION: u8 = 0b0001;
/// A pressure or a temperature that has not been measured, and a humidity.
const NOT_MEASURED: [u8; 3] = [0x80, 0, 0];
const NO_HUMIDITY: [u8; 2] = [0x80, 0];
const ASLEEP: u8 = 0;
const NONE: u8 = 0;
const ONCE: u8 = 1;
/// Temperature and pressure once, one measurement.
const FORCED: u8 = 0b0010_0101;
/// Section 9.1 gives 9.3 ms at most.
const TAKES: Duration = Duration::from_millis(10);

impl<B: I2c> Bme280<B> {
    /// The chip at 0x76.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        Self { id: id.into(), registers: Registers::new(Chip::i2c("BME280", 0x76), bus), coefficients: None }
    }

    /// Another address: 0x77 with the pin SDO high.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        Self { registers: self.registers.at(address, &[0x76, 0x77]), ..self }
    }

    /// Finds the chip, takes away what another program may have set, and reads the calibration.
    fn set_up(&mut self) -> Result<Coefficients, ChipError<B::Error>> {
        let [found] = self.registers.read(ID)?;
        if found != BME280 && found != BMP280 {
            return Err(self.registers.chip.stranger(found.into(), BME280.into()));
        }
        self.registers.write(&[CTRL_MEAS, ASLEEP])?; // otherwise it may ignore the next one
        self.registers.write(&[CONFIG, NONE])?;
        let [status] = self.registers.read(STATUS)?;
        let bytes: [u8; 26] = self.registers.read(CALIB)?;
        let humidity = if found == BME280 { Some(self.registers.read(CALIB_HUM)?) } else { None };
        if status & COPYING_CALIBRATION != 0 {
            return Err(self.registers.chip.no_reading("it has just been switched on; sample it again"));
        }
        let is_blank = |bytes: &[u8]| bytes.windows(2).all(|pair| pair[0] == pair[1]);
        if is_blank(&bytes) || humidity.is_some_and(|humidity: [u8; 7]| is_blank(&humidity)) {
            return Err(self.registers.chip.no_reading("its calibration cannot be read; check its supply and its wires"));
        }
        Ok(Coefficients::of(bytes, humidity))
    }
}

impl<B> Measures for Bme280<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        QUANTITIES
    }
}

impl<B: I2c> Device for Bme280<B> {
    type Reading = Weather;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.registers.chip.impossible(value)
    }
    fn forget(&mut self) {
        self.coefficients = None;
    }
}

impl<B: I2c> SlowDevice for Bme280<B> {
    fn begin(&mut self) -> Result<Duration, Self::Error> {
        if self.coefficients.is_none() {
            self.coefficients = Some(self.set_up()?);
        }
        self.registers.write(&[CTRL_HUM, ONCE])?; // counts from the next one on
        self.registers.write(&[CTRL_MEAS, FORCED])?;
        Ok(TAKES)
    }
    fn progress(&mut self) -> Result<Progress<Weather>, Self::Error> {
        let Some(coefficients) = self.coefficients else {
            return Err(self.registers.chip.no_reading("no measurement has been started"));
        };
        let [status] = self.registers.read(STATUS)?;
        if status & MEASURING != 0 {
            return Ok(Progress::AskIn(TAKES / 8));
        }
        let raw: [u8; 8] = self.registers.read(DATA)?;
        let [pressure @ .., _, _, _, _, _] = raw;
        let [_, _, _, temperature @ .., _, _] = raw;
        let [_, _, _, _, _, _, humidity @ ..] = raw;
        let no_humidity = coefficients.h.is_some() && humidity == NO_HUMIDITY;
        if pressure == NOT_MEASURED || temperature == NOT_MEASURED || no_humidity {
            return Err(self.registers.chip.no_reading("it lost its power while it measured"));
        }
        Ok(Progress::Ready(coefficients.weather(raw)))
    }
}

conversion!([B: I2c<Error: Send + Sync + 'static>] Bme280<B> => Weather, ChipError<B::Error>);

impl<B> fmt::Debug for Bme280<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bme280").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The calibration of section 4.2.2.
#[derive(Clone, Copy)]
struct Coefficients {
    t: [f64; 3],
    p: [f64; 9],
    /// None for a BMP280.
    h: Option<[f64; 6]>,
}

impl Coefficients {
    fn of(bytes: [u8; 26], humidity: Option<[u8; 7]>) -> Self {
        let unsigned = |at: usize| f64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let signed = |at: usize| f64::from(i16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let mut p = [6, 8, 10, 12, 14, 16, 18, 20, 22].map(signed);
        p[0] = unsigned(6);
        let h = humidity.map(|[low_2, high_2, h3, high_4, low_4_and_5, high_5, h6]| {
            // 12 bits with a sign: eight of them, then four.
            let twelve = |high: u8, low: u8| f64::from(i16::from(high.cast_signed()) << 4 | i16::from(low));
            let h2 = f64::from(i16::from_le_bytes([low_2, high_2]));
            let (h4, h5) = (twelve(high_4, low_4_and_5 & 0xF), twelve(high_5, low_4_and_5 >> 4));
            [bytes[25].into(), h2, h3.into(), h4, h5, h6.cast_signed().into()]
        });
        Self { t: [unsigned(0), signed(2), signed(4)], p, h }
    }

    /// What the registers from `DATA` on mean.
    fn weather(&self, [p0, p1, p2, t0, t1, t2, h0, h1]: [u8; 8]) -> Weather {
        let raw = |bytes: [u8; 3]| f64::from(u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 4);
        let warmth = self.warmth(raw([t0, t1, t2]));
        let pressure = self.pascals(raw([p0, p1, p2]), warmth) / 100.0;
        let moisture = f64::from(u16::from_be_bytes([h0, h1]));
        let humidity = self.h.map(|h| percent(h, moisture, warmth));
        Weather { temperature: warmth / 5120.0, humidity, pressure }
    }

    /// The temperature in 1/5120 degrees, on which both other values depend.
    fn warmth(&self, raw: f64) -> f64 {
        let [t1, t2, t3] = self.t;
        let d = raw / 16_384.0 - t1 / 1024.0;
        d * t2 + (d / 8.0) * (d / 8.0) * t3
    }

    fn pascals(&self, raw: f64, warmth: f64) -> f64 {
        let [p1, p2, p3, p4, p5, p6, p7, p8, p9] = self.p;
        let w = warmth / 2.0 - 64_000.0;
        let offset = (w * w * p6 / 32_768.0 + w * p5 * 2.0) / 4.0 + p4 * 65_536.0;
        let slope = (1.0 + (p3 * w * w / 524_288.0 + p2 * w) / 524_288.0 / 32_768.0) * p1;
        let p = (1_048_576.0 - raw - offset / 4096.0) * 6250.0 / slope;
        p + (p9 * p * p / 2_147_483_648.0 + p * p8 / 32_768.0 + p7) / 16.0
    }
}

fn percent([h1, h2, h3, h4, h5, h6]: [f64; 6], raw: f64, warmth: f64) -> f64 {
    let w = warmth - 76_800.0;
    let slope = h2 / 65_536.0 * (1.0 + h6 / 67_108_864.0 * w * (1.0 + h3 / 67_108_864.0 * w));
    let h = (raw - (h4 * 64.0 + h5 / 16_384.0 * w)) * slope;
    h * (1.0 - h1 * h / 524_288.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Conversion;
    use crate::chips::fake::{FakeChip, Nobody};
    use crate::chips::specimen::{self, Settings, Specimen};
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use proptest::prelude::*;

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "BME280",
            fed: |noise| {
                let unknown = FakeChip::new(0x76).with(ID, &[BME280]).with(STATUS, &[0]).noisy(noise);
                let fed = specimen::slow(Bme280::new("x", unknown));
                // With a good calibration, too.
                fed.and(specimen::slow(Bme280::new("x", calibrated(BME280).with(STATUS, &[0]).noisy(noise))))
            },
            nobody: Some(("76", || specimen::error(Bme280::new("x", Nobody).start()))),
            registers: Some(Settings {
                chip: || calibrated(BME280).with(STATUS, &[0]),
                sensor: |chip| {
                    let mut sensor = Bme280::new("x", chip);
                    Box::new(move || specimen::convert(&mut sensor).is_some())
                },
                samplings: 1,
                expected: &[(CTRL_HUM, 1), (CTRL_MEAS, 0b0010_0101), (CONFIG, 0)],
            }),
        }
    }

    /// The calibration of the example in the BMP280's data sheet, section 3.12, and its raw values.
    const CALIBRATION: [i32; 12] = [27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000];
    const PRESSURE: u32 = 415_148;
    const TEMPERATURE: u32 = 519_888;
    /// H1 to H6, from a module.
    const HUMIDITY: (u8, i16, u8, i16, i16, i8) = (75, 353, 0, 340, 0, 30);

    fn chip(id: u8, humidity: u16) -> FakeChip {
        let raw = |value: u32| [(value >> 12) as u8, (value >> 4) as u8, (value << 4) as u8];
        calibrated(id)
            .with(0xF7, &raw(PRESSURE))
            .with(0xFA, &raw(TEMPERATURE))
            .with(0xFD, &humidity.to_be_bytes())
            // A forced measurement ends in sleep mode before anybody looks.
            .on_write(|register, value| if register == 0xF4 { value & !0x03 } else { value })
    }

    /// One that has measured nothing.
    fn calibrated(id: u8) -> FakeChip {
        let chip = FakeChip::new(0x76).with(0xD0, &[id]);
        let calibration: Vec<u8> = CALIBRATION.iter().flat_map(|c| c.to_le_bytes()[..2].to_vec()).collect();
        let (h1, h2, h3, h4, h5, h6) = HUMIDITY;
        let nibbles = (h4 & 0xF) as u8 | ((h5 & 0xF) as u8) << 4;
        let h2 = h2.to_le_bytes();
        chip.with(0x88, &calibration)
            .with(0xA1, &[h1])
            .with(0xE1, &[h2[0], h2[1], h3, (h4 >> 4) as u8, nibbles, (h5 >> 4) as u8, h6.cast_unsigned()])
    }

    fn sample(sensor: &mut Bme280<FakeChip>) -> Weather {
        assert_eq!(sensor.start(), Ok(TAKES));
        match sensor.read() {
            Ok(Progress::Ready(weather)) => weather,
            other => panic!("{other:?}"),
        }
    }

    /// The integer code of section 4.2.3: the temperature in 1/100 degrees and `t_fine`, on which the others depend.
    fn temperature_as_bosch_computes_it(raw: i32) -> (i32, i32) {
        let [t1, t2, t3, ..] = CALIBRATION;
        let a = (((raw >> 3) - (t1 << 1)) * t2) >> 11;
        let d = (raw >> 4) - t1;
        let t_fine = a + ((((d * d) >> 12) * t3) >> 14);
        ((t_fine * 5 + 128) >> 8, t_fine)
    }

    /// The pressure in 1/256 pascals.
    fn pressure_as_bosch_computes_it(raw: i32, t_fine: i32) -> i64 {
        let [_, _, _, p1, p2, p3, p4, p5, p6, p7, p8, p9] = CALIBRATION.map(i64::from);
        let v = i64::from(t_fine) - 128_000;
        let offset = v * v * p6 + ((v * p5) << 17) + (p4 << 35);
        let slope = (((1 << 47) + ((v * v * p3) >> 8) + ((v * p2) << 12)) * p1) >> 33;
        let p = (((i64::from(1_048_576 - raw) << 31) - offset) * 3125) / slope;
        ((p + ((p9 * (p >> 13) * (p >> 13)) >> 25) + ((p8 * p) >> 19)) >> 8) + (p7 << 4)
    }

    /// The humidity in 1/1024 percent.
    fn humidity_as_bosch_computes_it(raw: i32, t_fine: i32) -> i32 {
        let (h1, h2, h3, h4, h5, h6) = HUMIDITY;
        let [h1, h2, h3, h4, h5, h6] = [h1.into(), h2.into(), h3.into(), h4.into(), h5.into(), i32::from(h6)];
        let v = t_fine - 76_800;
        let a = ((raw << 14) - (h4 << 20) - h5 * v + 16_384) >> 15;
        let b = (((((v * h6) >> 10) * (((v * h3) >> 11) + 32_768)) >> 10) + 2_097_152) * h2 + 8192;
        let v = a * (b >> 14);
        let v = v - (((((v >> 15) * (v >> 15)) >> 7) * h1) >> 4);
        v.clamp(0, 419_430_400) >> 12
    }

    #[test]
    fn computes_the_example_of_the_data_sheet() {
        let weather = sample(&mut Bme280::new("garden", chip(0x58, 0)));
        assert!((weather.temperature - 25.08).abs() < 0.005, "{weather:?}");
        assert!((weather.pressure - 1006.5327).abs() < 0.002, "{weather:?}");
        assert_eq!(weather.humidity, None); // a BMP280
    }

    proptest! {
        #[test]
        fn computes_what_the_reference_code_does(
            temperature in 380_000..650_000, // some -20 to 65 degrees
            pressure in 250_000..700_000,
            humidity: u16,
        ) {
            let raw = |value: i32| [(value >> 12) as u8, (value >> 4) as u8, (value << 4) as u8];
            let chip = chip(0x60, humidity).with(0xF7, &raw(pressure)).with(0xFA, &raw(temperature));
            let mut sensor = Bme280::new("garden", chip);
            sensor.start().unwrap();
            let read = sensor.read();
            let (celsius, t_fine) = temperature_as_bosch_computes_it(temperature);
            let hectopascals = pressure_as_bosch_computes_it(pressure, t_fine) as f64 / 25_600.0;
            let percent = f64::from(humidity_as_bosch_computes_it(humidity.into(), t_fine)) / 1024.0;
            let Ok(Progress::Ready(weather)) = read else {
                let possible = (300.0..=1100.0).contains(&hectopascals) && percent > 0.0 && percent < 100.0;
                prop_assert!(!possible || humidity == 0x8000, "{read:?}");
                return Ok(());
            };
            prop_assert!((weather.temperature - f64::from(celsius) / 100.0).abs() < 0.01, "{weather:?} {celsius}");
            prop_assert!((weather.pressure - hectopascals).abs() < 0.02, "{weather:?} {hectopascals}");
            prop_assert!((weather.humidity.unwrap() - percent).abs() < 0.05, "{weather:?} {percent}");
        }
    }

    #[test]
    fn negative_coefficients_of_humidity_have_their_sign() {
        // H4 = -1 and H5 = -2, each spread over two registers.
        let h = Coefficients::of([0; 26], Some([0, 0, 0, 0xFF, 0xEF, 0xFF, 0xFD])).h.unwrap();
        assert_eq!(h, [0.0, 0.0, 0.0, -1.0, -2.0, -3.0]);
    }

    /// Any numbers that are not all the same.
    const CALIBRATED: [u8; 26] = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];

    #[test]
    fn f21_what_has_not_been_measured_is_no_reading() {
        let sampled = |data: [u8; 8]| {
            let mut sensor = Bme280::new("garden", chip(0x60, 28_000).with(DATA, &data));
            sensor.start().unwrap();
            sensor.read().map_err(|error| error.to_string())
        };
        let [p, t, h] = [[0x65, 0x5A, 0xC0], [0x7E, 0xED, 0x00], [0x6D, 0x60, 0x00]];
        let data = |p: [u8; 3], t: [u8; 3], h: [u8; 3]| [p[0], p[1], p[2], t[0], t[1], t[2], h[0], h[1]];
        assert!(sampled(data(p, t, h)).is_ok());
        for nothing in [
            data([0x80, 0, 0], t, h),
            data(p, [0x80, 0, 0], h),
            data(p, t, [0x80, 0, 0]),
        ] {
            assert_eq!(sampled(nothing), Err("BME280: it lost its power while it measured".to_owned()));
        }
        let error = sampled([0; 8]).unwrap_err();
        assert!(error.starts_with("BME280: temperature of -140.8"), "{error}");
        assert!(error.contains(" °C is outside of the range from -40 to 85 °C; check its supply"), "{error}");
    }

    #[test]
    fn f21_a_calibration_of_zeros_is_an_error() {
        let blank = FakeChip::new(0x76).with(ID, &[0x60]).with(DATA, &[0x50, 0, 0, 0x70, 0, 0, 0x60, 0]);
        let error = Bme280::new("garden", blank).start().unwrap_err().to_string();
        assert_eq!(error, "BME280: its calibration cannot be read; check its supply and its wires");
        let error = Bme280::new("garden", chip(0x60, 28_000).with(0xE1, &[0; 7])).start().unwrap_err().to_string();
        assert_eq!(error, "BME280: its calibration cannot be read; check its supply and its wires");
    }

    #[test]
    fn a_start_is_two_writes_once_the_calibration_is_known() {
        let write = |register, value| Transaction::write(0x76, vec![register, value]);
        let read = |register, bytes: &[u8]| Transaction::write_read(0x76, vec![register], bytes.to_vec());
        let mut talk = vec![read(0xD0, &[0x58]), write(0xF4, 0), write(0xF5, 0), read(0xF3, &[0])];
        talk.extend([read(0x88, &CALIBRATED), write(0xF2, 1), write(0xF4, 0x25), write(0xF2, 1), write(0xF4, 0x25)]);
        let mut bus = Mock::new(&talk);
        let mut sensor = Bme280::new("garden", bus.clone());
        assert_eq!((sensor.start(), sensor.start()), (Ok(TAKES), Ok(TAKES)));
        bus.done();
    }

    #[test]
    fn waits_for_the_measurement_and_for_the_calibration() {
        let chip = chip(0x60, 28_000);
        let mut sensor = Bme280::new("garden", chip.clone());
        chip.set(STATUS, COPYING_CALIBRATION);
        assert!(sensor.start().unwrap_err().to_string().ends_with("it has just been switched on; sample it again"));
        chip.set(STATUS, 0);
        sensor.start().unwrap();
        chip.set(STATUS, MEASURING);
        assert_eq!(sensor.read(), Ok(Progress::AskIn(TAKES / 8)));
    }

    #[test]
    fn a_lost_power_does_not_show_in_the_readings() {
        let chip = chip(0x60, 28_000);
        let mut sensor = Bme280::new("garden", chip.clone());
        let before = sample(&mut sensor);
        chip.set(0xF2, 0);
        chip.set(0xF4, 0); // what the chip would measure now is nothing
        assert_eq!(sample(&mut sensor), before);
        assert_eq!((chip.get(0xF2), chip.get(0xF4) & 0xFC), (1, 0b0010_0100));
        sensor.start().unwrap();
        let chip = chip.with(DATA, &[0x80, 0, 0, 0x80, 0, 0]); // lost while it measured
        assert!(sensor.read().unwrap_err().to_string().ends_with("it lost its power while it measured"));
        // The calibration is read anew: it may be another chip.
        chip.with(ID, &[0x58]).with(DATA, &[0x65, 0x5A, 0xC0, 0x7E, 0xED, 0]);
        assert_eq!(sample(&mut sensor).humidity, None);
    }

    #[test]
    fn another_chip_and_none_are_errors() {
        let error = Bme280::new("garden", chip(0x61, 0)).start().unwrap_err().to_string();
        assert_eq!(error, "no BME280: another chip answers, with the id 0x61 instead of 0x60");
        let error = Bme280::new("garden", chip(0x60, 0)).address(0x77).start().unwrap_err().to_string();
        assert!(error.starts_with("BME280 does not answer"), "{error}");
    }
}
