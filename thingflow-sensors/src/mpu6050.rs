//! [`Mpu6050`]: acceleration and rotation from the MPU6050, in batches, on an I2C bus.

use core::fmt;
use core::time::Duration;

use embedded_hal::{delay::DelayNs, i2c::I2c};
use mpu6050_dmp::accel::{Accel, AccelFullScale};
use mpu6050_dmp::address::Address;
use mpu6050_dmp::clock_source::ClockSource;
use mpu6050_dmp::config::DigitalLowPassFilter;
use mpu6050_dmp::error::Error;
use mpu6050_dmp::fifo::Fifo;
use mpu6050_dmp::gyro::{Gyro, GyroFullScale};
use mpu6050_dmp::sensor::Mpu6050 as Driver;
use thingflow_core::{SampleError, Sensor, SensorId};

use crate::{Axes, Batch, Chip, ChipError};

/// The motion sensor MPU6050 (module GY-521). A reading is a batch: what the chip collected since the last sampling, up
/// to 42 samples; more stay in the chip for the next one.
///
/// - Units: metres per second squared, ±39 (4 times gravity), in steps of 0.0012, ±3 %; degrees per second, ±500, in
///   steps of 0.015, ±3 %, and up to 20 of them when nothing turns: take the mean of a second at rest off.
/// - Address: 0x68; 0x69 with the pin AD0 high.
/// - Wiring: 2.4 V to 3.5 V; the module has a regulator and takes 5 V too, its bus stays at 3.3 V.
/// - It takes 100 samples a second unless told otherwise, behind a low-pass of 44 Hz. Sample it before 85 have come
///   together, every 0.4 s; [`Batch::has_gap`] tells when that was too late. [`Spread`](crate::Spread) gives each
///   sample its time.
/// - A sample takes 1.1 ms of a bus at 100 kHz, 0.3 ms at 400 kHz.
/// - The chip has an identification, but its many copies give others, so it is not looked at. One that lost its power
///   is set up anew by the sampling after the one that failed.
///
/// Source: data sheet PS-MPU-6000A and register map RM-MPU-6000A of InvenSense. Driver: the crate `mpu6050-dmp`.
pub struct Mpu6050<B: I2c> {
    id: SensorId,
    chip: Chip,
    divider: u8,
    ready: bool,
    driver: Driver<B>,
}

/// A sample of an [`Mpu6050`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// In metres per second squared. At rest one axis shows gravity, 9.8.
    pub acceleration: Axes,
    /// In degrees per second.
    pub rotation: Axes,
}

/// Samples in a batch: half of what the chip can hold.
const ROOM: usize = 42;
const BYTES: usize = 12;
/// What the chip holds. When it is full, the samples in it do not begin where they should.
const FULL: usize = 1024;

