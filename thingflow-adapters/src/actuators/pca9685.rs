//! [`Pca9685`]: sixteen PWM outputs with 12 bits, on an I2C bus.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use embedded_hal::i2c::{ErrorType as BusErrorType, I2c, Operation};
use embedded_hal::pwm::{Error, ErrorKind, ErrorType, SetDutyCycle};
use pwm_pca9685::{Channel, Error as ChipError, Pca9685 as Driver};
use thingflow_core::DriverError;

use super::servo::Servo;

/// The PWM chip PCA9685 with its sixteen outputs, as on boards for servos (Adafruit 815 and its copies).
///
/// - Each output is a [`SetDutyCycle`] for a [`Pwm`](super::pwm::Pwm) or a [`Servo`], in 4,096 steps.
/// - Frequency: 24 to 1,526 Hz, one for all outputs. The chip's clock of 25 MHz is not exact, by some percent on many boards:
///   measure it, or calibrate each servo.
/// - Address: 0x40, or another to 0x7F by the pins A5 to A0; not 0x70, to which all such chips listen.
/// - Wiring: 2.3 V to 5.5 V for the chip; the motors have a supply of their own. An output gives 10 mA and takes 25 mA. With
///   the pin OE at high all outputs are off, whatever the program does: the place for an emergency stop.
/// - A change of an output is two transfers of 3 and 5 bytes, 0.9 ms at 100 kHz: the first asks the chip whether it still is
///   as it was set up.
/// - The chip is set up with the first change, whatever another program has left in it: outputs that are not inverted and
///   drive both ways, all of them off, then the frequency. One that was without power, or did not answer, gets all that and
///   its duties anew with the next change; until then its outputs are off.
/// - A clock of another program's choice, that of the pin EXTCLK, stays until the chip's power goes: that is an error, and
///   the outputs are off.
/// - Hazard: the outputs go on when the program is killed.
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_adapters::actuators::{ActuatorInput, pca9685::Pca9685, pwm::Pwm};
/// use thingflow_core::prelude::*;
/// fn arm<B: I2c<Error: Send + Sync + 'static>>(bus: B) {
///     let chip = Pca9685::new(bus).address(0x41); // at 50 Hz
///     let shoulder = ActuatorInput::new("shoulder", chip.servo(0).limits(20.0..=160.0));
///     let lamp = ActuatorInput::new("lamp", Pwm::new(chip.output(15)));
/// #   let _ = (pipe().to(shoulder), pipe().to(lamp));
/// }
/// ```
///
/// Source: data sheet of NXP, rev. 4 (2015). Driver: the crate `pwm-pca9685`.
pub struct Pca9685<B> {
    chip: Arc<Mutex<Chip<B>>>,
    frequency: f64,
    clock: f64,
}

/// What the outputs share.
struct Chip<B> {
    driver: Driver<Shared<B>>,
    /// The driver's bus, for the one question that it does not ask.
    bus: Shared<B>,
    address: u8,
    prescale: u8,
    /// The steps of each output, to be written again when the chip has lost its power.
    duties: [u16; OUTPUTS],
    taken: [bool; OUTPUTS],
    /// Whether the chip has been set up, as far as we know.
    ready: bool,
}

const OUTPUTS: usize = 16;
/// So many steps are the whole period.
const STEPS: u16 = 4096;
const MODE1: u8 = 0x00;
const MODE2: u8 = 0x01;
/// Outputs as told and not inverted, changed at once, driven both ways.
const DIRECT: u8 = 0x04;
const EXTERNAL_CLOCK: u8 = 0x40;
const AUTO_INCREMENT: u8 = 0x20;
const SLEEP: u8 = 0x10;

impl<B: I2c> Pca9685<B> {
    /// A chip at 0x40, with outputs of 50 Hz, as servos want them.
    pub fn new(bus: B) -> Self {
        let bus = Shared(Arc::new(Mutex::new(bus)));
        let chip = Chip {
            driver: driver(&bus, 0x40),
            bus,
            address: 0x40,
            prescale: 0,
            duties: [0; OUTPUTS],
            taken: [false; OUTPUTS],
            ready: false,
        };
        Self { chip: Arc::new(Mutex::new(chip)), frequency: 50.0, clock: 25e6 }.divided()
    }

