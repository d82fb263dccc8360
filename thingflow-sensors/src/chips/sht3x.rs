//! [`Sht3x`]: the temperature and humidity sensors SHT30, SHT31, SHT35, on an I2C bus.
//!
//! Own code for its three commands; `sensirion.rs` says why.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::SensorId;

use super::sensirion::{Words, celsius};
use crate::driver::{Device, SlowDevice, conversion};
use crate::{Chip, ChipError, Climate, Measures, OutOfRange, Progress, Quantity};

/// The temperature and humidity sensor SHT3x.
///
/// - Units: degrees Celsius, -40 to 125, in steps of 0.0027, ±0.2 (SHT31); percent of relative humidity, 0 to 100, in
///   steps of 0.0015, ±2.
/// - Address: 0x44; 0x45 with the pin ADDR high.
/// - Wiring: 2.15 V to 5.5 V; pull the bus up to the voltage of the board, not to that of the chip.
/// - A measurement takes 16 ms: it is a [`Conversion`](crate::Conversion), for [`Converting`](crate::Converting) or
///   [`Blocking`](crate::Blocking). In between the chip sleeps and does not warm itself.
/// - The first measurement, and the one after a failure, ends what another program may have begun and switches the chip's
///   heater off, which takes 4 ms more. From then on each measurement is one command, so a loss of power does no harm.
///
/// Source: data sheet of Sensirion, SHT3x-DIS, version 7.
pub struct Sht3x<B> {
    id: SensorId,
    chip: Words<B>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// It may measure periodically, and then refuses every command but the break.
    Unknown,
    /// It has been told to break off.
    Breaking,
    /// Its heater has been switched off.
    HeaterOff,
    /// It has been told to measure.
    Measuring,
    /// It does nothing.
    Idle,
}

const BREAK: [u8; 2] = [0x30, 0x93];
const HEATER_OFF: [u8; 2] = [0x30, 0x66];
/// Section 4.1: it takes no command for 1 ms after one.
const PAUSE: Duration = Duration::from_millis(2);
const QUANTITIES: [Quantity; 2] =
    [Quantity::new("temperature", "°C", -40.0..=125.0), Quantity::new("humidity", "%", 0.0..=100.0)];

/// Once, with high repeatability, without holding the clock line.
const MEASURE: [u8; 2] = [0x24, 0x00];
/// Table 4: 15 ms at most, and 1 ms for a slow clock.
const TAKES: Duration = Duration::from_millis(16);

impl<B: I2c> Sht3x<B> {
    /// The chip at 0x44.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        Self { id: id.into(), chip: Words::new(Chip::i2c("SHT3x", 0x44), bus), state: State::Unknown }
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

impl<B> Measures for Sht3x<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        QUANTITIES
    }
}

impl<B: I2c> Device for Sht3x<B> {
    type Reading = Climate;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.chip.chip().impossible(value)
    }
    fn forget(&mut self) {
        self.state = State::Unknown;
    }
}

impl<B: I2c> Sht3x<B> {
    /// Sends a command, and says when the chip is ready for what follows.
    fn tell(&mut self, command: [u8; 2], then: State, ready_in: Duration) -> Result<Duration, ChipError<B::Error>> {
        self.chip.command(&command)?;
        self.state = then;
        Ok(ready_in)
    }
}

impl<B: I2c> SlowDevice for Sht3x<B> {
    fn begin(&mut self) -> Result<Duration, Self::Error> {
        match self.state {
            State::Idle => self.tell(MEASURE, State::Measuring, TAKES),
            _ => self.tell(BREAK, State::Breaking, PAUSE),
        }
    }
    fn progress(&mut self) -> Result<Progress<Climate>, Self::Error> {
        match self.state {
            State::Breaking => self.tell(HEATER_OFF, State::HeaterOff, PAUSE).map(Progress::AskIn),
            State::HeaterOff => self.tell(MEASURE, State::Measuring, TAKES).map(Progress::AskIn),
            State::Measuring => {
                let [warmth, moisture] = self.chip.shares()?;
                self.state = State::Idle;
                // Section 4.13.
                Ok(Progress::Ready(Climate { temperature: celsius(warmth), humidity: 100.0 * moisture }))
            }
            State::Unknown | State::Idle => Err(self.chip.chip().no_reading("no measurement has been started")),
        }
    }
}

