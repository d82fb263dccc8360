//! [`Pca9685`]: sixteen PWM outputs with 12 bits, on an I2C bus.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use embedded_hal::i2c::I2c;
use embedded_hal::pwm::{Error, ErrorKind, ErrorType, SetDutyCycle};
use pwm_pca9685::{Channel, Error as DriverError, Pca9685 as Driver};

use super::ActuatorError;
use super::servo::Servo;

/// The PWM chip PCA9685 with its sixteen outputs, as on boards for servos (Adafruit 815 and its copies).
///
/// - Each output is a [`SetDutyCycle`] for a [`Pwm`](super::pwm::Pwm) or a [`Servo`], in 4,096 steps.
/// - Frequency: 24 to 1,526 Hz, one for all outputs. The chip's clock of 25 MHz is not exact, by some percent on many boards:
///   measure it, or calibrate each servo.
/// - Address: 0x40 to 0x7F, by the pins A5 to A0; not 0x70, to which all such chips listen.
/// - Wiring: 2.3 V to 5.5 V for the chip; the motors have a supply of their own. An output gives 10 mA and takes 25 mA. With
///   the pin OE at high all outputs are off, whatever the program does: the place for an emergency stop.
/// - A change of an output is one transfer of 5 bytes, 0.6 ms at 100 kHz.
/// - All outputs are off at the start. A chip that did not answer gets its frequency and all its duties anew with the next
///   change. One that was without power between two changes cannot be noticed, and its outputs stay off.
/// - Hazard: the outputs go on when the program is killed.
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_adapters::actuators::{ActuatorError, ActuatorInput, pca9685::Pca9685, pwm::Pwm};
/// use thingflow_core::prelude::*;
/// fn arm<B: I2c>(bus: B) -> Result<(), ActuatorError<B::Error>> {
///     let chip = Pca9685::new(bus, 0x40, 50.0)?;
///     let shoulder = ActuatorInput::new("shoulder", chip.servo(0).limits(20.0..=160.0));
///     let lamp = ActuatorInput::new("lamp", Pwm::new(chip.output(15)));
/// #   let _ = (pipe().to(shoulder), pipe().to(lamp));
///     Ok(())
/// }
/// ```
///
/// Source: data sheet of NXP, rev. 4 (2015). Driver: the crate `pwm-pca9685`.
pub struct Pca9685<B> {
    chip: Arc<Mutex<Chip<B>>>,
    period: Duration,
}

/// What the outputs share.
struct Chip<B> {
    driver: Driver<B>,
    prescale: u8,
    /// The steps of each output, to be written again when the chip has lost its power.
    duties: [u16; OUTPUTS],
    taken: [bool; OUTPUTS],
    /// Whether the chip is known to be set up.
    ready: bool,
}

const OUTPUTS: usize = 16;
/// So many steps are the whole period.
const STEPS: u16 = 4096;

impl<B: I2c> Pca9685<B> {
    /// Finds the chip, switches all outputs off and sets the frequency in hertz: 50 for servos, 1,000 for lamps.
    ///
    /// # Errors
    /// If nobody answers, or the chip cannot do that frequency.
    pub fn new(bus: B, address: u8, frequency: f64) -> Result<Self, ActuatorError<B::Error>> {
        Self::with_clock(bus, address, frequency, 25e6)
    }

    /// As [`new`](Self::new), for a chip whose clock has been measured, in hertz: the frequency of an output, times 4,096,
    /// times what the chip divides by (122 at 50 Hz).
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_clock(bus: B, address: u8, frequency: f64, clock: f64) -> Result<Self, ActuatorError<B::Error>> {
        let divider = (clock / (f64::from(STEPS) * frequency)).round();
        if !(4.0..=256.0).contains(&divider) {
            let hertz = |divider: f64| (clock / (f64::from(STEPS) * divider)).round();
            let (from, to) = (hertz(256.0), hertz(4.0));
            return Err(ActuatorError::Refused { value: frequency, from, to, unit: "frequency" });
        }
        let refused = ActuatorError::Refused { value: address.into(), from: 64.0, to: 127.0, unit: "address" };
        let driver = Driver::new(bus, address).map_err(|_| refused)?;
        let prescale = (divider - 1.0) as u8;
        let mut chip = Chip { driver, prescale, duties: [0; OUTPUTS], taken: [false; OUTPUTS], ready: false };
        chip.set_up().map_err(|fault| ActuatorError::Bus(fault.0))?;
        let period = Duration::from_secs_f64(divider * f64::from(STEPS) / clock);
        Ok(Self { chip: Arc::new(Mutex::new(chip)), period })
    }

    /// The period of all outputs, as exact as the clock.
    pub fn period(&self) -> Duration {
        self.period
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
        Servo::new(self.output(number), self.period)
    }
}