    /// Another address.
    ///
    /// # Panics
    /// If the chip cannot have it: 0x40 to 0x7F without 0x70.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        let possible = (0x40..=0x7F).contains(&address) && address != 0x70;
        assert!(possible, "a PCA9685 has one of the addresses 0x40 to 0x7F without 0x70, not {address:#04x}");
        let mut chip = lock(&self.chip);
        (chip.driver, chip.address) = (driver(&chip.bus, address), address);
        drop(chip);
        self
    }

    /// The frequency of all outputs in hertz: 50 for servos, 1,000 for lamps. The chip takes the nearest that it can do.
    ///
    /// # Panics
    /// If it is not within 24 and 1,526.
    #[must_use]
    #[track_caller]
    pub fn frequency(self, hertz: f64) -> Self {
        assert!((24.0..=1526.0).contains(&hertz), "the frequency of a PCA9685 is from 24 to 1526, unlike {hertz}");
        Self { frequency: hertz, ..self }.divided()
    }

    /// The chip's clock in hertz, if it has been measured: the true frequency of an output, times 4,096, times what the chip
    /// divides by (122 at 50 Hz).
    ///
    /// # Panics
    /// If it is not within 20 and 30 MHz.
    #[must_use]
    #[track_caller]
    pub fn clock(self, hertz: f64) -> Self {
        assert!((20e6..=30e6).contains(&hertz), "the clock of a PCA9685 is from 20e6 to 30e6, unlike {hertz:e}");
        Self { clock: hertz, ..self }.divided()
    }

    /// Tells the chip what to divide by.
    fn divided(self) -> Self {
        lock(&self.chip).prescale = (self.divider() - 1.0) as u8;
        self
    }

    fn divider(&self) -> f64 {
        (self.clock / (f64::from(STEPS) * self.frequency)).round().clamp(4.0, 256.0)
    }

    /// The period of all outputs, as exact as the clock.
    pub fn period(&self) -> Duration {
        Duration::from_secs_f64(self.divider() * f64::from(STEPS) / self.clock)
    }

    /// An output, 0 to 15.
    ///
    /// # Panics
    /// If there is no such output, or it has been taken before.
    #[track_caller]
    pub fn output(&self, number: u8) -> Pca9685Output<B> {
        assert!(usize::from(number) < OUTPUTS, "a PCA9685 has the outputs 0 to 15, not {number}");
        let taken = std::mem::replace(&mut lock(&self.chip).taken[usize::from(number)], true);
        assert!(!taken, "output {number} of the PCA9685 has been taken already");
        Pca9685Output { chip: self.chip.clone(), number }
    }

    /// A servo on an output.
    ///
    /// # Panics
    /// As [`output`](Self::output), and if the frequency is above 500 Hz, which leaves no room for pulses of 2 ms.
    #[track_caller]
    pub fn servo(&self, number: u8) -> Servo<Pca9685Output<B>> {
        Servo::new(self.output(number), self.period())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn driver<B: I2c>(bus: &Shared<B>, address: u8) -> Driver<Shared<B>> {
    Driver::new(bus.clone(), address).unwrap_or_else(|_| unreachable!("the address has been looked at"))
}

/// A bus that we and the driver use in turn.
struct Shared<B>(Arc<Mutex<B>>);

impl<B> Clone for Shared<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: BusErrorType> BusErrorType for Shared<B> {
    type Error = B::Error;
}

impl<B: I2c> I2c for Shared<B> {
    fn write(&mut self, address: u8, bytes: &[u8]) -> Result<(), B::Error> {
        lock(&self.0).write(address, bytes)
    }
    fn write_read(&mut self, address: u8, bytes: &[u8], answer: &mut [u8]) -> Result<(), B::Error> {
        lock(&self.0).write_read(address, bytes, answer)
    }
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), B::Error> {
        lock(&self.0).transaction(address, operations)
    }
}

impl<B: I2c> Chip<B> {
    /// Brings the chip from any state to the one that we think it is in.
    fn set_up(&mut self) -> Result<(), Pca9685Fault<B::Error>> {
        // First of all, since with inverted outputs off is on.
        self.bus.write(self.address, &[MODE2, DIRECT]).map_err(Pca9685Fault::bus)?;
        self.driver.reset_internal_driver_state();
        self.driver.set_channel_full_off(Channel::All)?;
        self.driver.set_prescale(self.prescale)?;
        self.driver.enable()?;
        let [mode1, _] = self.modes()?;
        if mode1 & EXTERNAL_CLOCK != 0 {
            return Err(Pca9685Fault::ExternalClock);
        }
        for number in 0..OUTPUTS {
            if self.duties[number] > 0 {
                self.write(number)?;
            }
        }
        Ok(())
    }

