//! [`Adxl345`]: acceleration from the ADXL345, in batches, on an I2C bus.

use core::fmt;
use core::time::Duration;

use adxl345_driver2::i2c::Device;
use adxl345_driver2::{Adxl345Reader, Adxl345Writer, AdxlError, IntSource};
use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, Sensor, SensorId};

use crate::{Axes, Batch, Chip, ChipError};

/// The accelerometer ADXL345. A reading is a batch: what the chip collected since the last sampling, up to 33 samples.
///
/// - Unit: metres per second squared, ±157 (16 times gravity), in steps of 0.038, ±10 %. At rest one axis shows 9.8.
/// - Address: 0x53; 0x1D with the pin ALT ADDRESS high.
/// - Wiring: 2 V to 3.6 V, not 5 V. The pin CS must be high for I2C.
/// - Sample it before 32 samples have come together, every 0.3 s at 100 Hz; [`Batch::has_gap`] tells when that
///   was too late. [`Spread`](crate::Spread) gives each sample its time.
/// - A sample takes 0.8 ms of a bus at 100 kHz, 0.2 ms at 400 kHz: faster than 200 Hz needs the latter.
/// - A chip that lost its power is set up anew by the sampling after the one that failed.
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::{Axes, Spread, adxl345::Adxl345};
/// fn watch<B: I2c<Error: Send + Sync> + 'static>(bus: B) -> Result<(), Box<dyn std::error::Error>> {
///     let shocks = SensorOutput::new(Adxl345::new("door", bus)?);
///     let hard = (2.0 * Axes::GRAVITY).powi(2);
///     let hit = shocks.pipe(Spread::new()).filter(move |e: &SensorEvent<Axes>| e.val.length_squared() > hard);
///     hit.connect(call(|e: SensorEvent<Axes>| println!("hit at {}", e.ts)));
///     Ok(())
/// }
/// ```
///
/// Source: data sheet of Analog Devices, rev. G. Driver: the crate `adxl345_driver2`, which does not tell what the bus
/// said.
pub struct Adxl345<B> {
    id: SensorId,
    chip: Chip,
    rate: Rate,
    ready: bool,
    driver: Device<B>,
}

/// How often the chip takes a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rate {
    /// Every 80 ms.
    Hz12_5,
    /// Every 40 ms.
    Hz25,
    /// Every 20 ms.
    Hz50,
    /// Every 10 ms.
    Hz100,
    /// Every 5 ms.
    Hz200,
    /// Every 2.5 ms.
    Hz400,
    /// Every 1.25 ms: the fastest that a bus of 400 kHz can follow.
    Hz800,
}

impl Rate {
    /// The code of table 7, and the time from sample to sample.
    const fn code_and_interval(self) -> (u8, Duration) {
        let (code, micros) = match self {
            Self::Hz12_5 => (0b0111, 80_000),
            Self::Hz25 => (0b1000, 40_000),
            Self::Hz50 => (0b1001, 20_000),
            Self::Hz100 => (0b1010, 10_000),
            Self::Hz200 => (0b1011, 5_000),
            Self::Hz400 => (0b1100, 2_500),
            Self::Hz800 => (0b1101, 1_250),
        };
        (code, Duration::from_micros(micros))
    }
}

/// 32 in the memory, one at the output.
const ROOM: usize = 33;
const DEVICE: u8 = 0xE5;
/// Full resolution, ±16 g.
const FORMAT: u8 = 0b0000_1011;
/// The memory keeps the newest samples.
const STREAM: u8 = 0b1000_0000;
const MEASURE: u8 = 0b0000_1000;
const EACH: f32 = Axes::GRAVITY / 256.0;

