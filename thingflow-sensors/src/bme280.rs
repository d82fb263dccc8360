//! [`Bme280`]: temperature, humidity and pressure from the BME280, on an I2C bus; without humidity from the BMP280.

use core::fmt;
use core::time::Duration;

use ::bme280::i2c::BME280;
use ::bme280::{Configuration, Error};
use embedded_hal::{delay::DelayNs, i2c::I2c};
use thingflow_core::SensorId;

use crate::{Chip, ChipError, Conversion, Progress};

/// The weather sensor BME280, or a BMP280.
///
/// - Units: degrees Celsius, -40 to 85, in steps of 0.005, ±1; percent of relative humidity, 0 to 100, in steps of
///   0.008, ±3 (a BMP280: always 0); hectopascals, 300 to 1100, in steps of 0.03, ±1. What lies beyond is cut off.
/// - Address: 0x76; 0x77 with the pin SDO high.
/// - Wiring: 1.7 V to 3.6 V, not 5 V. The pin CSB must be high for I2C.
/// - A measurement takes 10 ms: it is a [`Conversion`], for [`Converting`](crate::Converting) or
///   [`Blocking`](crate::Blocking). Starting one takes another 10 ms of the bus (at 100 kHz), since the chip is
///   set up anew each time: after a loss of power it would otherwise go on with readings that look right and are not.
/// - The settings are those that Bosch recommends for weather: each value measured once, no filter.
///
/// Source: data sheet of Bosch, BST-BME280-DS002. Driver: the crate `bme280`.
pub struct Bme280<B, D> {
    id: SensorId,
    chip: Chip,
    driver: BME280<B>,
    delay: D,
}

/// A reading of a [`Bme280`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weather {
    /// The temperature in degrees Celsius.
    pub celsius: f64,
    /// The relative humidity in percent.
    pub percent: f64,
    /// The pressure where the sensor is, in hectopascals (millibars).
    pub hectopascals: f64,
}

/// Section 9.1 gives 9.3 ms at most.
const TAKES: Duration = Duration::from_millis(10);

impl<B: I2c, D: DelayNs> Bme280<B, D> {
    /// Finds the chip at 0x76.
    ///
    /// # Errors
    /// If nobody answers, or another chip.
    pub fn new(id: impl Into<SensorId>, bus: B, delay: D) -> Result<Self, ChipError<B::Error>> {
        Self::at(id, bus, delay, 0x76)
    }

    /// As [`new`](Self::new), at another address.
    ///
    /// # Errors
    /// If nobody answers, or another chip.
    pub fn at(id: impl Into<SensorId>, bus: B, delay: D, address: u8) -> Result<Self, ChipError<B::Error>> {
        let driver = BME280::new(bus, address);
        let mut sensor = Self { id: id.into(), chip: Chip::i2c("BME280", address), driver, delay };
        sensor.set_up()?;
        Ok(sensor)
    }

    fn set_up(&mut self) -> Result<(), ChipError<B::Error>> {
        let driver = self.driver.init_with_config(&mut self.delay, Configuration::default());
        driver.map_err(|error| failed(self.chip, error))
    }

    /// Has the driver begin a measurement and read what the one before it gave. The chip keeps that until the new one
    /// has ended, so the driver's 40 ms of waiting can be left out.
    fn begin_and_read(&mut self) -> Result<Weather, Error<B::Error>> {
        let air = self.driver.measure(&mut AtOnce)?;
        let hectopascals = f64::from(air.pressure) / 100.0;
        Ok(Weather { celsius: air.temperature.into(), percent: air.humidity.into(), hectopascals })
    }
}

struct AtOnce;

impl DelayNs for AtOnce {
    fn delay_ns(&mut self, _: u32) {}
}

fn failed<E>(chip: Chip, error: Error<E>) -> ChipError<E> {
    match error {
        Error::Bus(error) => chip.silent(error),
        Error::UnsupportedChip => chip.no_reading("another chip answers at its address"),
        Error::CompensationFailed | Error::InvalidData | Error::NoCalibrationData | Error::Delay => {
            chip.no_reading("its values make no sense; check that nothing else has its address")
        }
    }
}

