//! [`Mpu6050`]: acceleration and rotation from the MPU6050, in batches, on an I2C bus.
//!
//! The driver `mpu6050-dmp` sets the chip up and knows its scales. Its calls only add bits to the settings that they
//! find, so these are taken away first; otherwise a program that had set ±2000 °/s before would have us read a quarter
//! of each turn. The memory is read beside it, many times a second: making the driver takes two transfers and its
//! `read_fifo` counts once more.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use mpu6050_dmp::accel::{Accel, AccelFullScale};
use mpu6050_dmp::address::Address;
use mpu6050_dmp::clock_source::ClockSource;
use mpu6050_dmp::config::DigitalLowPassFilter;
use mpu6050_dmp::error::Error;
use mpu6050_dmp::fifo::Fifo;
use mpu6050_dmp::gyro::{Gyro, GyroFullScale};
use mpu6050_dmp::registers::Register;
use mpu6050_dmp::sensor::Mpu6050 as Driver;
use thingflow_core::{SampleError, SensorId};

use super::registers::Registers;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Axes, Batch, Chip, ChipError, Measures, OutOfRange, Quantity, Values};

/// The motion sensor MPU6050 (module GY-521). A reading is a batch: what the chip collected since the last sampling, up
/// to 42 samples; more stay in the chip for the next one ([`Batch::behind`]), and the newest one always does.
///
/// - Units: metres per second squared, ±39.2 (4 times gravity), in steps of 0.0012, ±3 %; degrees per second, ±500, in
///   steps of 0.015, ±3 %, and up to 20 of them when nothing turns: take the mean of a second at rest off.
/// - Address: 0x68; 0x69 with the pin AD0 high.
/// - Wiring: 2.4 V to 3.5 V; the module has a regulator and takes 5 V too, its bus stays at 3.3 V.
/// - It takes 100 samples a second unless told otherwise, behind a low-pass of 44 Hz. Sample it each time that 40 have
///   come together, every 0.4 s; it holds 84, and [`Batch::has_gap`] tells when that was too late.
///   [`Spread`](crate::Spread) gives each sample its time.
/// - A sample takes 1.1 ms of a bus at 100 kHz, 0.3 ms at 400 kHz.
/// - The first sampling resets the chip, which brings its factory offsets back; there is nothing for 0.1 s then
///   ([`SampleError::NotYet`]). The next one has it collect samples: its batch is empty, and the gyroscope needs another
///   50 ms. So it is after a failure, and a loss of power is one. The chip has an identification, but its many copies give others, so it
///   is not looked at.
/// - A read of its memory must not be repeated, since it takes off what it reads: on a bus that does so
///   ([`Guarded::retries`](crate::bus::Guarded::retries)) a disturbed one costs all that was collected, and is a gap.
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::Spread;
/// use thingflow_sensors::mpu6050::{Motion, Mpu6050};
/// fn watch<B: I2c<Error: Send + Sync> + 'static>(bus: B) {
///     let arm = SensorOutput::new(Mpu6050::new("arm", bus).address(0x69).rate(200));
///     let turns = arm.pipe(Spread::new()).map(|e: SensorEvent<Motion>| e.val.rotation.z);
///     turns.filter(|z| z.abs() > 90.0).connect(call(|z| println!("turns at {z} °/s")));
/// }
/// ```
///
/// Source: data sheet PS-MPU-6000A and register map RM-MPU-6000A of InvenSense. Driver: the crate `mpu6050-dmp`.
pub struct Mpu6050<B> {
    id: SensorId,
    chip: Registers<B>,
    divider: u8,
    state: State,
    /// Samples have been lost since the last batch.
    gap: bool,
}

/// A sample of an [`Mpu6050`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Motion {
    /// In metres per second squared. At rest one axis shows gravity, 9.8.
    pub acceleration: Axes,
    /// In degrees per second.
    pub rotation: Axes,
}

impl Values for Motion {
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        self.acceleration.try_each(&mut |_, value| admit(0, value))?;
        self.rotation.try_each(&mut |_, value| admit(1, value))
    }
}

/// 4 times gravity, and what the rounded scale of the data sheet makes of the greatest number.
const QUANTITIES: [Quantity; 2] =
    [Quantity::new("acceleration", "m/s²", -39.23..=39.23), Quantity::new("rotation", "°/s", -500.3..=500.3)];

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Nobody knows what it does.
    Unknown,
    /// It has been told to reset.
    Resetting,
    /// It collects samples.
    Ready,
}

