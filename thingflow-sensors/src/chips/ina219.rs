//! [`Ina219`]: voltage, current and power of a direct current supply, on an I2C bus.
//!
//! The driver `ina219` resets the chip and reads it. It gives 0 V before the first measurement has ended and takes the
//! end of the range for a reading, but hands over what tells them, so they are sorted out here. Its `next_measurement`
//! is not used: it reads the power too, after which the chip has nothing to show until it has measured again.

use core::fmt;
use core::time::Duration;

use ::ina219::SyncIna219 as Driver;
use ::ina219::address::Address;
use ::ina219::calibration::UnCalibrated;
use ::ina219::errors::{BusVoltageReadError, InitializationErrorReason, ShuntVoltageReadError};
use ::ina219::measurements::{BusVoltage, ShuntVoltage};
use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, SensorId};

use crate::driver::{Device, DirectDevice, sensor};
use crate::readings::fields;
use crate::{Chip, ChipError, Measures, OutOfRange, Quantity};

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
/// - The first sampling resets the chip and tells by its settings whether it is an INA219; the first reading comes a
///   measurement later ([`SampleError::NotYet`]). So it is after a failure. A chip that lost its power measures again
///   by itself.
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::ina219::Ina219;
/// fn watch<B: I2c<Error: Send + Sync> + 'static>(bus: B) {
///     let battery = SensorOutput::new(Ina219::new("battery", bus).address(0x41).shunt(0.01));
///     battery.map(|e| e.val.voltage < 11.8).connect(call(|low| println!("nearly empty: {low}")));
/// }
/// ```
///
/// Source: data sheet of Texas Instruments, SBOS448G. Driver: the crate `ina219`.
pub struct Ina219<B> {
    id: SensorId,
    chip: Chip,
    bus: B,
    ohms: f64,
    ready: bool,
}

/// A reading of an [`Ina219`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Supply {
    /// The voltage of the load, in volts.
    pub voltage: f64,
    /// The current in amperes, negative if it flows back into the supply.
    pub current: f64,
    /// Their product, in watts.
    pub power: f64,
}

fields!(Supply: voltage 0, current 1, power 2);

/// A measurement takes 1.06 ms.
const TAKES: Duration = Duration::from_millis(2);
/// In steps of 10 µV. Table 7: beyond ±320 mV the chip goes on saying ±320 mV.
const MOST_SHUNT: u16 = 32_000;
/// In volts, over the shunt.
const MOST_SHUNT_VOLTS: f64 = 0.32;
/// In volts: more damages the chip.
const MOST_BUS_VOLTS: f64 = 26.0;

