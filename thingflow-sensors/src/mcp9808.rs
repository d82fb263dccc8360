//! [`Mcp9808`]: the precise thermometer MCP9808, on an I2C bus.

use core::fmt;
use core::time::Duration;

use ::mcp9808::MCP9808;
use ::mcp9808::address::SlaveAddress;
use ::mcp9808::error::Error;
use ::mcp9808::reg_device_id::DeviceId;
use ::mcp9808::reg_manuf_id::ManufacturerId;
use ::mcp9808::reg_temp_generic::ReadableTempRegister;
use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, Sensor, SensorId};

use crate::{Chip, ChipError};

/// The thermometer MCP9808.
///
/// - Unit: degrees Celsius, -40 to 125, in steps of 0.0625. ±0.25 typically, ±0.5 at most between -20 and 100.
/// - Address: 0x18 to 0x1F, by the pins A2, A1, A0.
/// - Wiring: 2.7 V to 5.5 V; pull the bus up to the voltage of the board, not to that of the chip.
/// - It measures on its own, every 250 ms. Sampling takes one transfer of 2 bytes.
/// - Fresh from its power the chip reads 0 until it has measured. So a 0 at the first sampling, and after a failure, is
///   no reading yet ([`SampleError::NotYet`]).
///
/// Source: data sheet of Microchip, DS25095A. Driver: the crate `mcp9808`, whose conversion is wrong below zero, so
/// only the raw value is taken from it.
pub struct Mcp9808<B> {
    id: SensorId,
    chip: Chip,
    driver: MCP9808<B>,
    /// Whether it is the right chip, as far as the last sampling tells.
    known: bool,
}

const TAKES: Duration = Duration::from_millis(300);

impl<B: I2c> Mcp9808<B> {
    /// The chip at 0x18.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        Self { id: id.into(), chip: Chip::i2c("MCP9808", 0x18), driver: MCP9808::new(bus), known: false }
    }

    /// Another address: 0x18 to 0x1F, by the pins A2, A1, A0.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(mut self, address: u8) -> Self {
        self.chip = self.chip.at(address, &[0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F]);
        let pin = |bit| address & bit != 0;
        self.driver.set_address(SlaveAddress::Alternative { a2: pin(4), a1: pin(2), a0: pin(1) });
        self
    }

    fn identify(&mut self) -> Result<(), ChipError<B::Error>> {
        let chip = self.chip;
        let maker = self.driver.read_manufacturer_id().map_err(|error| failed(chip, error))?;
        if !maker.is_valid_manufacturer() {
            return Err(chip.stranger(maker.get_manufacturer_id(), 0x54));
        }
        let device = self.driver.read_device_id().map_err(|error| failed(chip, error))?;
        if !device.is_valid_device() {
            return Err(chip.stranger(device.get_device_id().into(), 0x04));
        }
        Ok(())
    }

    fn celsius(&mut self) -> Result<f64, ChipError<B::Error>> {
        if !self.known {
            self.identify()?;
        }
        let register = self.driver.read_temperature().map_err(|error| failed(self.chip, error))?;
        Ok(celsius(register.get_raw_value()))
    }
}

fn failed<E>(chip: Chip, error: Error<E>) -> ChipError<E> {
    match error {
        Error::I2c(error) => chip.silent(error),
        Error::RegisterSizeMismatch(_) => chip.no_reading("the driver asked for a register of another size"),
    }
}

/// Sixteenths of a degree in 13 bits with sign; above them three flags of the alarm.
fn celsius(raw: u16) -> f64 {
    let shifted = (raw << 3).cast_signed();
    f64::from(shifted >> 3) / 16.0
}

impl<B: I2c<Error: Send + Sync + 'static>> Sensor for Mcp9808<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<Self::Error>> {
        let fresh = !self.known;
        let celsius = self.celsius();
        self.known = celsius.is_ok();
        match celsius? {
            0.0 if fresh => Err(SampleError::NotYet(TAKES)), // what it shows before its first measurement
            celsius => Ok(celsius),
        }
    }
}

impl<B> fmt::Debug for Mcp9808<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mcp9808").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    fn read(register: u8, value: u16) -> Transaction {
        Transaction::write_read(0x18, vec![register], value.to_be_bytes().to_vec())
    }

    #[test]
    fn reads_the_chip() {
        let mut bus = Mock::new(&[read(6, 0x0054), read(7, 0x0400), read(5, 0xC194), read(5, 0x0194)]);
        let mut sensor = Mcp9808::new("room", bus.clone());
        assert_eq!(sensor.sample(), Ok(25.25)); // the data sheet's example, with two flags set
        assert_eq!(sensor.sample(), Ok(25.25)); // once known, it is only read
        bus.done();
    }

    #[test]
    fn is_found_at_its_other_addresses_and_looked_for_again_after_a_failure() {
        let at = |register, value: u16| Transaction::write_read(0x1D, vec![register], value.to_be_bytes().to_vec());
        let lost = at(5, 0).with_error(ErrorKind::Other);
        let mut bus = Mock::new(&[at(6, 0x0054), at(7, 0x0400), lost, at(6, 0x0054), at(7, 0x0400), at(5, 0x0194)]);
        let mut sensor = Mcp9808::new("room", bus.clone()).address(0x1D);
        assert!(sensor.sample().unwrap_err().to_string().ends_with("shows 1d"));
        assert_eq!(sensor.sample(), Ok(25.25));
        bus.done();
    }

    #[test]
    fn the_zero_of_a_chip_that_has_not_measured_is_no_reading() {
        let mut bus = Mock::new(&[read(6, 0x0054), read(7, 0x0400), read(5, 0), read(5, 0)]);
        let mut sensor = Mcp9808::new("room", bus.clone());
        assert_eq!(sensor.sample(), Err(SampleError::NotYet(TAKES)));
        assert_eq!(sensor.sample(), Ok(0.0));
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
