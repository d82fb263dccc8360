//! [`Tmp105`]: the thermometer TMP105 with all its 12 bits, on an I2C bus.
//!
//! Own code, since the drivers there are read 9 of the 12 bits. QEMU models this chip, so it is also the one with which
//! the emulated board tests a whole program.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, Sensor, SensorId};

use crate::registers::Registers;
use crate::{Chip, ChipError};

/// The thermometer TMP105 (also TMP75 and TMP175, which have the same registers).
///
/// - Unit: degrees Celsius, -55 to 127.9375, in steps of 0.0625. ±2 between -25 and 85, ±3 outside.
/// - Address: 0x48 or 0x49, by the pin A0 (TMP75 to 0x4F).
/// - Wiring: 2.7 V to 5.5 V; pull the bus up to the voltage of the board, not to that of the chip.
/// - It measures on its own, every 220 ms. Sampled faster, it repeats the last reading. Sampling takes one transfer of
///   2 bytes.
/// - Fresh from its power the chip reads 0 until it has measured. So a 0 at the first sampling, and after a failure, is
///   no reading yet ([`SampleError::NotYet`]).
/// - A chip that lost its power forgets its 12 bits. It is told again by the sampling after one that failed, and, where
///   nobody saw the loss, after 60 readings in a row that are whole halves of a degree.
///
/// Source: data sheet of Texas Instruments, TMP105.
pub struct Tmp105<B> {
    id: SensorId,
    registers: Registers<B>,
    configured: bool,
    /// How many readings in a row had no more than 9 bits.
    coarse: u8,
}

const TEMPERATURE: u8 = 0;
const CONFIGURATION: u8 = 1;
/// 12 bits, measuring all the time.
const FINEST: u8 = 0b0110_0000;
/// The bits that a chip fresh from its power leaves at 0.
const FINE: u8 = 0b0111_0000;
const TAKES: Duration = Duration::from_millis(320);
/// So many coarse readings may mean that the chip lost its power. It must have time to measure in between, however fast
/// it is sampled.
const COARSE: u8 = 60;

impl<B: I2c> Tmp105<B> {
    /// The chip at 0x48.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        let registers = Registers::new(Chip::i2c("TMP105", 0x48), bus);
        Self { id: id.into(), registers, configured: false, coarse: 0 }
    }

    /// Another address: 0x49 with the pin A0 high; a TMP75 or TMP175 up to 0x4F.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        let possible = [0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F];
        Self { registers: self.registers.at(address, &possible), ..self }
    }

    fn celsius(&mut self) -> Result<f64, ChipError<B::Error>> {
        if !self.configured || self.coarse == COARSE {
            self.registers.write(&[CONFIGURATION, FINEST])?;
            self.coarse = 0;
        }
        let raw: [u8; 2] = self.registers.read(TEMPERATURE)?;
        self.coarse = if raw[1] & FINE == 0 { self.coarse + 1 } else { 0 };
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
        let fresh = !self.configured;
        let celsius = self.celsius();
        self.configured = celsius.is_ok();
        match celsius? {
            0.0 if fresh => Err(SampleError::NotYet(TAKES)), // what it shows before its first measurement
            celsius => Ok(celsius),
        }
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
            (0xFFC0, -0.25),
            (0xE700, -25.0),
            (0xC900, -55.0),
        ];
        for (raw, celsius) in table {
            let mut bus = Mock::new(&[finest(), read(raw)]);
            assert_eq!(Tmp105::new("room", bus.clone()).sample().unwrap(), celsius);
            bus.done();
        }
    }

    #[test]
    fn is_configured_again_after_a_failure() {
        let mut bus = Mock::new(&[finest(), read(0).with_error(ErrorKind::Other), finest(), read(0x1780)]);
        let mut sensor = Tmp105::new("room", bus.clone());
        assert!(sensor.sample().is_err());
        assert_eq!(sensor.sample().unwrap(), 23.5);
        bus.done();
    }

    #[test]
    fn the_zero_of_a_chip_that_has_not_measured_is_no_reading() {
        let mut bus = Mock::new(&[finest(), read(0), read(0)]);
        let mut sensor = Tmp105::new("room", bus.clone());
        assert_eq!(sensor.sample(), Err(SampleError::NotYet(TAKES)));
        assert_eq!(sensor.sample(), Ok(0.0));
        bus.done();
    }

    #[test]
    fn is_configured_again_after_a_loss_of_power_that_nobody_saw() {
        let (fine, coarse) = (read(0x1790), read(0x1780));
        let mut talk = vec![finest(), coarse.clone(), fine.clone()];
        talk.extend(std::iter::repeat_n(coarse, usize::from(COARSE)));
        talk.extend([finest(), fine.clone(), fine]);
        let mut bus = Mock::new(&talk);
        let mut sensor = Tmp105::new("room", bus.clone());
        let warmest = (0..64).map(|_| sensor.sample().unwrap()).fold(0.0, f64::max);
        assert_eq!(warmest, 23.5625);
        bus.done();
    }
}
