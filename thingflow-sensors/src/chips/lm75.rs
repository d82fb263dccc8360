//! [`Lm75`]: the thermometer LM75 and its many relatives, on an I2C bus.

use core::fmt;
use core::time::Duration;

use ::lm75::{Error, Lm75 as Driver, ic};
use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, SensorId};

use crate::driver::{Device, DirectDevice, sensor};
use crate::{Chip, ChipError, Measures, OutOfRange, Quantity};

/// The thermometer LM75, or one that is compatible with it (LM75A and B, DS75, ADT75, MAX7500, TMP75).
///
/// - Unit: degrees Celsius, -55 to 125, in steps of 0.5. ±2 between -25 and 100, ±3 outside.
/// - Address: 0x48 to 0x4F, by the pins A2, A1, A0.
/// - Wiring: 3 V to 5.5 V; pull the bus up to the voltage of the board, not to that of the chip.
/// - It measures on its own, every 100 ms (300 ms the first LM75). Sampling takes one transfer of 2 bytes.
/// - The first sampling has it measure, whatever another program has told it; the first reading comes a measurement later
///   ([`SampleError::NotYet`]). So it is after a failure.
/// - The chip has no identification: whatever answers at the address is read.
///
/// For the finer steps of a TMP105 see `tmp105`. Source: data sheet of Texas Instruments, SNOS808P. Driver: the crate
/// `lm75`.
pub struct Lm75<B> {
    id: SensorId,
    chip: Chip,
    driver: Driver<B, ic::Lm75>,
    measuring: bool,
}

const TEMPERATURE: Quantity = Quantity::new("temperature", "°C", -55.0..=125.0);

/// The first LM75 is the slowest of them.
const TAKES: Duration = Duration::from_millis(300);

impl<B: I2c> Lm75<B> {
    /// The chip at 0x48.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        let chip = Chip::i2c("LM75", 0x48);
        Self { id: id.into(), chip, driver: Driver::new(bus, chip.address()), measuring: false }
    }

    /// Another address: 0x48 to 0x4F, by the pins A2, A1, A0.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        let chip = self.chip.at(address, &[0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F]);
        Self { chip, driver: Driver::new(self.driver.destroy(), address), ..self }
    }

    /// The temperature, if the chip has had the time to measure it.
    fn celsius(&mut self) -> Result<Option<f32>, Error<B::Error>> {
        if !self.measuring {
            self.driver.enable()?; // the whole configuration register
            self.measuring = true;
            return Ok(None);
        }
        self.driver.read_temperature().map(Some)
    }
}

fn failed<E>(chip: Chip, error: Error<E>) -> ChipError<E> {
    match error {
        Error::I2C(error) => chip.silent(error),
        Error::InvalidInputData => chip.no_reading("the driver refused a setting"),
    }
}

impl<B> Measures for Lm75<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [TEMPERATURE]
    }
}

impl<B: I2c> Device for Lm75<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.chip.impossible(value)
    }
    fn forget(&mut self) {
        self.measuring = false;
    }
}

impl<B: I2c> DirectDevice for Lm75<B> {
    fn measure(&mut self) -> Result<f64, SampleError<Self::Error>> {
        let celsius = self.celsius().map_err(|error| failed(self.chip, error))?;
        celsius.map(f64::from).ok_or(SampleError::NotYet(TAKES))
    }
}

sensor!([B: I2c<Error: Send + Sync + 'static>] Lm75<B> => f64, ChipError<B::Error>);

impl<B> fmt::Debug for Lm75<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lm75").field("id", &self.id).finish_non_exhaustive()
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
            name: "LM75",
            fed: |noise| specimen::direct(Lm75::new("x", FakeChip::new(0x48).wide().noisy(noise))),
            nobody: Some(("48", || specimen::error(Lm75::new("x", Nobody).sample()))),
            registers: Some(Settings {
                chip: || FakeChip::new(0x48).wide().with(0, &[0x19, 0x00]),
                sensor: |chip| {
                    let mut sensor = Lm75::new("x", chip);
                    Box::new(move || sensor.sample().is_ok())
                },
                samplings: 2,
                expected: &[(2, 0x00)],
            }),
        }
    }

    #[test]
    fn reads_the_table_of_the_data_sheet() {
        let table = [(0x7D00, 125.0), (0x1900, 25.0), (0x0080, 0.5), (0xFF80, -0.5), (0xC900, -55.0)];
        for (raw, celsius) in table {
            let bytes = i32::to_be_bytes(raw)[2..].to_vec();
            let talk = [Transaction::write(0x4A, vec![1, 0]), Transaction::write_read(0x4A, vec![0], bytes)];
            let mut bus = Mock::new(&talk);
            let mut room = Lm75::new("room", bus.clone()).address(0x4A);
            assert_eq!((room.sample(), room.sample()), (Err(SampleError::NotYet(TAKES)), Ok(celsius)));
            bus.done();
        }
    }

    #[test]
    fn is_switched_on_at_the_first_sampling_and_after_a_failure() {
        let on = || Transaction::write(0x48, vec![1, 0]);
        let read = || Transaction::write_read(0x48, vec![0], vec![0x19, 0]);
        let mut bus = Mock::new(&[on(), read(), read(), read().with_error(ErrorKind::Other), on(), read()]);
        let mut room = Lm75::new("room", bus.clone());
        let nothing = Err(SampleError::NotYet(TAKES));
        assert_eq!([room.sample(), room.sample(), room.sample()], [nothing, Ok(25.0), Ok(25.0)]);
        let error = room.sample().unwrap_err().to_string();
        assert!(error.ends_with("that `i2cdetect -y 1` shows 48"), "{error}");
        assert_eq!([room.sample(), room.sample()], [nothing, Ok(25.0)]);
        bus.done();
    }
}
