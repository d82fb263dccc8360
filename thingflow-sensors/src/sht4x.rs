//! [`Sht4x`]: the temperature and humidity sensors SHT40, SHT41, SHT45, on an I2C bus.

use core::fmt;

use ::sht4x::{Address, Error, Sht4x as Driver};
use embedded_hal::{delay::DelayNs, i2c::I2c};
use thingflow_core::{SampleError, Sensor, SensorId};

use crate::{Chip, ChipError, Climate};

pub use ::sht4x::Precision;

/// The temperature and humidity sensor SHT4x.
///
/// - Units: degrees Celsius, -40 to 125, in steps of 0.01, ±0.2 (SHT40) or ±0.1 (SHT45); percent of relative humidity,
///   0 to 100, in steps of 0.01, ±1.8 or ±1. At its ends the chip reads a little beyond 0 and 100; that is cut off.
/// - Address: 0x44; some types 0x45 or 0x46.
/// - Wiring: 1.08 V to 3.6 V, not 5 V.
/// - Sampling takes 9 ms, in which it blocks; with [`Precision::Low`] 2 ms. In between the chip sleeps.
///
/// Source: data sheet of Sensirion, SHT4x, version 6. Driver: the crate `sht4x`.
pub struct Sht4x<B, D> {
    id: SensorId,
    chip: Chip,
    precision: Precision,
    driver: Driver<B, D>,
    delay: D,
}

impl<B: I2c, D: DelayNs> Sht4x<B, D> {
    /// Finds the chip at 0x44.
    ///
    /// # Errors
    /// If nobody answers, or a checksum is wrong.
    pub fn new(id: impl Into<SensorId>, bus: B, delay: D) -> Result<Self, ChipError<B::Error>> {
        Self::with(id, bus, delay, Address::Address0x44, Precision::High)
    }

    /// As [`new`](Self::new), at another address or with another precision.
    ///
    /// # Errors
    /// If nobody answers, or a checksum is wrong.
    pub fn with(
        id: impl Into<SensorId>,
        bus: B,
        delay: D,
        address: Address,
        precision: Precision,
    ) -> Result<Self, ChipError<B::Error>> {
        let chip = Chip::i2c("SHT4x", address.into());
        let driver = Driver::new_with_address(bus, address);
        let mut sensor = Self { id: id.into(), chip, precision, driver, delay };
        sensor.driver.serial_number(&mut sensor.delay).map_err(|error| failed(chip, error))?;
        Ok(sensor)
    }
}

fn failed<E>(chip: Chip, error: Error<E>) -> ChipError<E> {
    match error {
        Error::I2c(error) => chip.silent(error),
        Error::Crc => chip.corrupt(),
        _ => chip.no_reading("the driver failed"),
    }
}

impl<B: I2c<Error: Send + Sync + 'static>, D: DelayNs> Sensor for Sht4x<B, D> {
    type Reading = Climate;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<Climate, SampleError<Self::Error>> {
        let air = self.driver.measure(self.precision, &mut self.delay).map_err(|error| failed(self.chip, error))?;
        let percent: f64 = air.humidity_percent().to_num();
        Ok(Climate { celsius: air.temperature_celsius().to_num(), percent: percent.clamp(0.0, 100.0) })
    }
}

impl<B, D> fmt::Debug for Sht4x<B, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sht4x").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    fn sample(bytes: [u8; 6]) -> Result<Climate, String> {
        let serial = Transaction::read(0x44, vec![0xBE, 0xEF, 0x92, 0xBE, 0xEF, 0x92]);
        let reading = Transaction::read(0x44, bytes.to_vec());
        let write = |command| Transaction::write(0x44, vec![command]);
        let mut bus = Mock::new(&[write(0x89), serial, write(0xFD), reading]);
        let reading = Sht4x::new("attic", bus.clone(), NoopDelay).unwrap().sample().map_err(|e| e.to_string());
        bus.done();
        reading
    }

    #[test]
    fn reads_both_values_by_the_formulas_of_the_data_sheet() {
        let Climate { celsius, percent } = sample([0xBE, 0xEF, 0x92, 0x80, 0x00, 0xA2]).unwrap();
        assert!((celsius - (-45.0 + 175.0 * 48_879.0 / 65_535.0)).abs() < 0.01, "{celsius}");
        assert!((percent - (-6.0 + 125.0 * 32_768.0 / 65_535.0)).abs() < 0.01, "{percent}");
    }

    #[test]
    fn humidity_beyond_its_ends_is_cut_off() {
        assert_eq!(sample([0x00, 0x00, 0x81, 0x00, 0x00, 0x81]).unwrap(), Climate { celsius: -45.0, percent: 0.0 });
        assert_eq!(sample([0xFF, 0xFF, 0xAC, 0xFF, 0xFF, 0xAC]).unwrap().percent, 100.0);
    }

    #[test]
    fn a_wrong_checksum_is_no_reading() {
        assert!(sample([0; 6]).unwrap_err().starts_with("SHT4x: a checksum is wrong"));
    }
}
