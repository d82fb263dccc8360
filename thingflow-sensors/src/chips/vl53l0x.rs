//! [`Vl53l0x`]: the distance sensor VL53L0X, on an I2C bus.
//!
//! The driver `vl53l0x` sets the chip up, which takes 150 transfers of numbers that only the maker understands. The
//! readings are fetched by own code, since the driver does not tell whether a distance is valid.

use core::fmt;
use core::time::Duration;

use ::vl53l0x::{Error, VL53L0x};
use embedded_hal::i2c::{self, ErrorKind, ErrorType, I2c, Operation};
use thingflow_core::SensorId;

use super::registers::Registers;
use crate::driver::{Device, SlowDevice, conversion};
use crate::{Chip, ChipError, Measures, OutOfRange, Progress, Quantity};

/// The distance sensor VL53L0X, which measures how long light takes.
///
/// - Unit: millimetres, 30 to 1200 (2000 from something white), in steps of 1, ±3 to ±7 %; what is nearer reads as 30, what
///   is further by no more than its tolerance as 2000. `None` if nothing is in sight, or too little light of it comes back. `.filter_map(|e| e.val)` passes on the distances,
///   `.map(|e| e.val.unwrap_or(f64::INFINITY))` takes nothing for very far.
/// - Address: 0x29, the same for all, and that of a TSL2591. For several of them hold all but one off by the pin XSHUT.
/// - Wiring: 2.6 V to 3.5 V; most modules have a regulator and take 5 V. Direct sunlight blinds it; a cover of glass
///   must be thin and close.
/// - It measures all the time, every 33 ms, and is a [`Conversion`](crate::Conversion), for [`Converting`](crate::Converting) or
///   [`Blocking`](crate::Blocking): a tick waits for the next value, so none is older than itself.
/// - The first tick, and one after a failure or after one for which no value came, sets the chip up. That holds up the
///   reactor for some 200 transfers, about 0.1 s; a chip that does not come to an end with it is given up after 1000.
///
/// Source: data sheet of STMicroelectronics, DS11555; what a status means, from the maker's own driver. Driver: the
/// crate `vl53l0x`.
pub struct Vl53l0x<B> {
    id: SensorId,
    registers: Registers<B>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// To be set up.
    Unknown,
    /// It measures, and the last value has been fetched.
    Measuring,
    /// A value has been asked for and has not come.
    Waiting,
}

const DISTANCE: Quantity = Quantity::new("distance", "mm", 30.0..=2000.0).cut_off(0.0..=2140.0);

const PAGE: u8 = 0xFF;
const INTERNAL_ACCESS: u8 = 0x80;
const MODEL_ID: u8 = 0xC0;
const VL53L0X: u8 = 0xEE;
const CROSSTALK_COMPENSATION: u8 = 0x20;
const READY: u8 = 0x13;
const RESULT: u8 = 0x14;
const TAKEN: u8 = 0x0B;

const TAKES: Duration = Duration::from_millis(33);
/// What the chip gives when no light comes back is 8190 or 8191.
const NOTHING: u16 = 8190;
/// How many transfers setting up may take. The driver alone would ask up to 85,000 times.
const BUDGET: u16 = 1000;

