//! [`Mcp9808`]: the precise thermometer MCP9808, on an I2C bus.
//!
//! Own code by the data sheet, not the driver `mcp9808` 0.4: its conversion is wrong below zero, so that of the driver only
//! two numbers of registers would be left.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, SensorId};

use super::registers::Registers;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Chip, ChipError, Measures, OutOfRange, Quantity};

/// The thermometer MCP9808.
///
/// - Unit: degrees Celsius, -40 to 125, in steps of 0.0625. ±0.25 typically, ±0.5 at most between -20 and 100.
/// - Address: 0x18 to 0x1F, by the pins A2, A1, A0.
/// - Wiring: 2.7 V to 5.5 V; pull the bus up to the voltage of the board, not to that of the chip.
/// - It measures on its own, every 250 ms. Sampling takes one transfer of 2 bytes.
/// - The first sampling looks for the chip and has it measure, whatever another program has told it; the first reading comes
///   a measurement later ([`SampleError::NotYet`]). So it is after a failure.
///
/// Source: data sheet of Microchip, DS25095A.
pub struct Mcp9808<B> {
    id: SensorId,
    chip: Registers<B>,
    measuring: bool,
}

const CONFIG: u8 = 0x01;
const AMBIENT_TEMPERATURE: u8 = 0x05;
const MANUFACTURER_ID: u8 = 0x06;
const DEVICE_ID: u8 = 0x07;
const RESOLUTION: u8 = 0x08;

const MICROCHIP: u16 = 0x54;
const MCP9808: u8 = 0x04;
/// Measuring all the time, no alarm.
const MEASURING: [u8; 2] = [0, 0];
/// Sixteenths of a degree.
const FINEST: u8 = 0b11;
const TEMPERATURE: Quantity = Quantity::new("temperature", "°C", -40.0..=125.0);
const TAKES: Duration = Duration::from_millis(300);

impl<B: I2c> Mcp9808<B> {
    /// The chip at 0x18.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        Self { id: id.into(), chip: Registers::new(Chip::i2c("MCP9808", 0x18), bus), measuring: false }
    }

    /// Another address: 0x18 to 0x1F, by the pins A2, A1, A0.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        let possible = [0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F];
        Self { chip: self.chip.at(address, &possible), ..self }
    }

    /// Looks for the chip, and has it measure.
    fn set_up(&mut self) -> Result<(), ChipError<B::Error>> {
        let maker = u16::from_be_bytes(self.chip.read(MANUFACTURER_ID)?);
        if maker != MICROCHIP {
            return Err(self.chip.chip.stranger(maker, MICROCHIP));
        }
        let [device, _revision] = self.chip.read(DEVICE_ID)?;
        if device != MCP9808 {
            return Err(self.chip.chip.stranger(device.into(), MCP9808.into()));
        }
        let [high, low] = MEASURING;
        self.chip.write(&[CONFIG, high, low])?;
        self.chip.write(&[RESOLUTION, FINEST])
    }
}

/// Sixteenths of a degree in 13 bits with sign; above them three flags of the alarm.
fn celsius(raw: u16) -> f64 {
    let shifted = (raw << 3).cast_signed();
    f64::from(shifted >> 3) / 16.0
}

impl<B> Measures for Mcp9808<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [TEMPERATURE]
    }
}

impl<B: I2c> Device for Mcp9808<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.chip.chip.impossible(value)
    }
    fn forget(&mut self) {
        self.measuring = false;
    }
}

impl<B: I2c> DirectDevice for Mcp9808<B> {
    fn measure(&mut self) -> Result<f64, SampleError<Self::Error>> {
        if !self.measuring {
            self.set_up()?;
            self.measuring = true;
            return Err(SampleError::NotYet(TAKES)); // what it shows may be old
        }
        Ok(celsius(u16::from_be_bytes(self.chip.read(AMBIENT_TEMPERATURE)?)))
    }
}

