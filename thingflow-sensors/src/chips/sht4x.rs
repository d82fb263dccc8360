//! [`Sht4x`]: the temperature and humidity sensors SHT40, SHT41, SHT45, on an I2C bus.
//!
//! Own code for its three commands on `sensirion-i2c`, and not the driver `sht4x` 0.2, which is built on the same
//! crate: its `measure` and `measure_raw` send a command, wait up to 9 ms and read, and no call does only one of that.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::SensorId;

use super::sensirion::{Words, celsius};
use crate::driver::{Device, SlowDevice, conversion};
use crate::{Chip, ChipError, Climate, Measures, OutOfRange, Progress, Quantity};

/// The temperature and humidity sensor SHT4x.
///
/// - Units: degrees Celsius, -40 to 125, in steps of 0.0027, ±0.2 (SHT40) or ±0.1 (SHT45); percent of relative
///   humidity, 0 to 100, in steps of 0.002, ±1.8 or ±1. At its ends the chip reads a little beyond 0 and 100; that is
///   cut off.
/// - Address: 0x44; some types 0x45 or 0x46.
/// - Wiring: 1.08 V to 3.6 V, not 5 V.
/// - A measurement takes 9 ms, with [`Precision::Low`] 2 ms: it is a [`Conversion`](crate::Conversion), for
///   [`Converting`](crate::Converting) or [`Blocking`](crate::Blocking). In between the chip sleeps.
/// - The chip needs no setting up: each measurement is one command, so a loss of power does no harm.
///
/// Source: data sheet of Sensirion, SHT4x, version 6.
pub struct Sht4x<B> {
    id: SensorId,
    precision: Precision,
    chip: Words<B>,
}

/// How long a [`Sht4x`] measures, and so how much its readings scatter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 9 ms; ±0.04 degrees and ±0.08 percent from reading to reading.
    High,
    /// 5 ms; ±0.07 degrees and ±0.15 percent.
    Medium,
    /// 2 ms; ±0.1 degrees and ±0.25 percent.
    Low,
}

const QUANTITIES: [Quantity; 2] = [
    Quantity::new("temperature", "°C", -40.0..=125.0),
    // The formula of section 4.6 goes that far.
    Quantity::new("humidity", "%", 0.0..=100.0).cut_off(-6.0..=119.0),
];

impl Precision {
    /// The command, and what it takes at most: 8.3 ms, 4.5 ms, 1.7 ms, rounded up.
    const fn command(self) -> (u8, Duration) {
        match self {
            Self::High => (0xFD, Duration::from_millis(9)),
            Self::Medium => (0xF6, Duration::from_millis(5)),
            Self::Low => (0xE0, Duration::from_millis(2)),
        }
    }
}

impl<B: I2c> Sht4x<B> {
    /// The chip at 0x44, with high precision.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        let chip = Words::new(Chip::i2c("SHT4x", 0x44), bus);
        Self { id: id.into(), precision: Precision::High, chip }
    }

    /// Another address: 0x45 or 0x46, which some types have.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        Self { chip: self.chip.at(address, &[0x44, 0x45, 0x46]), ..self }
    }

    /// Another precision.
    #[must_use]
    pub fn precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }
}

impl<B> Measures for Sht4x<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        QUANTITIES
    }
}

impl<B: I2c> Device for Sht4x<B> {
    type Reading = Climate;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.chip.chip().impossible(value)
    }
}

impl<B: I2c> SlowDevice for Sht4x<B> {
    fn begin(&mut self) -> Result<Duration, Self::Error> {
        let (command, takes) = self.precision.command();
        self.chip.command(&[command])?;
        Ok(takes)
    }
    fn progress(&mut self) -> Result<Progress<Climate>, Self::Error> {
        let [warmth, moisture] = self.chip.shares()?;
        // Section 4.6.
        Ok(Progress::Ready(Climate { temperature: celsius(warmth), humidity: -6.0 + 125.0 * moisture }))
    }
}

conversion!([B: I2c<Error: Send + Sync + 'static>] Sht4x<B> => Climate, ChipError<B::Error>);

impl<B> fmt::Debug for Sht4x<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sht4x").field("id", &self.id).field("precision", &self.precision).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Conversion;
    use crate::chips::fake::{FakeWords, Nobody};
    use crate::chips::specimen::{self, Specimen};
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "SHT4x",
            fed: |noise| specimen::slow(Sht4x::new("x", FakeWords(noise))),
            nobody: Some(("44", || specimen::error(Sht4x::new("x", Nobody).start()))),
            registers: None, // it is told by commands
        }
    }

    fn read(bytes: [u8; 6]) -> Result<Climate, String> {
        let mut bus = Mock::new(&[Transaction::read(0x44, bytes.to_vec())]);
        let progress = Sht4x::new("attic", bus.clone()).read().map_err(|e| e.to_string());
        bus.done();
        progress.map(|progress| match progress {
            Progress::Ready(climate) => climate,
            later @ Progress::AskIn(_) => panic!("{later:?}"),
        })
    }

    #[test]
    fn reads_both_values_by_the_formulas_of_the_data_sheet() {
        let Climate { temperature, humidity } = read([0xBE, 0xEF, 0x92, 0x80, 0x00, 0xA2]).unwrap();
        assert!((temperature - (-45.0 + 175.0 * 48_879.0 / 65_535.0)).abs() < 1e-9, "{temperature}");
        assert!((humidity - (-6.0 + 125.0 * 32_768.0 / 65_535.0)).abs() < 1e-9, "{humidity}");
    }

    #[test]
    fn nothing_waits_for_a_measurement() {
        for (precision, command, millis) in [(Precision::High, 0xFD, 9), (Precision::Low, 0xE0, 2)] {
            let mut bus = Mock::new(&[Transaction::write(0x46, vec![command])]);
            let mut sensor = Sht4x::new("attic", bus.clone()).address(0x46).precision(precision);
            assert_eq!(sensor.start(), Ok(Duration::from_millis(millis)));
            bus.done();
        }
    }

    #[test]
    fn humidity_beyond_its_ends_is_cut_off() {
        let warm = |humidity: [u8; 3]| {
            let [high, low, checksum] = humidity;
            read([0xBE, 0xEF, 0x92, high, low, checksum]).unwrap().humidity
        };
        assert_eq!([warm([0x00, 0x00, 0x81]), warm([0xFF, 0xFF, 0xAC])], [0.0, 100.0]);
    }

    #[test]
    fn f20_temperature_beyond_its_ends_is_no_reading() {
        let error = read([0xFF, 0xFF, 0xAC, 0x80, 0x00, 0xA2]).unwrap_err();
        assert!(error.starts_with("SHT4x: temperature of 130 °C is outside of the range from -40 to 125 °C"), "{error}");
    }

    #[test]
    fn a_wrong_checksum_is_no_reading() {
        assert!(read([0; 6]).unwrap_err().starts_with("SHT4x: a checksum is wrong"));
    }
}