impl<B: I2c> Vl53l0x<B> {
    /// The chip at 0x29.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        let registers = Registers::new(Chip::i2c("VL53L0X", 0x29), bus);
        Self { id: id.into(), registers, state: State::Unknown }
    }

    /// An address that the chip was given since its power came on.
    ///
    /// # Panics
    /// If it is none that a chip on I2C can have.
    #[must_use]
    #[track_caller]
    pub fn address(mut self, address: u8) -> Self {
        assert!((0x08..=0x77).contains(&address), "an I2C address is one from 0x08 to 0x77, not {address:#04x}");
        self.registers.chip = Chip::i2c("VL53L0X", address);
        self
    }

    fn set_up(&mut self) -> Result<(), ChipError<B::Error>> {
        // Who was interrupted may have left it at another page of its registers.
        self.registers.write(&[PAGE, 0])?;
        self.registers.write(&[INTERNAL_ACCESS, 0])?;
        self.registers.identify(MODEL_ID, VL53L0X)?;
        self.registers.write(&[CROSSTALK_COMPENSATION, 0, 0])?; // another program's; the driver leaves it as it is
        let Registers { chip, ref mut bus } = self.registers;
        let mut driver =
            VL53L0x::with_address(Strict { bus, left: BUDGET }, chip.address()).map_err(|error| failed(chip, error))?;
        driver.start_continuous(0).map_err(|error| failed(chip, Error::BusError(error)))?;
        self.state = State::Measuring;
        Ok(())
    }

    /// The newest result: its status and the millimetres.
    fn poll(&mut self) -> Result<Option<(u8, u16)>, ChipError<B::Error>> {
        let [ready] = self.registers.read(READY)?;
        if ready & 0b111 == 0 {
            return Ok(None);
        }
        let [status, _, _, _, _, _, _, _, _, _, high, low] = self.registers.read(RESULT)?;
        self.registers.write(&[TAKEN, 1])?;
        Ok(Some((status >> 3 & 0xF, u16::from_be_bytes([high, low]))))
    }
}

fn failed<E>(chip: Chip, error: Error<Refused<E>>) -> ChipError<E> {
    match error {
        Error::BusError(Refused::ByBus(error)) => chip.silent(error),
        Error::BusError(Refused::Nonsense) => {
            chip.no_reading("what it answers makes no sense; shorten the wires, or slow the bus down")
        }
        Error::BusError(Refused::Endless) | Error::Timeout => {
            chip.no_reading("it does not start; switch it off and on")
        }
        Error::InvalidDevice(found) => chip.stranger(found.into(), VL53L0X.into()),
        Error::InvalidAddress(_) => chip.no_reading("it cannot have this address"),
    }
}

impl<B> Measures for Vl53l0x<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [DISTANCE]
    }
}

impl<B: I2c> Device for Vl53l0x<B> {
    type Reading = Option<f64>;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.registers.chip.impossible(value)
    }
    fn forget(&mut self) {
        self.state = State::Unknown;
    }
}

impl<B: I2c> SlowDevice for Vl53l0x<B> {
    fn begin(&mut self) -> Result<Duration, Self::Error> {
        if self.state != State::Measuring {
            self.set_up()?; // if a value never came, the chip may have lost its power
        }
        self.poll()?; // what lies there may be old
        self.state = State::Waiting;
        Ok(TAKES)
    }
    fn progress(&mut self) -> Result<Progress<Option<f64>>, Self::Error> {
        let Some((status, millimetres)) = self.poll()? else { return Ok(Progress::AskIn(TAKES / 8)) };
        self.state = State::Measuring;
        match status {
            // All went well.
            11 if millimetres < NOTHING => Ok(Progress::Ready(Some(millimetres.into()))),
            // The laser does not burn, or its voltage is not found.
            1..=3 => Err(self.registers.chip.no_reading("its laser fails; check its supply, and switch it off and on")),
            // Too little light, or light that contradicts itself.
            _ => Ok(Progress::Ready(None)),
        }
    }
}

conversion!([B: I2c<Error: Send + Sync + 'static>] Vl53l0x<B> => Option<f64>, ChipError<B::Error>);

impl<B> fmt::Debug for Vl53l0x<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vl53l0x").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A bus for the driver: it takes so many transfers only, and gives no number that the driver cannot compute with.
struct Strict<'a, B> {
    bus: &'a mut B,
    left: u16,
}

/// Why a transfer over a [`Strict`] bus failed.
#[derive(Debug)]
enum Refused<E> {
    ByBus(E),
    Endless,
    Nonsense,
}

impl<E: i2c::Error> i2c::Error for Refused<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ByBus(error) => error.kind(),
            Self::Endless | Self::Nonsense => ErrorKind::Other,
        }
    }
}

