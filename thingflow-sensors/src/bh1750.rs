//! [`Bh1750`]: the light sensor BH1750 (module GY-30, GY-302), on an I2C bus.

use core::fmt;

use ::bh1750::{BH1750, BH1750Error};
use embedded_hal::{delay::DelayNs, i2c::I2c};
use thingflow_core::{SampleError, Sensor, SensorId};

use crate::{Chip, ChipError};

pub use ::bh1750::Resolution;

/// The light sensor BH1750.
///
/// - Unit: lux, 0 to 54,612, in steps of 0.83 (half of that with [`Resolution::High2`], up to 27,306). ±20 %.
/// - Address: 0x23; 0x5C with the pin ADDR high.
/// - Wiring: 2.4 V to 3.6 V; the blue modules have a regulator and take 5 V too, but then pull the bus up to 5 V, which
///   a Raspberry Pi does not survive.
/// - It measures on its own, every 120 ms (16 ms with [`Resolution::Low`]). Sampled faster, it repeats the last
///   reading; before the first one it reads 0. Sampling takes one transfer of 2 bytes.
/// - A chip that lost its power is switched on again by the sampling after the one that failed. If it was back before
///   the next sampling, it only shows darkness, so after ten readings of 0 it is switched on again too: leave more
///   than 20 ms from sampling to sampling.
///
/// Source: data sheet of ROHM, 2011.11 rev. D. Driver: the crate `bh1750`.
pub struct Bh1750<B, D> {
    id: SensorId,
    chip: Chip,
    resolution: Resolution,
    measuring: bool,
    /// How many readings in a row were 0.
    dark: u8,
    driver: BH1750<B, D>,
}

/// So many readings of 0 may mean that the chip is off.
const DARK: u8 = 10;

impl<B: I2c, D: DelayNs> Bh1750<B, D> {
    /// Finds the chip at 0x23 and has it measure, with a resolution of one lux.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn new(id: impl Into<SensorId>, bus: B, delay: D) -> Result<Self, ChipError<B::Error>> {
        Self::with(id, bus, delay, 0x23, Resolution::High)
    }

    /// As [`new`](Self::new), at another address or with another resolution.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn with(
        id: impl Into<SensorId>,
        bus: B,
        delay: D,
        address: u8,
        resolution: Resolution,
    ) -> Result<Self, ChipError<B::Error>> {
        let driver = BH1750::new_custom_address(bus, delay, address);
        let chip = Chip::i2c("BH1750", address);
        let mut sensor = Self { id: id.into(), chip, resolution, measuring: false, dark: 0, driver };
        sensor.measure().map_err(|error| sensor.failed(error))?;
        Ok(sensor)
    }

    fn measure(&mut self) -> Result<(), BH1750Error<B::Error>> {
        self.driver.start_continuous_measurement(self.resolution)?;
        self.measuring = true;
        Ok(())
    }

    fn lux(&mut self) -> Result<f32, BH1750Error<B::Error>> {
        if !self.measuring {
            self.measure()?;
        }
        let lux = self.driver.get_current_measurement(self.resolution)?;
        self.dark = if lux > 0.0 { 0 } else { self.dark + 1 };
        if self.dark == DARK {
            (self.dark, self.measuring) = (0, false);
        }
        Ok(lux)
    }

    fn failed(&mut self, error: BH1750Error<B::Error>) -> ChipError<B::Error> {
        self.measuring = false;
        match error {
            BH1750Error::I2C(error) => self.chip.silent(error),
            BH1750Error::MeasurementTimeOutOfRange => self.chip.no_reading("its time of measuring is out of range"),
        }
    }
}

impl<B: I2c<Error: Send + Sync + 'static>, D: DelayNs> Sensor for Bh1750<B, D> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<Self::Error>> {
        Ok(self.lux().map(f64::from).map_err(|error| self.failed(error))?)
    }
}

impl<B, D> fmt::Debug for Bh1750<B, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bh1750").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    fn start() -> Transaction {
        Transaction::write(0x23, vec![0x10])
    }

    #[test]
    fn reads_the_example_of_the_data_sheet() {
        let mut bus = Mock::new(&[start(), Transaction::read(0x23, vec![0b1000_0011, 0b1001_0000])]);
        let lux = Bh1750::new("lux", bus.clone(), NoopDelay).unwrap().sample().unwrap();
        assert!((lux - 28_067.0).abs() < 1.0, "{lux}"); // page 7: 28067 lx
        bus.done();
    }

    #[test]
    fn half_a_lux_at_the_other_address() {
        let talk = [Transaction::write(0x5C, vec![0x11]), Transaction::read(0x5C, vec![0, 3])];
        let mut bus = Mock::new(&talk);
        let mut sensor = Bh1750::with("lux", bus.clone(), NoopDelay, 0x5C, Resolution::High2).unwrap();
        assert_eq!(sensor.sample().unwrap(), 1.25);
        bus.done();
    }

    #[test]
    fn is_switched_on_again_after_a_failure() {
        let lost = Transaction::read(0x23, vec![0, 0]).with_error(ErrorKind::Other);
        let mut bus = Mock::new(&[start(), lost, start(), Transaction::read(0x23, vec![0, 12])]);
        let mut sensor = Bh1750::new("lux", bus.clone(), NoopDelay).unwrap();
        assert!(sensor.sample().unwrap_err().to_string().starts_with("BH1750 does not answer: Other; check"));
        assert_eq!(sensor.sample().unwrap(), 10.0);
        bus.done();
    }

    #[test]
    fn is_switched_on_again_after_a_long_darkness() {
        let mut talk = vec![start()];
        talk.extend((0..10).map(|_| Transaction::read(0x23, vec![0, 0])));
        talk.extend([start(), Transaction::read(0x23, vec![0, 12])]);
        let mut bus = Mock::new(&talk);
        let mut sensor = Bh1750::new("lux", bus.clone(), NoopDelay).unwrap();
        assert_eq!((0..11).map(|_| sensor.sample().unwrap()).sum::<f64>(), 10.0);
        bus.done();
    }
}
