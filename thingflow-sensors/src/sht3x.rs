//! [`Sht3x`]: the temperature and humidity sensors SHT30, SHT31, SHT35, on an I2C bus.
//!
//! Own code for the two commands, since the drivers there are ask for embedded-hal 0.x; the checksums are those of the
//! crate `sensirion-i2c`.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use sensirion_i2c::i2c::{Error, read_words_with_crc, write_command_u16};
use thingflow_core::SensorId;

use crate::{Chip, ChipError, Climate, Conversion, Progress};

/// The temperature and humidity sensor SHT3x.
///
/// - Units: degrees Celsius, -40 to 125, in steps of 0.0027, ±0.2 (SHT31); percent of relative humidity, 0 to 100, in
///   steps of 0.0015, ±2.
/// - Address: 0x44; 0x45 with the pin ADDR high.
/// - Wiring: 2.15 V to 5.5 V; pull the bus up to the voltage of the board, not to that of the chip.
/// - A measurement takes 16 ms: it is a [`Conversion`], for [`Converting`](crate::Converting) or
///   [`Blocking`](crate::Blocking). In between the chip sleeps and does not warm itself.
///
/// Source: data sheet of Sensirion, SHT3x-DIS, version 7.
pub struct Sht3x<B> {
    id: SensorId,
    chip: Chip,
    bus: B,
}

/// Once, with high repeatability, without holding the clock line.
const MEASURE: u16 = 0x2400;
const READ_STATUS: u16 = 0xF32D;
/// Table 4: 15 ms at most, and 1 ms for a slow clock.
const TAKES: Duration = Duration::from_millis(16);

impl<B: I2c> Sht3x<B> {
    /// Finds the chip at 0x44.
    ///
    /// # Errors
    /// If nobody answers, or a checksum is wrong.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Result<Self, ChipError<B::Error>> {
        Self::at(id, bus, 0x44)
    }

    /// As [`new`](Self::new), at another address.
    ///
    /// # Errors
    /// If nobody answers, or a checksum is wrong.
    pub fn at(id: impl Into<SensorId>, bus: B, address: u8) -> Result<Self, ChipError<B::Error>> {
        let mut sensor = Self { id: id.into(), chip: Chip::i2c("SHT3x", address), bus };
        sensor.command(READ_STATUS)?;
        sensor.words(&mut [0; 3])?;
        Ok(sensor)
    }

    fn command(&mut self, command: u16) -> Result<(), ChipError<B::Error>> {
        write_command_u16(&mut self.bus, self.chip.address(), command).map_err(|error| self.chip.silent(error))
    }

    fn words(&mut self, bytes: &mut [u8]) -> Result<(), ChipError<B::Error>> {
        read_words_with_crc(&mut self.bus, self.chip.address(), bytes).map_err(|error| match error {
            Error::I2cRead(error) | Error::I2cWrite(error) => self.chip.silent(error),
            Error::Crc => self.chip.corrupt(),
        })
    }
}

/// The formulas of section 4.13.
fn climate([t_high, t_low, _, h_high, h_low, _]: [u8; 6]) -> Climate {
    let share = |high, low| f64::from(u16::from_be_bytes([high, low])) / 65_535.0;
    Climate { celsius: -45.0 + 175.0 * share(t_high, t_low), percent: 100.0 * share(h_high, h_low) }
}

impl<B: I2c<Error: Send + Sync + 'static>> Conversion for Sht3x<B> {
    type Reading = Climate;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn start(&mut self) -> Result<Duration, Self::Error> {
        self.command(MEASURE)?;
        Ok(TAKES)
    }
    fn read(&mut self) -> Result<Progress<Climate>, Self::Error> {
        let mut bytes = [0; 6];
        self.words(&mut bytes)?;
        Ok(Progress::Ready(climate(bytes)))
    }
}

impl<B> fmt::Debug for Sht3x<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sht3x").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Blocking;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use thingflow_core::Sensor;

    fn start() -> Vec<Transaction> {
        vec![Transaction::write(0x44, vec![0xF3, 0x2D]), Transaction::read(0x44, vec![0x80, 0x10, 0xE1])]
    }
    fn sample(bytes: [u8; 6]) -> Result<Climate, String> {
        let mut talk = start();
        talk.extend([Transaction::write(0x44, vec![0x24, 0x00]), Transaction::read(0x44, bytes.to_vec())]);
        let mut bus = Mock::new(&talk);
        let mut sensor = Blocking::new(Sht3x::new("cellar", bus.clone()).unwrap(), NoopDelay);
        let reading = sensor.sample().map_err(|e| e.to_string());
        bus.done();
        reading
    }

    #[test]
    fn reads_both_values() {
        // The checksum of 0xBEEF is the data sheet's example.
        let Climate { celsius, percent } = sample([0xBE, 0xEF, 0x92, 0x80, 0x00, 0xA2]).unwrap();
        assert!((celsius - 85.523).abs() < 1e-3, "{celsius}");
        assert!((percent - 50.0).abs() < 1e-3, "{percent}");
    }

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!(climate([0; 6]), Climate { celsius: -45.0, percent: 0.0 });
        assert_eq!(climate([0xFF; 6]), Climate { celsius: 130.0, percent: 100.0 });
    }

    #[test]
    fn a_wrong_checksum_is_no_reading() {
        let error = sample([0xBE, 0xEF, 0x93, 0x80, 0x00, 0xA2]).unwrap_err();
        assert_eq!(error, "SHT3x: a checksum is wrong; shorten the wires, or slow the bus down");
    }
}