impl<B: I2c> Ina219<B> {
    /// The chip at 0x40, with a shunt of 0.1 Ω, as on most modules.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        Self { id: id.into(), chip: Chip::i2c("INA219", 0x40), bus, ohms: 0.1, ready: false }
    }

    /// Another address: 0x40 to 0x4F, by the pins A1 and A0.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        let possible = core::array::from_fn::<u8, 16, _>(|at| 0x40 | at as u8);
        Self { chip: self.chip.at(address, &possible), ..self }
    }

    /// Another shunt, in ohms.
    ///
    /// # Panics
    /// If it has no resistance.
    #[must_use]
    #[track_caller]
    pub fn shunt(self, ohms: f64) -> Self {
        assert!(ohms.is_finite() && ohms > 0.0, "a shunt has more than 0 Ω, for example 0.1, not {ohms}");
        Self { ohms, ..self }
    }

    /// The voltage of the load and that of the shunt.
    fn measured(&mut self) -> Result<(BusVoltage, ShuntVoltage), SampleError<ChipError<B::Error>>> {
        let chip = self.chip;
        let address = Address::from_byte(chip.address()).map_err(|_| chip.no_reading("it cannot have this address"))?;
        if !self.ready {
            Driver::new(&mut self.bus, address).map_err(|error| match error.reason {
                InitializationErrorReason::I2cError(error) => chip.silent(error),
                _ => {
                    chip.no_reading("what answers does not reset as an INA219 does; another chip may have the address")
                }
            })?;
            self.ready = true;
            return Err(SampleError::NotYet(TAKES));
        }
        let mut driver = Driver::new_unchecked(&mut self.bus, address, UnCalibrated);
        let bus = driver.bus_voltage().or_else(|error| match error {
            BusVoltageReadError::I2cError(error) => Err(chip.silent(error)),
            BusVoltageReadError::BusVoltageOutOfRange { is, .. } => Ok(is),
        })?;
        if !bus.is_conversion_ready() {
            return Err(chip.no_reading("no measurement has ended; it may have lost its power").into());
        }
        // After it, so that it has been measured too.
        let shunt = driver.shunt_voltage().or_else(|error| match error {
            ShuntVoltageReadError::I2cError(error) => Err(chip.silent(error)),
            ShuntVoltageReadError::ShuntVoltageOutOfRange { is, .. } => Ok(is),
        })?;
        Ok((bus, shunt))
    }

    fn supply(&self, bus: BusVoltage, shunt: ShuntVoltage) -> Result<Supply, ChipError<B::Error>> {
        if shunt.shunt_voltage_10uv().unsigned_abs() >= MOST_SHUNT {
            return Err(self.chip.no_reading("too much current for its shunt; take one of fewer ohms"));
        }
        let voltage = f64::from(bus.voltage_4mv()) * 0.004;
        let current = f64::from(shunt.shunt_voltage_10uv()) * 1e-5 / self.ohms;
        Ok(Supply { voltage, current, power: voltage * current })
    }
}

impl<B> Measures for Ina219<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        let amperes = MOST_SHUNT_VOLTS / self.ohms;
        let watts = MOST_BUS_VOLTS * amperes;
        [
            Quantity::new("voltage", "V", 0.0..=MOST_BUS_VOLTS),
            Quantity::new("current", "A", -amperes..=amperes),
            Quantity::new("power", "W", -watts..=watts),
        ]
    }
}

impl<B: I2c> Device for Ina219<B> {
    type Reading = Supply;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.chip.impossible(value)
    }
    fn forget(&mut self) {
        self.ready = false;
    }
}

impl<B: I2c> DirectDevice for Ina219<B> {
    fn measure(&mut self) -> Result<Supply, SampleError<Self::Error>> {
        let (bus, shunt) = self.measured()?;
        Ok(self.supply(bus, shunt)?)
    }
}