impl<B: I2c> ErrorType for Strict<'_, B> {
    type Error = Refused<B::Error>;
}

impl<B: I2c> I2c for Strict<'_, B> {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Refused<B::Error>> {
        self.left = self.left.checked_sub(1).ok_or(Refused::Endless)?;
        self.bus.transaction(address, operations).map_err(Refused::ByBus)?;
        match operations {
            [Operation::Write([register]), Operation::Read(bytes)] if !makes_sense(*register, bytes) => {
                Err(Refused::Nonsense)
            }
            _ => Ok(()),
        }
    }
}

/// The driver computes with the times that it reads back as if no bit could be wrong; it overflows on some. What it
/// wrote there a moment before is well inside of these bounds.
fn makes_sense(register: u8, bytes: &[u8]) -> bool {
    match (register, bytes) {
        (0x46, [first]) => *first < 255,
        (0x50 | 0x70, [period]) => *period < 16,
        (0x51, [exponent, _]) => *exponent == 0,
        (0x71, [exponent, times]) => (1..=6).contains(exponent) && *times >= 128,
        _ => true,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Conversion;
    use crate::chips::fake::{FakeChip, Nobody};
    use crate::chips::specimen::{self, Fed, Settings, Specimen};
    use proptest::prelude::*;
    use std::cell::Cell;
    use std::rc::Rc;

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "VL53L0X",
            fed: |mut noise| {
                let (chip, mut fed) = (chip(), Fed::default());
                let mut sensor = Vl53l0x::new("x", chip.clone());
                for _ in 0..20 {
                    show(&chip, 11, u16::from_be_bytes([noise.next(), noise.next()]));
                    match specimen::convert(&mut sensor) {
                        Some(reading) => fed.see(sensor.quantities().as_ref(), reading),
                        None => fed.without += 1,
                    }
                }
                fed
            },
            nobody: Some(("29", || specimen::error(Vl53l0x::new("x", Nobody).start()))),
            registers: Some(Settings {
                chip: || chip().with(RESULT, &[11 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
                sensor: |chip| {
                    let mut sensor = Vl53l0x::new("x", chip);
                    Box::new(move || specimen::convert(&mut sensor).is_some())
                },
                samplings: 1,
                expected: &[(0x20, 0), (0x21, 0), (PAGE, 0), (INTERNAL_ACCESS, 0), (MODE, BACK_TO_BACK)],
            }),
        }
    }

    const MODE: u8 = 0x00;
    const BACK_TO_BACK: u8 = 2;

    /// Ready at once with whatever setting up waits for.
    fn chip() -> FakeChip {
        let chip = FakeChip::new(0x29).paged(0xFF).with(0xC0, &[0xEE]).with(READY, &[7]);
        chip.on_write(|register, value| if register == 0x83 { value | 1 } else { value })
    }
    fn show(chip: &FakeChip, status: u8, millimetres: u16) {
        let [high, low] = millimetres.to_be_bytes();
        let result = [status << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low];
        let _ = chip.clone().with(READY, &[7]).with(RESULT, &result);
    }

    /// Counts transfers.
    struct Counted(FakeChip, Rc<Cell<u16>>);

    impl ErrorType for Counted {
        type Error = ErrorKind;
    }
    impl I2c for Counted {
        fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
            self.1.set(self.1.get() + 1);
            self.0.transaction(address, operations)
        }
    }

    #[test]
    fn waits_for_a_new_value() {
        let chip = chip();
        let mut sensor = Vl53l0x::new("desk", chip.clone());
        show(&chip, 11, 111);
        assert_eq!(sensor.start(), Ok(TAKES)); // takes the old one off
        chip.set(READY, 0);
        assert_eq!(sensor.read(), Ok(Progress::AskIn(TAKES / 8)));
        show(&chip, 11, 423);
        chip.set(TAKEN, 0);
        assert_eq!(sensor.read(), Ok(Progress::Ready(Some(423.0))));
        assert_eq!(chip.get(TAKEN), 1); // asks for the next
    }

    #[test]
    fn nothing_in_sight_is_no_distance() {
        let chip = chip();
        let mut sensor = Vl53l0x::new("desk", chip.clone());
        // No target, a phase that contradicts itself, a status of none, and too far by the number itself.
        for (status, millimetres) in [(4, 20), (9, 700), (0, 300), (11, 8190), (11, 8191)] {
            show(&chip, status, millimetres);
            assert_eq!(sensor.read(), Ok(Progress::Ready(None)), "{status} {millimetres}");
        }
        show(&chip, 2, 300);
        let error = sensor.read().unwrap_err().to_string();
        assert_eq!(error, "VL53L0X: its laser fails; check its supply, and switch it off and on");
    }

    #[test]
    fn is_set_up_anew_after_a_failure_and_when_no_value_comes() {
        let chip = chip();
        let mut sensor = Vl53l0x::new("desk", chip.clone());
        let sample = |sensor: &mut Vl53l0x<FakeChip>| {
            let started = sensor.start();
            show(&chip, 11, 423);
            started.and_then(|_| sensor.read())
        };
        chip.unplug(true);
        assert!(sample(&mut sensor).is_err());
        chip.unplug(false);
        assert!(sample(&mut sensor).is_ok());
        assert_eq!(chip.get(MODE), BACK_TO_BACK);
        chip.set(MODE, 0);
        assert!(sample(&mut sensor).is_ok());
        assert_eq!(chip.get(MODE), 0, "the chip measures, so it is left alone");
        sensor.start().unwrap(); // and no value comes: the power went unseen
        sensor.start().unwrap();
        assert_eq!(chip.get(MODE), BACK_TO_BACK);
    }

    #[test]
    fn a_chip_that_never_gets_ready_is_given_up() {
        // It says that it is there, and never that it is ready.
        let chip = chip().on_write(|register, value| if register == 0x83 { 0 } else { value });
        let transfers = Rc::new(Cell::new(0));
        let mut sensor = Vl53l0x::new("desk", Counted(chip, transfers.clone()));
        let error = sensor.start().unwrap_err().to_string();
        assert_eq!(error, "VL53L0X: it does not start; switch it off and on");
        assert_eq!(transfers.get(), BUDGET + 4, "and those that look who is there");
    }

    /// A chip on a line that turns one bit in so many bytes.
    struct Noisy(FakeChip, u64, u64);

    impl ErrorType for Noisy {
        type Error = ErrorKind;
    }
    impl I2c for Noisy {
        fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
            self.0.transaction(address, operations)?;
            for operation in operations {
                let Operation::Read(bytes) = operation else { continue };
                for byte in bytes.iter_mut() {
                    self.1 = self.1.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let random = self.1 >> 32;
                    *byte ^= if random.is_multiple_of(self.2) { 1 << (self.1 >> 61) } else { 0 };
                }
            }
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn wrong_bits_do_no_harm(seed: u64, one_in in 1_u64..60) {
            let mut sensor = Vl53l0x::new("desk", Noisy(chip(), seed, one_in));
            for _ in 0..20 {
                let _ = sensor.start();
                let _ = sensor.read();
            }
        }
    }

    #[test]
    fn another_chip_and_none_are_errors() {
        let error = Vl53l0x::new("desk", chip().with(0xC0, &[0x50])).start().unwrap_err().to_string();
        assert_eq!(error, "no VL53L0X: another chip answers, with the id 0x50 instead of 0xee");
        let error = Vl53l0x::new("desk", chip()).address(0x30).start().unwrap_err().to_string();
        assert!(error.starts_with("VL53L0X does not answer"), "{error}");
    }
}