sensor!([B: I2c<Error: Send + Sync + 'static>] Mcp9808<B> => f64, ChipError<B::Error>);

impl<B> fmt::Debug for Mcp9808<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mcp9808").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::fake::{FakeChip, Nobody};
    use crate::chips::specimen::{self, Settings, Specimen};
    use thingflow_core::Sensor;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "MCP9808",
            fed: |noise| specimen::direct(Mcp9808::new("x", chip().noisy(noise))),
            nobody: Some(("18", || specimen::error(Mcp9808::new("x", Nobody).sample()))),
            registers: Some(Settings {
                chip: || chip().with(10, &[0x01, 0x94]),
                sensor: |chip| {
                    let mut sensor = Mcp9808::new("x", chip);
                    Box::new(move || sensor.sample().is_ok())
                },
                samplings: 2,
                expected: &[(2, 0), (3, 0), (16, 0b11)],
            }),
        }
    }

    /// With the identification of its maker and its own.
    fn chip() -> FakeChip {
        FakeChip::new(0x18).wide().with(12, &[0x00, 0x54, 0x04, 0x00])
    }

    fn read(register: u8, value: u16) -> Transaction {
        Transaction::write_read(0x18, vec![register], value.to_be_bytes().to_vec())
    }

    /// Its identification is read, and its settings are written.
    fn start(address: u8) -> [Transaction; 4] {
        let read = |register, value: u16| Transaction::write_read(address, vec![register], value.to_be_bytes().to_vec());
        let write = |bytes: &[u8]| Transaction::write(address, bytes.to_vec());
        [read(6, 0x0054), read(7, 0x0400), write(&[1, 0, 0]), write(&[8, 3])]
    }
    const NOTHING: Result<f64, SampleError<ChipError<ErrorKind>>> = Err(SampleError::NotYet(TAKES));

    #[test]
    fn f32_a_chip_that_was_shut_down_measures_before_it_is_read() {
        let talk = [start(0x18).to_vec(), vec![read(5, 0xC194), read(5, 0x0194)]].concat();
        let mut bus = Mock::new(&talk);
        let mut sensor = Mcp9808::new("room", bus.clone());
        // The data sheet's example, with two flags set; once it measures, it is only read.
        assert_eq!([sensor.sample(), sensor.sample(), sensor.sample()], [NOTHING, Ok(25.25), Ok(25.25)]);
        bus.done();
    }

    #[test]
    fn is_found_at_its_other_addresses_and_set_up_again_after_a_failure() {
        let at = |register, value: u16| Transaction::write_read(0x1D, vec![register], value.to_be_bytes().to_vec());
        let lost = at(5, 0).with_error(ErrorKind::Other);
        let talk = [start(0x1D).to_vec(), vec![lost], start(0x1D).to_vec(), vec![at(5, 0x0194)]].concat();
        let mut bus = Mock::new(&talk);
        let mut sensor = Mcp9808::new("room", bus.clone()).address(0x1D);
        assert_eq!(sensor.sample(), NOTHING);
        assert!(sensor.sample().unwrap_err().to_string().ends_with("shows 1d"));
        assert_eq!([sensor.sample(), sensor.sample()], [NOTHING, Ok(25.25)]);
        bus.done();
    }

    #[test]
    fn counts_below_zero_as_the_data_sheet_does() {
        // Equation 5-1: 256 less than the upper byte times 16 and the lower by 16. Table of the AN1001.
        for (raw, expected) in [(0x07D0, 125.0), (0, 0.0), (0x1FFF, -0.0625), (0x1FFC, -0.25), (0x1D80, -40.0)] {
            assert_eq!(celsius(raw), expected, "{raw:#x}");
        }
    }

    #[test]
    fn refuses_another_chip() {
        let mut bus = Mock::new(&[read(6, 0x1234)]);
        let error = Mcp9808::new("room", bus.clone()).sample().unwrap_err().to_string();
        assert_eq!(error, "no MCP9808: another chip answers, with the id 0x1234 instead of 0x54");
        bus.done();
        let mut bus = Mock::new(&[read(6, 0x0054), read(7, 0x0500)]);
        assert!(Mcp9808::new("room", bus.clone()).sample().is_err());
        bus.done();
    }
}
