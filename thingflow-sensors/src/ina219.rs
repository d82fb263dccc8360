//! [`Ina219`]: voltage, current and power of a direct current supply, on an I2C bus.

use core::fmt;

use ::ina219::SyncIna219;
use ::ina219::address::Address;
use ::ina219::calibration::UnCalibrated;
use ::ina219::errors::{
    BusVoltageReadError as BusError, InitializationErrorReason as StartError, ShuntVoltageReadError as ShuntError,
};
use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, Sensor, SensorId};

use crate::{Chip, ChipError};

/// The power monitor INA219. It measures the voltage over a small resistor in the supply, the shunt, and that of the
/// load; current and power are computed here, without the rounding of the chip's own registers.
///
/// - Units: volts, 0 to 26, in steps of 0.004; amperes, with the usual shunt of 0.1 Ω ±3.2 in steps of 0.0001; watts.
///   ±1 % (type B ±0.5 %) and the tolerance of the shunt.
/// - Address: 0x40 to 0x4F, by the pins A1 and A0.
/// - Wiring: the shunt is in the positive line, V+ towards the supply. 26 V at most at either pin, and none of them
///   below ground. The chip itself takes 3 V to 5.5 V.
/// - It measures on its own, every 1.1 ms. Sampling takes two transfers of 2 bytes, so voltage and current are of
///   measurements up to some milliseconds apart.
///
/// Source: data sheet of Texas Instruments, SBOS448. Driver: the crate `ina219`.
pub struct Ina219<B> {
    id: SensorId,
    chip: Chip,
    ohms: f64,
    driver: SyncIna219<B, UnCalibrated>,
}

/// A reading of an [`Ina219`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Supply {
    /// The voltage of the load.
    pub volts: f64,
    /// The current, negative if it flows back into the supply.
    pub amperes: f64,
    /// Their product.
    pub watts: f64,
}

impl<B: I2c> Ina219<B> {
    /// Finds the chip at 0x40 and resets it. The shunt has 0.1 Ω, as on most modules.
    ///
    /// # Errors
    /// If nobody answers, or another chip.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Result<Self, ChipError<B::Error>> {
        Self::with(id, bus, 0x40, 0.1)
    }

    /// As [`new`](Self::new), at another address or with another shunt.
    ///
    /// # Errors
    /// If nobody answers, or another chip.
    ///
    /// # Panics
    /// If the chip has no such address, or the shunt no resistance.
    #[track_caller]
    pub fn with(id: impl Into<SensorId>, bus: B, address: u8, ohms: f64) -> Result<Self, ChipError<B::Error>> {
        assert!(ohms > 0.0, "a shunt has more than 0 Ω, for example 0.1, not {ohms}");
        let at = Address::from_byte(address);
        let at = at.unwrap_or_else(|_| panic!("an INA219 has an address from 0x40 to 0x4F, not {address:#04x}"));
        let chip = Chip::i2c("INA219", address);
        let driver = SyncIna219::new(bus, at).map_err(|error| match error.reason {
            StartError::I2cError(error) => chip.silent(error),
            _ => chip.no_reading("what answers does not reset as an INA219 does; another chip may have the address"),
        })?;
        Ok(Self { id: id.into(), chip, ohms, driver })
    }

    fn supply(&mut self) -> Result<Supply, ChipError<B::Error>> {
        let chip = self.chip;
        let shunt = self.driver.shunt_voltage().map_err(|error| match error {
            ShuntError::I2cError(error) => chip.silent(error),
            ShuntError::ShuntVoltageOutOfRange { .. } => {
                chip.no_reading("too much current for its shunt; take one of fewer ohms")
            }
        })?;
        let volts = self.driver.bus_voltage().map_err(|error| match error {
            BusError::I2cError(error) => chip.silent(error),
            BusError::BusVoltageOutOfRange { .. } => chip.no_reading("the voltage is above its range of 32 V"),
        })?;
        let volts = f64::from(volts.voltage_mv()) / 1000.0;
        let amperes = f64::from(shunt.shunt_voltage_uv()) / 1e6 / self.ohms;
        Ok(Supply { volts, amperes, watts: volts * amperes })
    }
}

impl<B: I2c<Error: Send + Sync + 'static>> Sensor for Ina219<B> {
    type Reading = Supply;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<Supply, SampleError<Self::Error>> {
        Ok(self.supply()?)
    }
}

impl<B> fmt::Debug for Ina219<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ina219").field("id", &self.id).field("ohms", &self.ohms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    fn read(register: u8, value: u16) -> Transaction {
        Transaction::write_read(0x40, vec![register], value.to_be_bytes().to_vec())
    }
    /// Reset, and the configuration after it.
    fn start() -> Vec<Transaction> {
        vec![Transaction::write(0x40, vec![0, 0xB9, 0x9F]), read(0, 0x399F)]
    }
    fn sample(shunt: u16, volts: u16, ohms: f64) -> Result<Supply, String> {
        let mut talk = start();
        talk.push(read(1, shunt));
        if shunt.cast_signed().unsigned_abs() <= 32_000 {
            talk.push(read(2, volts));
        }
        let mut bus = Mock::new(&talk);
        let reading = Ina219::with("solar", bus.clone(), 0x40, ohms).unwrap().sample().map_err(|e| e.to_string());
        bus.done();
        reading
    }

    #[test]
    fn computes_the_example_of_the_data_sheet() {
        // Table 8: 20 mV at a shunt of 2 mΩ, 11.98 V.
        let supply = sample(0x07D0, 0x5D98, 0.002).unwrap();
        assert_eq!(supply.volts, 11.98);
        assert!((supply.amperes - 10.0).abs() < 1e-9);
        assert!((supply.watts - 119.8).abs() < 1e-9);
    }

    #[test]
    fn current_flows_back_too() {
        // Table 7: -320 mV is 0x8300.
        let supply = sample(0x8300, 0, 0.1).unwrap();
        assert!((supply.amperes + 3.2).abs() < 1e-9);
    }

    #[test]
    fn overload_says_what_to_do() {
        assert!(sample(0x7D01, 0, 0.1).unwrap_err().ends_with("take one of fewer ohms"));
    }

    #[test]
    fn refuses_a_chip_that_does_not_reset() {
        let mut talk = vec![start().remove(0)];
        talk.extend((0..12).map(|_| read(0, 0xFFFF)));
        let mut bus = Mock::new(&talk);
        let error = Ina219::new("solar", bus.clone()).unwrap_err().to_string();
        assert!(error.starts_with("INA219: what answers does not reset"), "{error}");
        bus.done();
    }
}
