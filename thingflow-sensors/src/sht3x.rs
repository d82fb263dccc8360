//! [`Sht3x`]: the temperature and humidity sensors SHT30, SHT31, SHT35, on an I2C bus.
//!
//! Own code for its one command; `sensirion.rs` says why.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::SensorId;

use crate::sensirion::{Words, celsius};
use crate::{Chip, ChipError, Climate, Conversion, Progress};

/// The temperature and humidity sensor SHT3x.
///
/// - Units: degrees Celsius, -40 to 125, in steps of 0.0027, ±0.2 (SHT31); percent of relative humidity, 0 to 100, in
///   steps of 0.0015, ±2.
/// - Address: 0x44; 0x45 with the pin ADDR high.
/// - Wiring: 2.15 V to 5.5 V; pull the bus up to the voltage of the board, not to that of the chip.
/// - A measurement takes 16 ms: it is a [`Conversion`], for [`Converting`](crate::Converting) or
///   [`Blocking`](crate::Blocking). In between the chip sleeps and does not warm itself.
/// - The chip needs no setting up: each measurement is one command, so a loss of power does no harm.
///
/// Source: data sheet of Sensirion, SHT3x-DIS, version 7.
pub struct Sht3x<B> {
    id: SensorId,
    chip: Words<B>,
}

/// Once, with high repeatability, without holding the clock line.
const MEASURE: [u8; 2] = [0x24, 0x00];
/// Table 4: 15 ms at most, and 1 ms for a slow clock.
const TAKES: Duration = Duration::from_millis(16);

impl<B: I2c> Sht3x<B> {
    /// The chip at 0x44.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        Self { id: id.into(), chip: Words::new(Chip::i2c("SHT3x", 0x44), bus) }
    }

    /// Another address: 0x45 with the pin ADDR high.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        Self { chip: self.chip.at(address, &[0x44, 0x45]), ..self }
    }
}

impl<B: I2c<Error: Send + Sync + 'static>> Conversion for Sht3x<B> {
    type Reading = Climate;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn start(&mut self) -> Result<Duration, Self::Error> {
        self.chip.command(&MEASURE)?;
        Ok(TAKES)
    }
    fn read(&mut self) -> Result<Progress<Climate>, Self::Error> {
        let [warmth, moisture] = self.chip.shares()?;
        // Section 4.13.
        Ok(Progress::Ready(Climate { celsius: celsius(warmth), percent: 100.0 * moisture }))
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
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    fn sample(address: u8, bytes: [u8; 6]) -> Result<Climate, String> {
        let talk = [Transaction::write(address, vec![0x24, 0x00]), Transaction::read(address, bytes.to_vec())];
        let mut bus = Mock::new(&talk);
        let mut sensor = Sht3x::new("cellar", bus.clone()).address(address);
        assert_eq!(sensor.start(), Ok(TAKES));
        let progress = sensor.read().map_err(|e| e.to_string());
        bus.done();
        progress.map(|progress| match progress {
            Progress::Ready(climate) => climate,
            later @ Progress::AskIn(_) => panic!("{later:?}"),
        })
    }

    #[test]
    fn reads_both_values() {
        // The checksum of 0xBEEF is the data sheet's example.
        let Climate { celsius, percent } = sample(0x44, [0xBE, 0xEF, 0x92, 0x80, 0x00, 0xA2]).unwrap();
        assert!((celsius - 85.523).abs() < 1e-3, "{celsius}");
        assert!((percent - 50.0).abs() < 1e-3, "{percent}");
    }

    #[test]
    fn the_ends_of_the_range_at_the_other_address() {
        let lowest = sample(0x45, [0x00, 0x00, 0x81, 0x00, 0x00, 0x81]);
        assert_eq!(lowest, Ok(Climate { celsius: -45.0, percent: 0.0 }));
        let highest = sample(0x45, [0xFF, 0xFF, 0xAC, 0xFF, 0xFF, 0xAC]);
        assert_eq!(highest, Ok(Climate { celsius: 130.0, percent: 100.0 }));
    }

    #[test]
    fn a_wrong_checksum_is_no_reading() {
        let error = sample(0x44, [0xBE, 0xEF, 0x93, 0x80, 0x00, 0xA2]).unwrap_err();
        assert_eq!(error, "SHT3x: a checksum is wrong; shorten the wires, or slow the bus down");
    }
}