const SIGNAL_PATH_RESET: u8 = 0x68;
const RESET: u8 = 0x80;
const ALL_SIGNAL_PATHS: u8 = 0b111;
const PWR_MGMT_2: u8 = 0x6C;
const I2C_MST_CTRL: u8 = 0x24;
const RESETS_IN: Duration = Duration::from_millis(100);

/// Samples in a batch: half of what the chip can hold.
const ROOM: usize = 42;
const BYTES: usize = 12;
/// What the chip holds. When it is full, the samples in it do not begin where they should.
const FULL: usize = 1024;

const ACCELERATION: AccelFullScale = AccelFullScale::G4;
const ROTATION: GyroFullScale = GyroFullScale::Deg500;
/// 44 Hz, and samples by a clock of 1 kHz.
const LOW_PASS: DigitalLowPassFilter = DigitalLowPassFilter::Filter3;

impl<B: I2c> Mpu6050<B> {
    /// The chip at 0x68, with 100 samples a second.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        let chip = Registers::new(Chip::i2c("MPU6050", 0x68), bus);
        Self { id: id.into(), chip, divider: 9, state: State::Unknown, gap: false }
    }

    /// Another address: 0x69 with the pin AD0 high.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        Self { chip: self.chip.at(address, &[0x68, 0x69]), ..self }
    }

    /// Another number of samples a second, 4 to 1000, that divides 1000.
    ///
    /// # Panics
    /// If the chip does not know it.
    #[must_use]
    #[track_caller]
    pub fn rate(self, samples_a_second: u16) -> Self {
        let possible = [4, 5, 8, 10, 20, 25, 40, 50, 100, 125, 200, 250, 500, 1000];
        assert!(
            possible.contains(&samples_a_second),
            "an MPU6050 takes one of {possible:?} samples a second, not {samples_a_second}"
        );
        let divider = u8::try_from(1000 / samples_a_second - 1).unwrap_or(u8::MAX);
        Self { divider, ..self }
    }

    /// Makes calls of the driver, which wakes the chip up before.
    fn drive<T>(
        &mut self,
        calls: impl for<'b> FnOnce(&mut Driver<&'b mut B>) -> Result<T, Error<&'b mut B>>,
    ) -> Result<T, ChipError<B::Error>> {
        let Registers { chip, ref mut bus } = self.chip;
        let driver = Driver::new(bus, Address(chip.address())).map_err(|failed| failed.error);
        driver.and_then(|mut driver| calls(&mut driver)).map_err(|error| match error {
            Error::WriteError(error) | Error::WriteReadError(error) => chip.silent(error),
            Error::WrongDevice => chip.no_reading("another chip answers"),
        })
    }

    /// All that readings depend on, but for the offsets of the accelerometer: those are the factory's, and come back by the
    /// reset.
    fn set_up(&mut self) -> Result<(), ChipError<B::Error>> {
        for register in [Register::PwrMgmt1, Register::Config, Register::GyroConfig, Register::AccelConfig] {
            self.chip.write(&[register as u8, 0])?;
        }
        self.chip.write(&[PWR_MGMT_2, 0])?;
        self.chip.write(&[I2C_MST_CTRL, 0])?;
        self.chip.write(&[Register::GyroOffsetX_H as u8, 0, 0, 0, 0, 0, 0])?;
        self.chip.write(&[SIGNAL_PATH_RESET, ALL_SIGNAL_PATHS])?;
        let divider = self.divider;
        self.drive(|driver| {
            driver.set_clock_source(ClockSource::Xgyro)?; // the better one
            driver.set_digital_lowpass_filter(LOW_PASS)?;
            driver.set_sample_rate_divider(divider)?;
            driver.set_gyro_full_scale(ROTATION)?;
            driver.set_accel_full_scale(ACCELERATION)
        })?;
        self.empty()
    }

    /// Throws away what the chip has collected, so that the next sample begins where it should.
    fn empty(&mut self) -> Result<(), ChipError<B::Error>> {
        // The memory is emptied only while it is off.
        self.chip.write(&[Register::UserCtrl as u8, 0])?;
        self.drive(|driver| {
            driver.set_fifo_enabled(Fifo::all_disabled())?;
            driver.reset_fifo()?;
            driver.enable_fifo()?;
            driver.set_fifo_enabled(Fifo { accel: true, xg: true, yg: true, zg: true, ..Fifo::all_disabled() })
        })
    }

    /// How many bytes the chip holds, if they are whole samples.
    fn held(&mut self) -> Result<Option<usize>, ChipError<B::Error>> {
        for _ in 0..2 {
            let held = usize::from(u16::from_be_bytes(self.chip.read(Register::FifoCount_H as u8)?));
            if held + BYTES > FULL {
                return Ok(None);
            }
            if held % BYTES == 0 {
                return Ok(Some(held));
            }
            // The chip may just be writing a sample: look again.
        }
        Ok(None)
    }

    fn batch(&mut self) -> Result<Batch<Motion, ROOM>, ChipError<B::Error>> {
        let batch = Batch::new(Duration::from_millis(u64::from(self.divider) + 1));
        if self.state != State::Ready {
            self.set_up()?;
            self.state = State::Ready;
            return Ok(batch);
        }
        let Some(held) = self.held()? else { return self.start_over(batch) };
        // The newest sample stays: by it we see whether a repeated transfer has taken off more than it gave.
        let count = (held / BYTES).saturating_sub(1).min(ROOM);
        if count == 0 {
            self.check_power(held)?;
            return Ok(batch);
        }
        let mut bytes = [0; ROOM * BYTES];
        let bytes = &mut bytes[..count * BYTES];
        self.chip.fill(Register::FifoRw as u8, bytes)?;
        match self.held()? {
            Some(left) if left >= held - bytes.len() => Ok(self.filled(batch, bytes, left / BYTES)),
            _ => self.start_over(batch),
        }
    }

    fn filled(&mut self, batch: Batch<Motion, ROOM>, bytes: &[u8], left: usize) -> Batch<Motion, ROOM> {
        let mut batch = batch.after_gap(core::mem::take(&mut self.gap)).leaving(left);
        for sample in bytes.as_chunks::<BYTES>().0 {
            batch.push(Motion::of(*sample));
        }
        batch
    }

    fn start_over(&mut self, batch: Batch<Motion, ROOM>) -> Result<Batch<Motion, ROOM>, ChipError<B::Error>> {
        self.gap = true;
        self.empty()?;
        Ok(batch)
    }

    /// A chip that loses its power forgets to collect samples.
    fn check_power(&mut self, held: usize) -> Result<(), ChipError<B::Error>> {
        if held > 0 || self.drive(|driver| driver.get_fifo_enabled())?.accel {
            return Ok(());
        }
        Err(self.chip.chip.no_reading("it has lost its power for a while"))
    }
}

