//! [`Registers`]: a chip on an I2C bus that is read and written register by register.

use embedded_hal::i2c::I2c;

use crate::{Chip, ChipError};

/// A chip and its bus. Reads and writes begin at a register and go on to the next ones.
pub(crate) struct Registers<B> {
    pub(crate) chip: Chip,
    pub(crate) bus: B,
}

#[allow(dead_code)] // a build with a single chip may need half of it
impl<B: I2c> Registers<B> {
    pub(crate) fn new(chip: Chip, bus: B) -> Self {
        Self { chip, bus }
    }

    /// The same chip at another address, one of those that it can have.
    #[track_caller]
    pub(crate) fn at(self, address: u8, possible: &[u8]) -> Self {
        Self { chip: self.chip.at(address, possible), ..self }
    }

    pub(crate) fn fill(&mut self, first: u8, bytes: &mut [u8]) -> Result<(), ChipError<B::Error>> {
        self.bus.write_read(self.chip.address(), &[first], bytes).map_err(|error| self.chip.silent(error))
    }

    pub(crate) fn read<const N: usize>(&mut self, first: u8) -> Result<[u8; N], ChipError<B::Error>> {
        let mut bytes = [0; N];
        self.fill(first, &mut bytes)?;
        Ok(bytes)
    }

    /// The number of the first register, and what is written to it and the next ones.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), ChipError<B::Error>> {
        self.bus.write(self.chip.address(), bytes).map_err(|error| self.chip.silent(error))
    }

    /// Looks for the chip by the number that it carries.
    pub(crate) fn identify(&mut self, register: u8, expected: u8) -> Result<(), ChipError<B::Error>> {
        match self.read(register)? {
            [found] if found == expected => Ok(()),
            [found] => Err(self.chip.stranger(found.into(), expected.into())),
        }
    }
}