fn lock<B>(chip: &Mutex<Chip<B>>) -> MutexGuard<'_, Chip<B>> {
    chip.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B: I2c> Chip<B> {
    /// Brings the chip from any state to the one that we think it is in.
    fn set_up(&mut self) -> Result<(), Pca9685Fault<B::Error>> {
        self.driver.reset_internal_driver_state();
        self.driver.set_channel_full_off(Channel::All)?;
        self.driver.set_prescale(self.prescale)?;
        self.driver.enable()?;
        for number in 0..OUTPUTS {
            if self.duties[number] > 0 {
                self.write(number)?;
            }
        }
        self.ready = true;
        Ok(())
    }

    fn set(&mut self, number: usize, steps: u16) -> Result<(), Pca9685Fault<B::Error>> {
        self.duties[number] = steps.min(STEPS);
        let done = if self.ready { self.write(number) } else { self.set_up() };
        self.ready = done.is_ok();
        done
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
        f.debug_struct("Pca9685").field("period", &self.period).finish_non_exhaustive()
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

/// The bus failed on the way to a PCA9685.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pca9685Fault<E>(pub E);

impl<E> From<DriverError<E>> for Pca9685Fault<E> {
    fn from(error: DriverError<E>) -> Self {
        match error {
            DriverError::I2C(error) => Self(error),
            DriverError::InvalidInputData => unreachable!("steps and divider are within their ranges"),
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for Pca9685Fault<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the PCA9685 does not answer: {:?}", self.0)
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

    /// All off, the divider of 50 Hz, awake: registers ALL_LED_OFF, PRE_SCALE and MODE1 of the data sheet.
    fn set_up() -> Vec<Transaction> {
        // auto-increment on (the chip sleeps), all off, prescale 121, awake
        [&[0x00, 0x31][..], &[0xFC, 0x00, 0x10], &[0xFE, 121], &[0x00, 0x21]].map(write).into()
    }

    #[test]
    fn duties_are_registers_of_their_output() {
        let mut talk = set_up();
        talk.extend([
            write(&[0x0C, 0x00, 0x10]),             // LED1_OFF: full off at the start
            write(&[0x0A, 0x00, 0x00, 0x00, 0x08]), // LED1: on at 0, off at 2048
            write(&[0x0A, 0x00, 0x10]),             // LED1_ON: full on
            write(&[0x0C, 0x00, 0x00]),             // LED1_OFF: no longer full off
            write(&[0x0C, 0x00, 0x10]),             // full off at the end
        ]);
        let mut bus = Mock::new(&talk);
        let chip = Pca9685::new(bus.clone(), 0x40, 50.0).unwrap();
        pipe().to(ActuatorInput::new("lamp", Pwm::new(chip.output(1)))).feed([0.5, 1.0]).unwrap();
        bus.done();
    }

    #[test]
    fn a_servo_knows_the_true_period() {
        let mut talk = set_up();
        talk.extend([
            write(&[0x44, 0x00, 0x10]),             // LED15
            write(&[0x42, 0x00, 0x00, 0x33, 0x01]), // 1.5 ms of 19.99 ms: 307 steps
            write(&[0x44, 0x00, 0x10]),
        ]);
        let mut bus = Mock::new(&talk);
        let chip = Pca9685::new(bus.clone(), 0x40, 50.0).unwrap();
        assert_eq!(chip.period(), Duration::from_nanos(19_988_480)); // 122 * 4096 / 25 MHz
        pipe().to(ActuatorInput::new("arm", chip.servo(15))).feed([90.0]).unwrap();
        bus.done();
    }

    #[test]
    fn a_chip_that_lost_its_power_is_set_up_again_with_all_its_duties() {
        let half = |register| write(&[register, 0x00, 0x00, 0x00, 0x08]);
        let mut talk = set_up();
        talk.extend([half(0x06), half(0x0A).with_error(BusError::Other)]);
        talk.extend(set_up());
        talk.extend([half(0x06), half(0x0A)]);
        let mut bus = Mock::new(&talk);
        let chip = Pca9685::new(bus.clone(), 0x40, 50.0).unwrap();
        let (mut first, mut second) = (chip.output(0), chip.output(1));
        first.set_duty_cycle(2048).unwrap();
        let error = format!("{:?}", second.set_duty_cycle(2048).unwrap_err());
        assert_eq!(error, "the PCA9685 does not answer: Other");
        second.set_duty_cycle(2048).unwrap();
        bus.done();
    }

    #[test]
    fn a_frequency_that_the_chip_cannot_do_is_refused() {
        let mut bus = Mock::new(&[]);
        let error = Pca9685::new(bus.clone(), 0x40, 2000.0).unwrap_err().to_string();
        assert_eq!(error, "it was told frequency 2000 and takes 24 to 1526");
        let error = Pca9685::new(bus.clone(), 0x70, 50.0).unwrap_err().to_string(); // the address of all chips
        assert_eq!(error, "it was told address 112 and takes 64 to 127");
        bus.done();
    }

    #[test]
    #[should_panic(expected = "output 3 of the PCA9685 has been taken already")]
    fn an_output_has_one_user() {
        let chip = Pca9685::new(Mock::new(&set_up()), 0x40, 50.0).unwrap();
        let _first = chip.output(3);
        let _ = chip.output(3);
    }
}