    fn set(&mut self, number: usize, steps: u16) -> Result<(), Pca9685Fault<B::Error>> {
        self.duties[number] = steps.min(STEPS);
        let ready = std::mem::take(&mut self.ready); // until all has gone well
        // A chip that was without power sleeps, and takes what is written to it for nothing.
        if ready && self.is_set_up()? {
            self.write(number)?;
        } else {
            self.set_up()?;
        }
        self.ready = true;
        Ok(())
    }

    /// Asks the chip whether it is awake, takes the registers of an output in one transfer, and does as it is told.
    fn is_set_up(&mut self) -> Result<bool, Pca9685Fault<B::Error>> {
        let [mode1, mode2] = self.modes()?;
        Ok(mode1 & (AUTO_INCREMENT | SLEEP | EXTERNAL_CLOCK) == AUTO_INCREMENT && mode2 == DIRECT)
    }

    fn modes(&mut self) -> Result<[u8; 2], Pca9685Fault<B::Error>> {
        let mut modes = [0; 2];
        self.bus.write_read(self.address, &[MODE1], &mut modes).map_err(Pca9685Fault::bus)?;
        Ok(modes)
    }

    fn write(&mut self, number: usize) -> Result<(), Pca9685Fault<B::Error>> {
        let channel = Channel::try_from(number).unwrap_or(Channel::All); // there are sixteen
        match self.duties[number] {
            0 => self.driver.set_channel_full_off(channel)?,
            STEPS => {
                // "Full off" wins over "full on", so it goes last, and the output never flickers.
                self.driver.set_channel_full_on(channel, 0)?;
                self.driver.set_channel_off(channel, 0)?;
            }
            steps => self.driver.set_channel_on_off(channel, 0, steps)?,
        }
        Ok(())
    }
}

impl<B> fmt::Debug for Pca9685<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pca9685").field("frequency", &self.frequency).finish_non_exhaustive()
    }
}

/// An output of a [`Pca9685`]. Made by [`output`](Pca9685::output).
pub struct Pca9685Output<B> {
    chip: Arc<Mutex<Chip<B>>>,
    number: u8,
}

impl<B: I2c> ErrorType for Pca9685Output<B> {
    type Error = Pca9685Fault<B::Error>;
}

impl<B: I2c> SetDutyCycle for Pca9685Output<B> {
    fn max_duty_cycle(&self) -> u16 {
        STEPS
    }
    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), Self::Error> {
        lock(&self.chip).set(self.number.into(), duty)
    }
}

impl<B> fmt::Debug for Pca9685Output<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pca9685Output").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Why a PCA9685 did not do as it was told.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pca9685Fault<E> {
    /// The bus failed, mostly because nobody answered.
    Bus(DriverError<E>),
    /// Another program has told the chip to take its clock from the pin EXTCLK.
    ExternalClock,
}

impl<E> Pca9685Fault<E> {
    /// The bus failed.
    pub const fn bus(error: E) -> Self {
        Self::Bus(DriverError(error))
    }
}

impl<E> From<ChipError<E>> for Pca9685Fault<E> {
    fn from(error: ChipError<E>) -> Self {
        match error {
            ChipError::I2C(error) => Self::bus(error),
            ChipError::InvalidInputData => unreachable!("steps and divider are within their ranges"),
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for Pca9685Fault<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(f, "the PCA9685 does not answer: {error}"),
            Self::ExternalClock => {
                f.write_str("the PCA9685 was told to use an external clock; take its power away for a moment")
            }
        }
    }
}

/// As `Debug`.
impl<E: fmt::Debug> fmt::Display for Pca9685Fault<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// If the bus failed, [`source`](std::error::Error::source) is its error as a [`DriverError`].
impl<E: fmt::Debug + 'static> std::error::Error for Pca9685Fault<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bus(error) => Some(error),
            Self::ExternalClock => None,
        }
    }
}

impl<E: fmt::Debug> Error for Pca9685Fault<E> {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actuators::{ActuatorInput, pwm::Pwm};
    use embedded_hal::i2c::ErrorKind as BusError;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use thingflow_core::pipe;

    fn write(bytes: &[u8]) -> Transaction {
        Transaction::write(0x40, bytes.to_vec())
    }

    /// The question before a change, and that the chip is awake.
    fn awake() -> Transaction {
        Transaction::write_read(0x40, vec![MODE1], vec![0x21, 0x04])
    }

    /// All off, the divider of 50 Hz, awake: registers ALL_LED_OFF, PRE_SCALE and MODE1 of the data sheet.
    fn set_up() -> Vec<Transaction> {
        // not inverted, auto-increment on (the chip sleeps), all off, prescale 121, awake
        let told = [&[0x01, 0x04][..], &[0x00, 0x31], &[0xFC, 0x00, 0x10], &[0xFE, 121], &[0x00, 0x21]];
        told.map(write).into_iter().chain([awake()]).collect()
    }

