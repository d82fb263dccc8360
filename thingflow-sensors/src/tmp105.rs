//! [`Tmp105`]: the thermometer TMP105 with all its 12 bits, on an I2C bus.
//!
//! Own code, since the drivers there are read 9 of the 12 bits. QEMU models this chip, so it is also the one with which
//! the emulated board tests a whole program.

use core::fmt;

use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, Sensor, SensorId};

use crate::{Chip, ChipError};

/// The thermometer TMP105 (also TMP75 and TMP175, which have the same registers).
///
/// - Unit: degrees Celsius, -55 to 127.9375, in steps of 0.0625. ±2 between -25 and 85, ±3 outside.
/// - Address: 0x48 or 0x49, by the pin A0 (TMP75 to 0x4F).
/// - Wiring: 2.7 V to 5.5 V; pull the bus up to the voltage of the board, not to that of the chip.
/// - It measures on its own, every 220 ms. Sampled faster, it repeats the last reading. Sampling takes one transfer of
///   2 bytes.
/// - A chip that lost its power forgets its 12 bits; it is told again by the sampling after the one that failed.
///
/// Source: data sheet of Texas Instruments, TMP105.
pub struct Tmp105<B> {
    id: SensorId,
    chip: Chip,
    bus: B,
    configured: bool,
}

const TEMPERATURE: u8 = 0;
const CONFIGURATION: u8 = 1;
/// 12 bits, measuring all the time.
const FINEST: u8 = 0b0110_0000;

impl<B: I2c> Tmp105<B> {
    /// Finds the chip at 0x48.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Result<Self, ChipError<B::Error>> {
        Self::at(id, bus, 0x48)
    }

    /// Finds the chip at another address and has it measure with 12 bits.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn at(id: impl Into<SensorId>, bus: B, address: u8) -> Result<Self, ChipError<B::Error>> {
        let mut sensor = Self { id: id.into(), chip: Chip::i2c("TMP105", address), bus, configured: false };
        sensor.configure().map_err(|error| sensor.chip.silent(error))?;
        Ok(sensor)
    }

    fn configure(&mut self) -> Result<(), B::Error> {
        self.bus.write(self.chip.address(), &[CONFIGURATION, FINEST])?;
        self.configured = true;
        Ok(())
    }

    fn celsius(&mut self) -> Result<f64, B::Error> {
        if !self.configured {
            self.configure()?;
        }
        let mut raw = [0; 2];
        self.bus.write_read(self.chip.address(), &[TEMPERATURE], &mut raw)?;
        Ok(f64::from(i16::from_be_bytes(raw)) / 256.0)
    }
}

impl<B: I2c<Error: Send + Sync + 'static>> Sensor for Tmp105<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<Self::Error>> {
        let celsius = self.celsius();
        self.configured = celsius.is_ok();
        Ok(celsius.map_err(|error| self.chip.silent(error))?)
    }
}

impl<B> fmt::Debug for Tmp105<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tmp105").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    fn finest() -> Transaction {
        Transaction::write(0x48, vec![1, 0x60])
    }
    fn read(raw: u16) -> Transaction {
        Transaction::write_read(0x48, vec![0], raw.to_be_bytes().to_vec())
    }

    #[test]
    fn reads_the_table_of_the_data_sheet() {
        let table = [
            (0x7FF0, 127.9375),
            (0x6400, 100.0),
            (0x4B00, 75.0),
            (0x1900, 25.0),
            (0x0040, 0.25),
            (0x0000, 0.0),
            (0xFFC0, -0.25),
            (0xE700, -25.0),
            (0xC900, -55.0),
        ];
        for (raw, celsius) in table {
            let mut bus = Mock::new(&[finest(), read(raw)]);
            assert_eq!(Tmp105::new("room", bus.clone()).unwrap().sample().unwrap(), celsius);
            bus.done();
        }
    }

    #[test]
    fn is_configured_again_after_a_failure() {
        let mut bus = Mock::new(&[finest(), read(0).with_error(ErrorKind::Other), finest(), read(0x1780)]);
        let mut sensor = Tmp105::new("room", bus.clone()).unwrap();
        assert!(sensor.sample().is_err());
        assert_eq!(sensor.sample().unwrap(), 23.5);
        bus.done();
    }
}
