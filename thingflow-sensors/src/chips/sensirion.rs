//! [`Words`]: how Sensirion's chips talk: a command, a wait, and words with a checksum each.
//!
//! The words and their checksums are read by the crate `sensirion-i2c`. The drivers of whole chips that are there do
//! not fit: those for the SHT3x ask for embedded-hal 0.x; the crate `sht4x` waits inside its measurement, up to 9 ms.

use embedded_hal::i2c::I2c;
use sensirion_i2c::i2c::{Error, read_words_with_crc};

use crate::{Chip, ChipError};

/// A chip of Sensirion's and its bus.
pub(crate) struct Words<B> {
    chip: Chip,
    bus: B,
}

impl<B: I2c> Words<B> {
    pub(crate) const fn new(chip: Chip, bus: B) -> Self {
        Self { chip, bus }
    }

    #[track_caller]
    pub(crate) fn at(self, address: u8, possible: &[u8]) -> Self {
        Self { chip: self.chip.at(address, possible), ..self }
    }

    pub(crate) const fn chip(&self) -> Chip {
        self.chip
    }

    pub(crate) fn command(&mut self, command: &[u8]) -> Result<(), ChipError<B::Error>> {
        self.bus.write(self.chip.address(), command).map_err(|error| self.chip.silent(error))
    }

    /// The temperature and the humidity that the last command measured, as shares of their ranges, 0 to 1.
    pub(crate) fn shares(&mut self) -> Result<[f64; 2], ChipError<B::Error>> {
        let mut bytes = [0; 6];
        let read = read_words_with_crc(&mut self.bus, self.chip.address(), &mut bytes);
        read.map_err(|error| match error {
            Error::I2cRead(error) | Error::I2cWrite(error) => self.chip.silent(error),
            Error::Crc => self.chip.corrupt(),
        })?;
        let share = |high, low| f64::from(u16::from_be_bytes([high, low])) / 65_535.0;
        Ok([share(bytes[0], bytes[1]), share(bytes[3], bytes[4])])
    }
}

/// Both families measure the temperature by this formula.
pub(crate) fn celsius(share: f64) -> f64 {
    -45.0 + 175.0 * share
}