conversion!([B: I2c<Error: Send + Sync + 'static>] Sht3x<B> => Climate, ChipError<B::Error>);

impl<B> fmt::Debug for Sht3x<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sht3x").field("id", &self.id).finish_non_exhaustive()
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
            name: "SHT3x",
            fed: |noise| specimen::slow(Sht3x::new("x", FakeWords(noise))),
            nobody: Some(("44", || specimen::error(Sht3x::new("x", Nobody).start()))),
            registers: None, // it is told by commands
        }
    }

    const PERIODIC_OR_NOT: [[u8; 2]; 3] = [[0x30, 0x93], [0x30, 0x66], [0x24, 0x00]];

    fn sample(address: u8, bytes: [u8; 6]) -> Result<Climate, String> {
        let mut talk = PERIODIC_OR_NOT.map(|command| Transaction::write(address, command.to_vec())).to_vec();
        talk.push(Transaction::read(address, bytes.to_vec()));
        let mut bus = Mock::new(&talk);
        let mut sensor = Sht3x::new("cellar", bus.clone()).address(address);
        assert_eq!(sensor.start(), Ok(PAUSE));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(PAUSE)));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(TAKES)));
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
        let Climate { temperature, humidity } = sample(0x44, [0xBE, 0xEF, 0x92, 0x80, 0x00, 0xA2]).unwrap();
        assert!((temperature - 85.523).abs() < 1e-3, "{temperature}");
        assert!((humidity - 50.0).abs() < 1e-3, "{humidity}");
    }

    #[test]
    fn f20_beyond_the_range_at_the_other_address() {
        let lowest = sample(0x45, [0x00, 0x00, 0x81, 0x00, 0x00, 0x81]).unwrap_err();
        assert!(lowest.starts_with("SHT3x: temperature of -45 °C is outside of the range from -40 to 125 °C"), "{lowest}");
        let highest = sample(0x45, [0xFF, 0xFF, 0xAC, 0xFF, 0xFF, 0xAC]).unwrap_err();
        assert!(highest.starts_with("SHT3x: temperature of 130 °C is outside"), "{highest}");
    }

    #[test]
    fn f31_a_measurement_is_one_command_once_the_chip_is_known_and_after_a_failure_it_breaks_off_again() {
        let write = |command: [u8; 2]| Transaction::write(0x44, command.to_vec());
        let answer = || Transaction::read(0x44, vec![0xBE, 0xEF, 0x92, 0x80, 0x00, 0xA2]);
        let [break_off, heater_off, measure] = PERIODIC_OR_NOT.map(write);
        let mut talk = vec![break_off.clone(), heater_off, measure.clone(), answer(), measure.clone(), answer()];
        talk.extend([measure.with_error(embedded_hal::i2c::ErrorKind::Other), break_off]);
        let mut bus = Mock::new(&talk);
        let mut sensor = Sht3x::new("cellar", bus.clone());
        assert!(specimen::convert(&mut sensor).is_some() && specimen::convert(&mut sensor).is_some());
        assert!(sensor.start().is_err());
        assert_eq!(sensor.start(), Ok(PAUSE));
        bus.done();
    }

    #[test]
    fn a_wrong_checksum_is_no_reading() {
        let error = sample(0x44, [0xBE, 0xEF, 0x93, 0x80, 0x00, 0xA2]).unwrap_err();
        assert_eq!(error, "SHT3x: a checksum is wrong; shorten the wires, or slow the bus down");
    }
}
