//! [`Vl53l0x`]: the distance sensor VL53L0X, on an I2C bus.

use core::fmt;
use core::time::Duration;

use ::vl53l0x::{Error, VL53L0x};
use embedded_hal::i2c::I2c;
use thingflow_core::SensorId;

use crate::{Chip, ChipError, Conversion, Progress};

/// The distance sensor VL53L0X, which measures how long light takes.
///
/// - Unit: millimetres, 30 to 1200 (2000 from something white), in steps of 1, ±3 to ±7 %. Infinite if nothing is
///   there.
/// - Address: 0x29, the same for all, and that of a TSL2591. For several of them hold all but one off by the pin XSHUT.
/// - Wiring: 2.6 V to 3.5 V; most modules have a regulator and take 5 V. Direct sunlight blinds it; a cover of glass
///   must be thin and close.
/// - It measures all the time, every 33 ms, and is a [`Conversion`], for [`Converting`](crate::Converting) or
///   [`Blocking`](crate::Blocking): a tick waits for the next value, so none is older than itself.
/// - After a failure, or when no value comes for ten seconds, the chip is set up anew, which takes 0.1 s. The driver does
///   that only when it is made, so the bus must be one that can be cloned: an `RcDevice`, or a
///   [`SharedBus`](crate::bus::SharedBus); see [`bus`](crate::bus).
///
/// Source: data sheet of STMicroelectronics, DS11555. Driver: the crate `vl53l0x`.
pub struct Vl53l0x<B: I2c> {
    id: SensorId,
    chip: Chip,
    bus: B,
    /// None after a failure.
    driver: Option<VL53L0x<B>>,
    /// A value has been asked for and has not come.
    waiting: bool,
}

const TAKES: Duration = Duration::from_millis(33);
/// What the chip gives when no light comes back is 8190 or 8191.
const NOTHING: u16 = 8190;

impl<B: I2c + Clone> Vl53l0x<B> {
    /// Finds the chip at 0x29 and has it measure. Takes some 150 transfers, about 0.1 s.
    ///
    /// # Errors
    /// If nobody answers, or another chip.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Result<Self, ChipError<B::Error>> {
        Self::at(id, bus, 0x29)
    }

    /// As [`new`](Self::new), at an address that the chip was given since its power came on.
    ///
    /// # Errors
    /// If nobody answers, or another chip.
    pub fn at(id: impl Into<SensorId>, bus: B, address: u8) -> Result<Self, ChipError<B::Error>> {
        let chip = Chip::i2c("VL53L0X", address);
        let mut sensor = Self { id: id.into(), chip, bus, driver: None, waiting: false };
        sensor.driver()?;
        Ok(sensor)
    }

    /// The driver of a chip that measures.
    fn driver(&mut self) -> Result<&mut VL53L0x<B>, ChipError<B::Error>> {
        match &mut self.driver {
            Some(driver) => Ok(driver),
            none => {
                let driver = VL53L0x::with_address(self.bus.clone(), self.chip.address());
                let mut driver = driver.map_err(|error| failed(self.chip, error))?;
                driver.start_continuous(0).map_err(|error| self.chip.silent(error))?;
                Ok(none.insert(driver))
            }
        }
    }

    fn poll(&mut self) -> Result<Option<u16>, ChipError<B::Error>> {
        match self.driver()?.read_range_mm() {
            Ok(millimetres) => Ok(Some(millimetres)),
            Err(nb::Error::WouldBlock) => Ok(None),
            Err(nb::Error::Other(error)) => {
                self.driver = None;
                Err(failed(self.chip, error))
            }
        }
    }
}

fn failed<E>(chip: Chip, error: Error<E>) -> ChipError<E> {
    match error {
        Error::BusError(error) => chip.silent(error),
        Error::InvalidDevice(found) => chip.stranger(found.into(), 0xEE),
        Error::Timeout => chip.no_reading("it does not start; switch it off and on"),
        Error::InvalidAddress(_) => chip.no_reading("it cannot have this address"),
    }
}

impl<B: I2c<Error: Send + Sync + 'static> + Clone> Conversion for Vl53l0x<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn start(&mut self) -> Result<Duration, Self::Error> {
        if core::mem::replace(&mut self.waiting, true) {
            self.driver = None; // the last value never came: the chip may have lost its power
        }
        self.poll()?; // what lies there may be old
        Ok(TAKES)
    }
    fn read(&mut self) -> Result<Progress<f64>, Self::Error> {
        let Some(millimetres) = self.poll()? else { return Ok(Progress::AskIn(TAKES / 8)) };
        self.waiting = false;
        Ok(Progress::Ready(if millimetres < NOTHING { millimetres.into() } else { f64::INFINITY }))
    }
}

impl<B: I2c> fmt::Debug for Vl53l0x<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vl53l0x").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeChip;

    const STATUS: u8 = 0x13;
    const RANGE: u8 = 0x1E;

    /// Ready at once with whatever the driver's start waits for.
    fn chip() -> FakeChip {
        let chip = FakeChip::new(0x29).with(0xC0, &[0xEE]).with(STATUS, &[7]);
        chip.on_write(|register, value| if register == 0x83 { value | 1 } else { value })
    }
    fn show(chip: &FakeChip, millimetres: u16) {
        chip.set(STATUS, 7);
        let [high, low] = millimetres.to_be_bytes();
        chip.set(RANGE, high);
        chip.set(RANGE + 1, low);
    }

    #[test]
    fn waits_for_a_new_value() {
        let chip = chip();
        let mut sensor = Vl53l0x::new("desk", chip.clone()).unwrap();
        show(&chip, 111);
        assert_eq!(sensor.start(), Ok(TAKES)); // takes the old one off
        chip.set(STATUS, 0);
        assert_eq!(sensor.read(), Ok(Progress::AskIn(TAKES / 8)));
        show(&chip, 423);
        assert_eq!(sensor.read(), Ok(Progress::Ready(423.0)));
        assert_eq!(chip.get(0x0B), 1); // asks for the next
    }

    #[test]
    fn nothing_in_sight_is_infinitely_far() {
        let chip = chip();
        let mut sensor = Vl53l0x::new("desk", chip.clone()).unwrap();
        for far in [8190, 8191] {
            show(&chip, far);
            assert_eq!(sensor.read(), Ok(Progress::Ready(f64::INFINITY)));
        }
    }

    #[test]
    fn is_set_up_anew_after_a_failure_and_when_no_value_comes() {
        const BACK_TO_BACK: u8 = 2;
        let chip = chip();
        let mut sensor = Vl53l0x::new("desk", chip.clone()).unwrap();
        chip.unplug(true);
        assert!(sensor.start().is_err());
        chip.unplug(false);
        chip.set(0x00, 0);
        assert_eq!(sensor.start(), Ok(TAKES));
        assert_eq!(chip.get(0x00), BACK_TO_BACK);
        chip.set(0x00, 0); // a loss of power that nobody saw
        assert_eq!(sensor.start(), Ok(TAKES));
        assert_eq!(chip.get(0x00), BACK_TO_BACK);
    }

    #[test]
    fn another_chip_and_none_are_errors() {
        let error = Vl53l0x::new("desk", chip().with(0xC0, &[0x50])).unwrap_err().to_string();
        assert_eq!(error, "no VL53L0X: another chip answers, with the id 0x50 instead of 0xee");
        assert!(Vl53l0x::at("desk", chip(), 0x30).unwrap_err().to_string().starts_with("VL53L0X does not answer"));
    }
}