impl Motion {
    fn of([x0, x1, y0, y1, z0, z1, rotation @ ..]: [u8; BYTES]) -> Self {
        let a = Accel::from_bytes([x0, x1, y0, y1, z0, z1]).scaled(ACCELERATION);
        let [x, y, z] = Gyro::from_bytes(rotation).scaled(ROTATION).into();
        Self { acceleration: Axes { x: a.x(), y: a.y(), z: a.z() }.times(Axes::GRAVITY), rotation: Axes { x, y, z } }
    }
}

impl<B> Measures for Mpu6050<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        QUANTITIES
    }
}

impl<B: I2c> Device for Mpu6050<B> {
    type Reading = Batch<Motion, ROOM>;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.chip.chip.impossible(value)
    }
    fn forget(&mut self) {
        (self.state, self.gap) = (State::Unknown, true);
    }
}

impl<B: I2c> DirectDevice for Mpu6050<B> {
    fn measure(&mut self) -> Result<Self::Reading, SampleError<Self::Error>> {
        if self.state == State::Unknown {
            self.chip.write(&[Register::PwrMgmt1 as u8, RESET])?;
            self.state = State::Resetting;
            return Err(SampleError::NotYet(RESETS_IN));
        }
        Ok(self.batch()?)
    }
}

sensor!([B: I2c<Error: Send + Sync + 'static>] Mpu6050<B> => Batch<Motion, ROOM>, ChipError<B::Error>);

impl<B> fmt::Debug for Mpu6050<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mpu6050").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