impl<B: I2c> Mpu6050<B> {
    /// Finds the chip at 0x68 and has it take 100 samples a second. Takes 0.2 s, since the chip is reset.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn new(id: impl Into<SensorId>, bus: B, delay: &mut impl DelayNs) -> Result<Self, ChipError<B::Error>> {
        Self::with(id, bus, delay, 0x68, 100)
    }

    /// As [`new`](Self::new), at another address or with 4 to 1000 samples a second. The chip knows the whole divisors
    /// of 1000 only; the next faster one is taken.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn with(
        id: impl Into<SensorId>,
        bus: B,
        delay: &mut impl DelayNs,
        address: u8,
        samples_a_second: u16,
    ) -> Result<Self, ChipError<B::Error>> {
        let chip = Chip::i2c("MPU6050", address);
        let divider = 1000 / samples_a_second.clamp(4, 1000) - 1;
        let divider = u8::try_from(divider).unwrap_or(u8::MAX);
        let driver = Driver::new(bus, Address(address)).map_err(|error| failed(chip, error.error))?;
        let mut sensor = Self { id: id.into(), chip, divider, ready: false, driver };
        sensor.driver.reset(delay).map_err(|error| failed(chip, error))?;
        sensor.set_up().map_err(|error| failed(chip, error))?;
        Ok(sensor)
    }

    /// The driver only ever adds bits, so this leads to the same settings from a reset chip and from one in use.
    fn set_up(&mut self) -> Result<(), Error<B>> {
        let driver = &mut self.driver;
        driver.disable_sleep()?;
        driver.set_clock_source(ClockSource::Xgyro)?;
        driver.set_digital_lowpass_filter(DigitalLowPassFilter::Filter3)?;
        driver.set_sample_rate_divider(self.divider)?;
        driver.set_accel_full_scale(AccelFullScale::G4)?;
        driver.set_gyro_full_scale(GyroFullScale::Deg500)?;
        driver.enable_fifo()?;
        driver.reset_fifo()?;
        driver.set_fifo_enabled(Fifo { accel: true, xg: true, yg: true, zg: true, ..Fifo::all_disabled() })?;
        self.ready = true;
        Ok(())
    }

    fn batch(&mut self) -> Result<Batch<Motion, ROOM>, Error<B>> {
        if !self.ready {
            self.set_up()?;
        }
        let interval = Duration::from_millis(u64::from(self.divider) + 1);
        let held = self.driver.get_fifo_count()?;
        if held + BYTES > FULL {
            self.driver.reset_fifo()?;
            return Ok(Batch::new(interval).after_gap(true));
        }
        let mut bytes = [0; ROOM * BYTES];
        let whole = (held / BYTES).min(ROOM) * BYTES;
        let read = self.driver.read_fifo(&mut bytes[..whole])?;
        let mut batch = Batch::new(interval);
        for sample in read.as_chunks::<BYTES>().0 {
            batch.push(Motion::of(*sample));
        }
        Ok(batch)
    }

    /// Whether the chip has forgotten to collect samples, which it does when it loses its power.
    fn is_asleep(&mut self) -> Result<bool, Error<B>> {
        Ok(!self.driver.get_fifo_enabled()?.accel)
    }

    fn awake_batch(&mut self) -> Result<Batch<Motion, ROOM>, ChipError<B::Error>> {
        let batch = self.batch().map_err(|error| failed(self.chip, error))?;
        if batch.samples().is_empty() && self.is_asleep().map_err(|error| failed(self.chip, error))? {
            return Err(self.chip.no_reading("it has lost its power for a while"));
        }
        Ok(batch)
    }
}

impl Motion {
    fn of([a0, a1, a2, a3, a4, a5, g0, g1, g2, g3, g4, g5]: [u8; BYTES]) -> Self {
        let accel = Accel::from_bytes([a0, a1, a2, a3, a4, a5]).scaled(AccelFullScale::G4);
        let gyro = Gyro::from_bytes([g0, g1, g2, g3, g4, g5]).scaled(GyroFullScale::Deg500);
        Self {
            acceleration: Axes { x: accel.x(), y: accel.y(), z: accel.z() }.times(Axes::GRAVITY),
            rotation: Axes { x: gyro.x(), y: gyro.y(), z: gyro.z() },
        }
    }
}

fn failed<B: I2c>(chip: Chip, error: Error<B>) -> ChipError<B::Error> {
    match error {
        Error::WriteError(error) | Error::WriteReadError(error) => chip.silent(error),
        Error::WrongDevice => chip.no_reading("another chip answers at its address"),
    }
}

impl<B: I2c<Error: Send + Sync + 'static>> Sensor for Mpu6050<B> {
    type Reading = Batch<Motion, ROOM>;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<Self::Reading, SampleError<Self::Error>> {
        let batch = self.awake_batch();
        self.ready = batch.is_ok();
        Ok(batch?)
    }
}

