//! [`ChipError`]: why a chip on a bus gave no reading, in words that help to mend it.

use core::error::Error;
use core::fmt;

use thingflow_core::DriverError;

use crate::OutOfRange;

/// A chip and where it sits: what its errors begin with. Drivers of your own can use it too.
///
/// ```
/// use thingflow_sensors::Chip;
/// let error = Chip::i2c("BH1750", 0x23).silent("no acknowledge");
/// assert_eq!(
///     error.to_string(),
///     "BH1750 does not answer: \"no acknowledge\"; check the wiring, and that `i2cdetect -y 1` shows 23"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
    name: &'static str,
    address: Option<u8>,
}

impl Chip {
    /// A chip on an I2C bus.
    pub const fn i2c(name: &'static str, address: u8) -> Self {
        Self { name, address: Some(address) }
    }

    /// A chip on an SPI bus.
    pub const fn spi(name: &'static str) -> Self {
        Self { name, address: None }
    }

    /// The address on the I2C bus, 0 if it is on none.
    pub const fn address(self) -> u8 {
        match self.address {
            Some(address) => address,
            None => 0,
        }
    }

    /// The same chip at another address, one of those that it can have.
    ///
    /// # Panics
    /// If it is none of them.
    #[must_use]
    #[track_caller]
    pub fn at(self, address: u8, possible: &[u8]) -> Self {
        let name = self.name;
        assert!(
            possible.contains(&address),
            "{name} cannot have the address {address:02x}, but one of {possible:02x?}; all of them hexadecimal"
        );
        Self { address: Some(address), ..self }
    }

    /// The bus failed, mostly because nobody answered.
    pub fn silent<E>(self, error: E) -> ChipError<E> {
        ChipError { chip: self, fault: ChipFault::Bus(DriverError(error)) }
    }

    /// Another chip sits at the address.
    pub fn stranger<E>(self, found: u16, expected: u16) -> ChipError<E> {
        ChipError { chip: self, fault: ChipFault::OtherChip { found, expected } }
    }

    /// A checksum is wrong.
    pub fn corrupt<E>(self) -> ChipError<E> {
        ChipError { chip: self, fault: ChipFault::Corrupt }
    }

    /// The chip gave a value that it cannot have measured.
    pub fn impossible<E>(self, value: OutOfRange) -> ChipError<E> {
        ChipError { chip: self, fault: ChipFault::OutOfRange(value) }
    }

    /// The chip has no reading, and this is why.
    pub fn no_reading<E>(self, why: &'static str) -> ChipError<E> {
        ChipError { chip: self, fault: ChipFault::NoReading(why) }
    }
}

/// Why a chip gave no reading. `E` is the bus's error; if the bus failed, [`source`](Error::source) is that error as a
/// [`DriverError<E>`].
#[derive(Clone, Copy, PartialEq)]
pub struct ChipError<E> {
    /// The chip.
    pub chip: Chip,
    /// What is wrong.
    pub fault: ChipFault<E>,
}

/// What is wrong with a chip.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChipFault<E> {
    /// The bus failed, mostly because nobody answered.
    Bus(DriverError<E>),
    /// Another chip answered.
    OtherChip {
        /// Its identification.
        found: u16,
        /// That of the chip that was looked for.
        expected: u16,
    },
    /// A checksum is wrong.
    Corrupt,
    /// The chip gave a value outside of the range that its documentation states, or one that is not a number.
    OutOfRange(OutOfRange),
    /// The chip answers but has no reading; the text says why and what to do.
    NoReading(&'static str),
}

impl<E: fmt::Debug> fmt::Display for ChipError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Chip { name, address } = self.chip;
        match (&self.fault, address) {
            (ChipFault::Bus(error), Some(address)) => {
                write!(f, "{name} does not answer: {error}; check the wiring, and that `i2cdetect -y 1` ")?;
                write!(f, "shows {address:02x}")
            }
            (ChipFault::Bus(error), None) => {
                write!(f, "{name} cannot be reached: {error}; check the wiring, and that SPI is switched on")
            }
            (ChipFault::OtherChip { found, expected }, _) => {
                write!(f, "no {name}: another chip answers, with the id {found:#04x} instead of {expected:#04x}")
            }
            (ChipFault::Corrupt, _) => {
                write!(f, "{name}: a checksum is wrong; shorten the wires, or slow the bus down")
            }
            (ChipFault::OutOfRange(value), _) => {
                write!(f, "{name}: {value}; check its supply and its wires, and switch it off and on")
            }
            (ChipFault::NoReading(why), _) => write!(f, "{name}: {why}"),
        }
    }
}

/// As `Display`.
impl<E: fmt::Debug> fmt::Debug for ChipError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<E: fmt::Debug + 'static> Error for ChipError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.fault {
            ChipFault::Bus(error) => Some(error),
            ChipFault::OutOfRange(value) => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "BME280 cannot have the address 75, but one of [76, 77]; all of them hexadecimal")]
    fn a_wrong_address_is_answered_with_those_there_are() {
        let there = Chip::i2c("BME280", 0x76).at(0x77, &[0x76, 0x77]);
        assert_eq!(there.address(), 0x77);
        let _ = there.at(0x75, &[0x76, 0x77]);
    }

    #[test]
    fn f12_the_error_of_the_bus_can_be_looked_at() {
        let error = Chip::i2c("BME280", 0x76).silent(std::io::ErrorKind::TimedOut);
        let cause = error.source().and_then(|cause| cause.downcast_ref::<DriverError<std::io::ErrorKind>>());
        assert_eq!(cause, Some(&DriverError(std::io::ErrorKind::TimedOut)));
        assert_eq!(format!("{error:?}"), error.to_string());
    }

    #[test]
    fn each_fault_says_what_to_look_at() {
        let (there, spi) = (Chip::i2c("BME280", 0x76), Chip::spi("MCP3008"));
        for (error, text) in [
            (spi.silent("EIO"), "MCP3008 cannot be reached: \"EIO\"; check the wiring, and that SPI is switched on"),
            (there.stranger(0x61, 0x60), "no BME280: another chip answers, with the id 0x61 instead of 0x60"),
            (there.corrupt(), "BME280: a checksum is wrong; shorten the wires, or slow the bus down"),
            (there.no_reading("it is too bright"), "BME280: it is too bright"),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }
}