    #[test]
    fn duties_are_registers_of_their_output() {
        let mut talk = set_up();
        talk.extend([
            awake(),
            write(&[0x0A, 0x00, 0x00, 0x00, 0x08]), // LED1: on at 0, off at 2048
            awake(),
            write(&[0x0A, 0x00, 0x10]), // LED1_ON: full on
            write(&[0x0C, 0x00, 0x00]), // LED1_OFF: no longer full off
            awake(),
            write(&[0x0C, 0x00, 0x10]), // LED1_OFF: full off at the end
        ]);
        let mut bus = Mock::new(&talk);
        let chip = Pca9685::new(bus.clone());
        pipe().to(ActuatorInput::new("lamp", Pwm::new(chip.output(1)))).feed([0.5, 1.0]).unwrap();
        bus.done();
    }

    #[test]
    fn a_servo_knows_the_true_period() {
        let mut talk = set_up();
        talk.extend([awake(), write(&[0x42, 0x00, 0x00, 0x33, 0x01])]); // 1.5 ms of 19.99 ms: 307 steps
        talk.extend([awake(), write(&[0x44, 0x00, 0x10])]); // LED15
        let mut bus = Mock::new(&talk);
        let chip = Pca9685::new(bus.clone());
        assert_eq!(chip.period(), Duration::from_nanos(19_988_480)); // 122 * 4096 / 25 MHz
        pipe().to(ActuatorInput::new("arm", chip.servo(15))).feed([90.0]).unwrap();
        bus.done();
    }

    #[test]
    fn a_chip_that_did_not_answer_is_set_up_again_with_all_its_duties() {
        let half = |register| write(&[register, 0x00, 0x00, 0x00, 0x08]);
        let mut talk = set_up();
        talk.extend([half(0x06), awake().with_error(BusError::Other)]);
        talk.extend(set_up());
        talk.extend([half(0x06), half(0x0A)]);
        let mut bus = Mock::new(&talk);
        let chip = Pca9685::new(bus.clone());
        let (mut first, mut second) = (chip.output(0), chip.output(1));
        first.set_duty_cycle(2048).unwrap();
        let error = format!("{:?}", second.set_duty_cycle(2048).unwrap_err());
        assert_eq!(error, "the PCA9685 does not answer: Other");
        second.set_duty_cycle(2048).unwrap();
        bus.done();
    }

    #[test]
    fn f30_an_external_clock_is_an_error() {
        let mut talk = set_up();
        talk.pop();
        talk.push(Transaction::write_read(0x40, vec![MODE1], vec![0x61, 0x04]));
        let mut bus = Mock::new(&talk);
        let error = format!("{:?}", Pca9685::new(bus.clone()).output(0).set_duty_cycle(2048).unwrap_err());
        assert_eq!(error, "the PCA9685 was told to use an external clock; take its power away for a moment");
        bus.done();
    }

    #[test]
    fn the_divider_is_that_of_frequency_and_clock_in_either_order() {
        let mut bus = Mock::new(&[]);
        let chip = || Pca9685::new(bus.clone());
        let micros = 4096 * 128 * 1000 / 26_300; // 50.2 Hz
        assert_eq!(chip().frequency(50.0).clock(26.3e6).period().as_micros(), micros);
        assert_eq!(chip().clock(26.3e6).frequency(50.0).period().as_micros(), micros);
        assert_eq!(chip().frequency(1526.0).clock(20e6).divider(), 4.0); // faster it cannot
        bus.done();
    }

    #[test]
    #[should_panic(expected = "the frequency of a PCA9685 is from 24 to 1526, unlike 2000")]
    fn a_frequency_that_the_chip_cannot_do_is_refused() {
        let _ = Pca9685::new(Mock::new(&[])).frequency(2000.0);
    }

    #[test]
    #[should_panic(expected = "one of the addresses 0x40 to 0x7F without 0x70, not 0x70")]
    fn the_address_of_all_chips_is_refused() {
        let _ = Pca9685::new(Mock::new(&[])).address(0x70);
    }

    #[test]
    #[should_panic(expected = "output 3 of the PCA9685 has been taken already")]
    fn an_output_has_one_user() {
        let chip = Pca9685::new(Mock::new(&[]));
        let _first = chip.output(3);
        let _ = chip.output(3);
    }
}