impl<B: I2c> fmt::Debug for Mpu6050<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mpu6050").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeChip;
    use embedded_hal_mock::eh1::delay::NoopDelay;

    const COUNT: u8 = 0x72;
    const MEMORY: u8 = 0x74;

    /// Asleep, as after power-on; the bits that begin a reset go out by themselves.
    fn chip() -> FakeChip {
        let chip = FakeChip::new(0x68).with(0x6B, &[0x40]);
        chip.queue(MEMORY, &[]);
        chip.on_write(|register, value| match register {
            0x6B => value & 0x7F,
            0x6A => value & 0x40,
            _ => value,
        })
    }
    fn hold(chip: &FakeChip, samples: &[[i16; 6]]) {
        let bytes: Vec<u8> = samples.iter().flatten().flat_map(|v| v.to_be_bytes()).collect();
        chip.queue(MEMORY, &bytes);
        let held = (chip.queued() as u16).to_be_bytes();
        chip.set(COUNT, held[0]);
        chip.set(COUNT + 1, held[1]);
    }
    const REGISTERS: [u8; 7] = [0x19, 0x1A, 0x1B, 0x1C, 0x23, 0x6A, 0x6B];
    fn settings(chip: &FakeChip) -> [u8; 7] {
        REGISTERS.map(|register| chip.get(register))
    }
    const SETTINGS: [u8; 7] = [9, 3, 0x08, 0x08, 0x78, 0x40, 0x01];

    #[test]
    fn reads_samples_in_the_units_of_the_data_sheet() {
        let chip = chip();
        let mut sensor = Mpu6050::new("arm", chip.clone(), &mut NoopDelay).unwrap();
        assert_eq!(settings(&chip), SETTINGS);
        hold(&chip, &[[0, 0, 8192, 655, -655, 0], [8192, -8192, 0, 0, 0, 6550]]);
        let batch = sensor.sample().unwrap();
        let [first, second] = batch.samples() else { panic!("{batch:?}") };
        assert_eq!(first.acceleration, Axes { x: 0.0, y: 0.0, z: Axes::GRAVITY }); // 8192 each g
        assert_eq!(first.rotation, Axes { x: 10.0, y: -10.0, z: 0.0 }); // 65.5 each degree
        assert_eq!(second.rotation.z, 100.0);
        assert_eq!((batch.interval(), chip.queued()), (Duration::from_millis(10), 0));
    }

    #[test]
    fn leaves_what_is_too_much_for_the_next_time() {
        let chip = chip();
        let mut sensor = Mpu6050::new("arm", chip.clone(), &mut NoopDelay).unwrap();
        hold(&chip, &[[1; 6]; 50]);
        assert_eq!(sensor.sample().unwrap().samples().len(), 42);
        assert_eq!(chip.queued(), 8 * BYTES);
    }

    #[test]
    fn throws_a_full_memory_away() {
        let chip = chip();
        let mut sensor = Mpu6050::new("arm", chip.clone(), &mut NoopDelay).unwrap();
        chip.set(COUNT, 4); // 1024
        let batch = sensor.sample().unwrap();
        assert_eq!((batch.samples().len(), batch.has_gap()), (0, true));
    }

    #[test]
    fn is_set_up_anew_after_a_loss_of_power() {
        let chip = chip();
        let mut sensor = Mpu6050::new("arm", chip.clone(), &mut NoopDelay).unwrap();
        REGISTERS.iter().for_each(|register| chip.set(*register, 0));
        chip.set(0x6B, 0x40);
        assert_eq!(sensor.sample().unwrap_err().to_string(), "MPU6050: it has lost its power for a while");
        assert!(sensor.sample().unwrap().samples().is_empty());
        assert_eq!(settings(&chip), SETTINGS);
        chip.unplug(true);
        assert!(sensor.sample().unwrap_err().to_string().starts_with("MPU6050 does not answer"));
    }

    #[test]
    fn takes_the_next_faster_rate() {
        for (wanted, divider) in [(1000, 0), (300, 2), (100, 9), (4, 249), (1, 249), (5000, 0)] {
            let chip = chip();
            Mpu6050::with("arm", chip.clone(), &mut NoopDelay, 0x68, wanted).unwrap();
            assert_eq!(chip.get(0x19), divider, "{wanted}");
        }
    }
}