impl<B: I2c> Adxl345<B> {
    /// Finds the chip at 0x53 and has it take 100 samples a second.
    ///
    /// # Errors
    /// If nobody answers, or another chip.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Result<Self, ChipError<AdxlError>> {
        Self::with(id, bus, 0x53, Rate::Hz100)
    }

    /// As [`new`](Self::new), at another address or another rate.
    ///
    /// # Errors
    /// If nobody answers, or another chip.
    pub fn with(id: impl Into<SensorId>, bus: B, address: u8, rate: Rate) -> Result<Self, ChipError<AdxlError>> {
        let chip = Chip::i2c("ADXL345", address);
        let driver = Device::with_address(bus, address).map_err(|error| chip.silent(error))?;
        let mut sensor = Self { id: id.into(), chip, rate, ready: false, driver };
        let found = sensor.driver.device_id().map_err(|error| chip.silent(error))?;
        if found != DEVICE {
            return Err(chip.stranger(found.into(), DEVICE.into()));
        }
        sensor.set_up().map_err(|error| chip.silent(error))?;
        Ok(sensor)
    }

    fn set_up(&mut self) -> Result<(), AdxlError> {
        self.driver.init()?;
        self.driver.set_bandwidth_rate(self.rate.code_and_interval().0)?;
        self.driver.set_data_format(FORMAT)?;
        self.driver.set_fifo_control(STREAM)?;
        self.driver.set_power_control(MEASURE)?;
        self.ready = true;
        Ok(())
    }

    fn batch(&mut self) -> Result<Batch<Axes, ROOM>, AdxlError> {
        if !self.ready {
            self.set_up()?;
        }
        let gap = self.driver.interrupt_source()?.contains(IntSource::OVERRUN);
        let mut batch = Batch::new(self.rate.code_and_interval().1).after_gap(gap);
        for _ in 0..self.driver.fifo_status()?.entries().min(ROOM as u8) {
            let (x, y, z) = self.driver.acceleration()?;
            batch.push(Axes { x: x.into(), y: y.into(), z: z.into() }.times(EACH));
        }
        Ok(batch)
    }

    /// Whether the chip has forgotten to measure, which it does when it loses its power.
    fn is_asleep(&mut self) -> Result<bool, AdxlError> {
        Ok(!self.driver.power_control()?.measure())
    }

    fn awake_batch(&mut self) -> Result<Batch<Axes, ROOM>, ChipError<AdxlError>> {
        let batch = self.batch().map_err(|error| self.chip.silent(error))?;
        if batch.samples().is_empty() && self.is_asleep().map_err(|error| self.chip.silent(error))? {
            return Err(self.chip.no_reading("it has lost its power for a while"));
        }
        Ok(batch)
    }
}

impl<B: I2c> Sensor for Adxl345<B> {
    type Reading = Batch<Axes, ROOM>;
    type Error = ChipError<AdxlError>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<Self::Reading, SampleError<Self::Error>> {
        let batch = self.awake_batch();
        self.ready = batch.is_ok();
        Ok(batch?)
    }
}

impl<B> fmt::Debug for Adxl345<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adxl345").field("id", &self.id).field("rate", &self.rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeChip;

    /// Stands on its edge: the signs and the order of the bytes.
    fn chip() -> FakeChip {
        let chip = FakeChip::new(0x53).with(0x00, &[DEVICE]);
        [256_i16, -128, 0].iter().zip([0x32, 0x34, 0x36]).for_each(|(v, at)| {
            v.to_le_bytes().iter().zip(at..).for_each(|(byte, at)| chip.set(at, *byte));
        });
        chip
    }

    #[test]
    fn is_set_up_as_documented() {
        let chip = chip();
        Adxl345::with("door", chip.clone(), 0x53, Rate::Hz400).unwrap();
        assert_eq!([0x2C, 0x31, 0x38, 0x2D].map(|register| chip.get(register)), [0x0C, 0x0B, 0x80, 0x08]);
    }

    #[test]
    fn reads_what_has_come_together() {
        let chip = chip().with(0x39, &[3]);
        let batch = Adxl345::new("door", chip).unwrap().sample().unwrap();
        let expected = Axes { x: 1.0, y: -0.5, z: 0.0 }.times(Axes::GRAVITY); // 256 steps each g, table 1
        assert_eq!(batch.samples(), [expected; 3]);
        assert_eq!((batch.interval(), batch.has_gap()), (Duration::from_millis(10), false));
    }

    #[test]
    fn tells_when_it_was_read_too_late() {
        let chip = chip().with(0x39, &[33]).with(0x30, &[0x83]);
        let batch = Adxl345::new("door", chip).unwrap().sample().unwrap();
        assert_eq!((batch.samples().len(), batch.has_gap()), (33, true));
    }

    #[test]
    fn is_set_up_anew_after_a_loss_of_power() {
        let chip = chip();
        let mut sensor = Adxl345::new("door", chip.clone()).unwrap();
        assert!(sensor.sample().unwrap().samples().is_empty());
        [0x2C, 0x31, 0x38, 0x2D].iter().for_each(|register| chip.set(*register, 0));
        let error = sensor.sample().unwrap_err().to_string();
        assert_eq!(error, "ADXL345: it has lost its power for a while");
        sensor.sample().unwrap();
        assert_eq!([0x2C, 0x31, 0x38, 0x2D].map(|register| chip.get(register)), [0x0A, 0x0B, 0x80, 0x08]);
    }

    #[test]
    fn another_chip_and_none_are_errors() {
        let error = Adxl345::new("door", chip().with(0x00, &[0x00])).unwrap_err().to_string();
        assert_eq!(error, "no ADXL345: another chip answers, with the id 0x00 instead of 0xe5");
        let chip = chip();
        chip.unplug(true);
        assert!(Adxl345::new("door", chip).unwrap_err().to_string().starts_with("ADXL345 does not answer"));
    }
}