sensor!([B: I2c<Error: Send + Sync + 'static>] Ina219<B> => Supply, ChipError<B::Error>);

impl<B> fmt::Debug for Ina219<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ina219").field("id", &self.id).field("ohms", &self.ohms).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::fake::{Nobody, Noise};
    use crate::chips::specimen::{self, Specimen};
    use embedded_hal::i2c::{ErrorType, Operation};
    use thingflow_core::Sensor;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "INA219",
            fed: |noise| specimen::direct(Ina219::new("x", Always(noise))),
            nobody: Some(("40", || specimen::error(Ina219::new("x", Nobody).sample()))),
            registers: None, // the reset sets all of them
        }
    }

    /// A chip that resets as it should and answers by noise.
    struct Always(Noise);

    impl ErrorType for Always {
        type Error = ErrorKind;
    }
    impl I2c for Always {
        fn transaction(&mut self, _: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
            match operations {
                [Operation::Write([0]), Operation::Read(answer)] => answer.copy_from_slice(&0x399F_u16.to_be_bytes()),
                [Operation::Write(_), Operation::Read(answer)] => self.0.fill(answer),
                _ => {}
            }
            Ok(())
        }
    }

    fn read(register: u8, value: u16) -> Transaction {
        Transaction::write_read(0x40, vec![register], value.to_be_bytes().to_vec())
    }
    /// Reset, and the settings after it.
    fn start() -> [Transaction; 2] {
        [Transaction::write(0x40, vec![0, 0xB9, 0x9F]), read(0, 0x399F)]
    }
    fn measured(volts: u16, shunt: u16) -> [Transaction; 2] {
        [read(2, volts), read(1, shunt)]
    }
    fn sample(volts: u16, shunt: u16, ohms: f64) -> Result<Supply, String> {
        let mut bus = Mock::new(&[start(), measured(volts, shunt)].concat());
        let mut sensor = Ina219::new("solar", bus.clone()).shunt(ohms);
        assert_eq!(sensor.sample(), Err(SampleError::NotYet(TAKES)));
        let reading = sensor.sample().map_err(|e| e.to_string());
        bus.done();
        reading
    }

    #[test]
    fn computes_the_example_of_the_data_sheet() {
        // Table 8: 20 mV at a shunt of 2 mΩ, 11.98 V (0x5D98, and the bit that says that it is measured).
        let supply = sample(0x5D9A, 0x07D0, 0.002).unwrap();
        assert!((supply.voltage - 11.98).abs() < 1e-9);
        assert!((supply.current - 10.0).abs() < 1e-9);
        assert!((supply.power - 119.8).abs() < 1e-9);
    }

    #[test]
    fn current_flows_back_too() {
        let supply = sample(0x0002, 0x8301, 0.1).unwrap(); // -319.99 mV
        assert!((supply.current + 3.1999).abs() < 1e-9);
    }

    #[test]
    fn the_end_of_the_range_says_what_to_do() {
        // Table 7: 320.02 mV is 0x7D00 as 320 mV is, and so it is with -320.02 mV and 0x8300.
        for shunt in [0x7D00, 0x7FFF, 0x8300, 0x8000] {
            assert!(sample(0x5D9A, shunt, 0.1).unwrap_err().ends_with("take one of fewer ohms"));
        }
        for volts in [0xFA02, 0xFFFA] {
            let error = sample(volts, 0, 0.1).unwrap_err();
            assert!(error.starts_with("INA219: voltage of 3") && error.contains("range from 0 to 26 V; "), "{error}");
        }
    }

    #[test]
    fn no_reading_is_made_up_after_an_interruption_and_a_loss_of_power() {
        let mut talk = [start(), measured(0x5D9A, 0x8300), start(), measured(0x5D9A, 0)].concat();
        talk.push(read(2, 0x0000)); // back from a loss of power
        talk.extend(start());
        talk.push(read(2, 0).with_error(ErrorKind::Other));
        talk.extend(start());
        talk.extend(measured(0x5D9A, 0));
        let mut bus = Mock::new(&talk);
        let mut sensor = Ina219::new("solar", bus.clone());
        let nothing = "there is no reading yet";
        let expected = [nothing, "INA219: too", nothing, "", "INA219: no m", nothing, "INA219 does not answer", nothing, ""];
        for begins in expected {
            let said = sensor.sample().map_or_else(|error| error.to_string(), |_| String::new());
            assert!(said.starts_with(begins) && said.is_empty() == begins.is_empty(), "{said}, not {begins}");
        }
        bus.done();
    }

    #[test]
    fn refuses_a_chip_that_does_not_reset() {
        let [reset, _] = start();
        let mut talk = vec![reset];
        talk.extend((0..12).map(|_| read(0, 0xFFFF)));
        let mut bus = Mock::new(&talk);
        let error = Ina219::new("solar", bus.clone()).sample().unwrap_err().to_string();
        assert!(error.starts_with("INA219: what answers does not reset"), "{error}");
        bus.done();
    }

    #[test]
    #[should_panic(expected = "INA219 cannot have the address 50, but one of [40, 41, 42, 43, 44")]
    fn refuses_an_address_it_cannot_have() {
        let _ = Ina219::new("solar", Mock::new(&[])).address(0x50);
    }

    #[test]
    #[should_panic(expected = "a shunt has more than 0 Ω, for example 0.1, not 0")]
    fn refuses_a_shunt_that_is_none() {
        let _ = Ina219::new("solar", Mock::new(&[])).shunt(0.0);
    }
}
