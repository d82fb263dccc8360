//! [`Lm75`]: the thermometer LM75 and its many relatives, on an I2C bus.

use core::fmt;

use ::lm75::{Error, Lm75 as Driver, ic};
use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, Sensor, SensorId};

use crate::{Chip, ChipError};

/// The thermometer LM75, or one that is compatible with it (LM75A and B, DS75, ADT75, MAX7500, TMP75).
///
/// - Unit: degrees Celsius, -55 to 125, in steps of 0.5. ±2 between -25 and 100, ±3 outside.
/// - Address: 0x48 to 0x4F, by the pins A2, A1, A0.
/// - Wiring: 3 V to 5.5 V; pull the bus up to the voltage of the board, not to that of the chip.
/// - It measures on its own, every 100 ms (300 ms the first LM75). Sampling takes one transfer of 2 bytes.
/// - The chip has no identification: whatever answers at the address is read.
///
/// For the finer steps of a TMP105 see `tmp105`. Source: data sheet of Texas Instruments, SNOS808P. Driver: the crate
/// `lm75`.
pub struct Lm75<B> {
    id: SensorId,
    chip: Chip,
    driver: Driver<B, ic::Lm75>,
}

impl<B: I2c> Lm75<B> {
    /// Finds the chip at 0x48.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Result<Self, ChipError<B::Error>> {
        Self::at(id, bus, 0x48)
    }

    /// Finds the chip at another address and switches it on.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn at(id: impl Into<SensorId>, bus: B, address: u8) -> Result<Self, ChipError<B::Error>> {
        let mut sensor = Self { id: id.into(), chip: Chip::i2c("LM75", address), driver: Driver::new(bus, address) };
        sensor.driver.enable().map_err(|error| sensor.chip.of(error))?;
        Ok(sensor)
    }
}

impl Chip {
    fn of<E>(self, error: Error<E>) -> ChipError<E> {
        match error {
            Error::I2C(error) => self.silent(error),
            Error::InvalidInputData => self.no_reading("the driver refused a setting"),
        }
    }
}

impl<B: I2c<Error: Send + Sync + 'static>> Sensor for Lm75<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<Self::Error>> {
        Ok(self.driver.read_temperature().map(f64::from).map_err(|error| self.chip.of(error))?)
    }
}

impl<B> fmt::Debug for Lm75<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lm75").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    #[test]
    fn reads_the_table_of_the_data_sheet() {
        let table = [(0x7D00, 125.0), (0x1900, 25.0), (0x0080, 0.5), (0x0000, 0.0), (0xFF80, -0.5), (0xC900, -55.0)];
        for (raw, celsius) in table {
            let bytes = i32::to_be_bytes(raw)[2..].to_vec();
            let talk = [Transaction::write(0x4A, vec![1, 0]), Transaction::write_read(0x4A, vec![0], bytes)];
            let mut bus = Mock::new(&talk);
            assert_eq!(Lm75::at("room", bus.clone(), 0x4A).unwrap().sample().unwrap(), celsius);
            bus.done();
        }
    }

    #[test]
    fn names_the_address_where_nobody_answers() {
        let mut bus = Mock::new(&[Transaction::write(0x48, vec![1, 0]).with_error(ErrorKind::Other)]);
        let error = Lm75::new("room", bus.clone()).unwrap_err().to_string();
        assert!(error.ends_with("that `i2cdetect -y 1` shows 48"), "{error}");
        bus.done();
    }
}
