//! [`Veml7700`]: the light sensors VEML7700 and VEML6030, on an I2C bus.

use core::fmt;

use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, Sensor, SensorId};
use veml6030::{Error, SlaveAddr, Veml6030};

use crate::{Chip, ChipError};

pub use veml6030::{Gain, IntegrationTime};

/// The light sensor VEML7700, or the VEML6030, which is the same in another package.
///
/// - Unit: lux, with the usual gain of 1/4 and 100 ms 0 to 32,000 in steps of 0.23 and, towards the end, 2. In steps of
///   0.0036 in the dark (gain 2, 800 ms), up to 120,000 in the sun (gain 1/8, 100 ms), never both. Above 1,000 lux and
///   with a gain of 1/4 or 1/8 the driver corrects the chip's curve.
/// - Address: 0x10; the VEML6030 also 0x48.
/// - Wiring: 2.5 V to 3.6 V; pull the bus up to no more than that.
/// - It measures on its own, once in each integration time. Sampled faster, it repeats the last reading. Sampling takes
///   one transfer of 2 bytes.
/// - A chip that lost its power is switched on again by the sampling after the one that failed. If it was back before
///   the next sampling, it only shows darkness, so after ten readings of 0 it is switched on again too: leave more than
///   a fifth of the integration time from sampling to sampling.
///
/// Source: data sheet of Vishay, 84286, and its application note 84323. Driver: the crate `veml6030`.
pub struct Veml7700<B> {
    id: SensorId,
    chip: Chip,
    time: IntegrationTime,
    gain: Gain,
    measuring: bool,
    /// How many readings in a row were 0.
    dark: u8,
    driver: Veml6030<B>,
}

/// So many readings of 0 may mean that the chip is off.
const DARK: u8 = 10;

impl<B: I2c> Veml7700<B> {
    /// Finds the chip and has it measure, with a gain of 1/4 and 100 ms for each reading.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Result<Self, ChipError<B::Error>> {
        Self::with(id, bus, IntegrationTime::Ms100, Gain::OneQuarter)
    }

    /// As [`new`](Self::new), with another time and gain.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn with(
        id: impl Into<SensorId>,
        bus: B,
        time: IntegrationTime,
        gain: Gain,
    ) -> Result<Self, ChipError<B::Error>> {
        let driver = Veml6030::new(bus, SlaveAddr::Default);
        let chip = Chip::i2c("VEML7700", 0x10);
        let mut sensor = Self { id: id.into(), chip, time, gain, measuring: false, dark: 0, driver };
        sensor.measure().map_err(|error| sensor.failed(error))?;
        Ok(sensor)
    }

    fn measure(&mut self) -> Result<(), Error<B::Error>> {
        self.driver.set_integration_time(self.time)?;
        self.driver.set_gain(self.gain)?;
        self.driver.enable()?;
        self.measuring = true;
        Ok(())
    }

    fn raw(&mut self) -> Result<u16, Error<B::Error>> {
        if !self.measuring {
            self.measure()?;
        }
        let raw = self.driver.read_raw()?;
        self.dark = if raw > 0 { 0 } else { self.dark + 1 };
        if self.dark == DARK {
            (self.dark, self.measuring) = (0, false);
        }
        Ok(raw)
    }

    fn failed(&mut self, error: Error<B::Error>) -> ChipError<B::Error> {
        self.measuring = false;
        let Error::I2C(error) = error;
        self.chip.silent(error)
    }
}

impl<B: I2c<Error: Send + Sync + 'static>> Sensor for Veml7700<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<Self::Error>> {
        match self.raw().map_err(|error| self.failed(error))? {
            u16::MAX => {
                Err(self.chip.no_reading("too bright for its gain; choose a lower gain or a shorter time").into())
            }
            raw => Ok(self.driver.convert_raw_als_to_lux(raw).into()),
        }
    }
}

impl<B> fmt::Debug for Veml7700<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Veml7700").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    fn config(low: u8, high: u8) -> Transaction {
        Transaction::write(0x10, vec![0, low, high])
    }
    /// The time (100 ms is 0), the gain (1/4 is 3 at bit 11), and off with bit 0.
    fn start() -> Vec<Transaction> {
        vec![config(0x01, 0), config(0x01, 0x18), config(0x00, 0x18)]
    }
    fn light(raw: u16) -> Transaction {
        Transaction::write_read(0x10, vec![4], raw.to_le_bytes().to_vec())
    }
    fn sample(raw: u16) -> Result<f64, String> {
        let mut talk = start();
        talk.push(light(raw));
        let mut bus = Mock::new(&talk);
        let reading = Veml7700::new("lux", bus.clone()).unwrap().sample().map_err(|e| e.to_string());
        bus.done();
        reading
    }

    #[test]
    fn reads_lux() {
        assert!((sample(1000).unwrap() - 230.4).abs() < 1e-3); // 0.2304 lux each
        assert_eq!(sample(0), Ok(0.0));
    }

    #[test]
    fn corrects_bright_light_as_the_application_note_says() {
        let x: f64 = 43_403.0 * 0.2304; // about 10,000 lux before the correction
        let y = 6.0135e-13 * x.powi(4) - 9.3924e-9 * x.powi(3) + 8.1488e-5 * x.powi(2) + 1.0023 * x;
        assert!((sample(43_403).unwrap() / y - 1.0).abs() < 1e-6);
    }

    #[test]
    fn saturation_says_what_to_do() {
        assert!(sample(0xFFFF).unwrap_err().contains("choose a lower gain"));
    }

    #[test]
    fn is_switched_on_again_after_a_failure() {
        let mut talk = start();
        talk.push(light(0).with_error(ErrorKind::Other));
        talk.extend([config(0x00, 0x18), config(0x00, 0x18), config(0x00, 0x18), light(10)]);
        let mut bus = Mock::new(&talk);
        let mut sensor = Veml7700::new("lux", bus.clone()).unwrap();
        assert!(sensor.sample().is_err());
        assert!(sensor.sample().unwrap() > 2.0);
        bus.done();
    }

    #[test]
    fn is_switched_on_again_after_a_long_darkness() {
        let mut talk = start();
        talk.extend((0..10).map(|_| light(0)));
        talk.extend([config(0x00, 0x18), config(0x00, 0x18), config(0x00, 0x18), light(0)]);
        let mut bus = Mock::new(&talk);
        let mut sensor = Veml7700::new("lux", bus.clone()).unwrap();
        assert_eq!((0..11).map(|_| sensor.sample().unwrap()).sum::<f64>(), 0.0);
        bus.done();
    }
}