impl<B: I2c<Error: Send + Sync + 'static>, D: DelayNs> Conversion for Bme280<B, D> {
    type Reading = Weather;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn start(&mut self) -> Result<Duration, Self::Error> {
        self.set_up()?;
        match self.begin_and_read() {
            Err(Error::Bus(error)) => Err(self.chip.silent(error)),
            _ => Ok(TAKES), // there was none before it
        }
    }
    fn read(&mut self) -> Result<Progress<Weather>, Self::Error> {
        let weather = self.begin_and_read().map_err(|error| failed(self.chip, error))?;
        Ok(Progress::Ready(weather))
    }
}

impl<B, D> fmt::Debug for Bme280<B, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bme280").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Blocking;
    use crate::fake::FakeChip;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use thingflow_core::Sensor;

    /// The calibration of the example in the BMP280's data sheet, section 3.12, and its raw values.
    const CALIBRATION: [i32; 12] = [27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000];
    const PRESSURE: u32 = 415_148;
    const TEMPERATURE: u32 = 519_888;
    /// H1 to H6, from a module.
    const HUMIDITY: (u8, i16, u8, i16, i16, i8) = (75, 353, 0, 340, 0, 30);

    fn chip(id: u8, humidity: u16) -> FakeChip {
        let chip = FakeChip::new(0x76).with(0xD0, &[id]);
        let calibration: Vec<u8> = CALIBRATION.iter().flat_map(|c| c.to_le_bytes()[..2].to_vec()).collect();
        let (h1, h2, h3, h4, h5, h6) = HUMIDITY;
        let nibbles = (h4 & 0xF) as u8 | ((h5 & 0xF) as u8) << 4;
        let h2 = h2.to_le_bytes();
        let raw = |value: u32| [(value >> 12) as u8, (value >> 4) as u8, (value << 4) as u8];
        chip.with(0x88, &calibration)
            .with(0xA1, &[h1])
            .with(0xE1, &[h2[0], h2[1], h3, (h4 >> 4) as u8, nibbles, (h5 >> 4) as u8, h6.cast_unsigned()])
            .with(0xF7, &raw(PRESSURE))
            .with(0xFA, &raw(TEMPERATURE))
            .with(0xFD, &humidity.to_be_bytes())
            // A forced measurement ends in sleep mode before anybody looks.
            .on_write(|register, value| if register == 0xF4 { value & !0x03 } else { value })
    }

    /// Section 4.2.3 of the BME280's data sheet: the humidity in 1/1024 percent, in 32-bit integers.
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
        let chip = chip(0x58, 0);
        let mut sensor = Blocking::new(Bme280::new("garden", chip, NoopDelay).unwrap(), NoopDelay);
        let weather = sensor.sample().unwrap();
        assert!((weather.celsius - 25.08).abs() < 0.005, "{weather:?}");
        assert!((weather.hectopascals - 1006.5327).abs() < 0.002, "{weather:?}");
    }

    #[test]
    fn computes_humidity_as_the_reference_code_does() {
        for raw in [20_000, 25_000, 28_000, 33_000] {
            let mut sensor = Blocking::new(Bme280::new("garden", chip(0x60, raw), NoopDelay).unwrap(), NoopDelay);
            let percent = sensor.sample().unwrap().percent;
            let expected = f64::from(humidity_as_bosch_computes_it(raw.into(), 128_422)) / 1024.0; // t_fine of 25.08 °C
            assert!((percent - expected).abs() < 0.02, "{raw}: {percent} {expected}");
        }
    }

    #[test]
    fn a_lost_power_does_not_show_in_the_readings() {
        let chip = chip(0x60, 28_000);
        let mut sensor = Blocking::new(Bme280::new("garden", chip.clone(), NoopDelay).unwrap(), NoopDelay);
        let before = sensor.sample().unwrap();
        chip.set(0xF2, 0);
        chip.set(0xF4, 0); // what the chip would measure now is nothing
        assert_eq!(sensor.sample().unwrap(), before);
        assert_eq!((chip.get(0xF2), chip.get(0xF4) & 0xFC), (1, 0b0010_0100));
    }

    #[test]
    fn another_chip_and_none_are_errors() {
        let error = Bme280::new("garden", chip(0x61, 0), NoopDelay).unwrap_err().to_string();
        assert_eq!(error, "BME280: another chip answers at its address");
        let error = Bme280::at("garden", chip(0x60, 0), NoopDelay, 0x77).unwrap_err().to_string();
        assert!(error.starts_with("BME280 does not answer"), "{error}");
    }
}
