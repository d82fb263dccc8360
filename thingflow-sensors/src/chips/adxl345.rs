//! [`Adxl345`]: acceleration from the ADXL345, in batches, on an I2C bus.
//!
//! Own code by the data sheet, not the driver `adxl345_driver2` 2.0. Its constructor writes 20 registers before it can
//! be asked who is there; `AdxlError::I2c()`, its answer to each failed transfer, hides what the bus said; and a build
//! without `std` needs its feature `no_std`, by which `AdxlError` ceases to be an `Error` for everybody else in the
//! program. It does not give the bus back, not even when it fails, so it could only borrow it for six writes of
//! settings.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, SensorId};

use super::registers::Registers;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Axes, Batch, Chip, ChipError, Measures, OutOfRange, Quantity};

/// The accelerometer ADXL345. A reading is a batch: what the chip collected since the last sampling, up to 33 samples.
///
/// - Unit: metres per second squared, ±156.9 (16 times gravity), in steps of 0.038, ±10 %. At rest one axis shows 9.8.
/// - Address: 0x53; 0x1D with the pin ALT ADDRESS high.
/// - Wiring: 2 V to 3.6 V, not 5 V. The pin CS must be high for I2C.
/// - Sample it before 32 samples have come together, every 0.3 s at 100 Hz; [`Batch::has_gap`] tells when that
///   was too late. [`Spread`](crate::Spread) gives each sample its time.
/// - A sample takes 0.8 ms of a bus at 100 kHz, 0.2 ms at 400 kHz: faster than 200 Hz needs the latter.
/// - The first sampling looks for the chip and has it collect samples: its batch is empty. So it is after a failure, and
///   a loss of power is one.
/// - On a bus that repeats disturbed transfers ([`Guarded::retries`](crate::bus::Guarded::retries)) a repeated read may
///   cost the sample that it was for.
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::adxl345::{Adxl345, Rate};
/// use thingflow_sensors::{Axes, Spread};
/// fn watch<B: I2c<Error: Send + Sync> + 'static>(bus: B) {
///     let shocks = SensorOutput::new(Adxl345::new("door", bus).rate(Rate::Hz50));
///     let hard = (2.0 * Axes::GRAVITY).powi(2);
///     let hit = shocks.pipe(Spread::new()).filter(move |e: &SensorEvent<Axes>| e.val.length_squared() > hard);
///     hit.connect(call(|e: SensorEvent<Axes>| println!("hit at {}", e.ts)));
/// }
/// ```
///
/// Source: data sheet of Analog Devices, rev. G.
pub struct Adxl345<B> {
    id: SensorId,
    chip: Registers<B>,
    rate: Rate,
    ready: bool,
    /// Samples have been lost since the last batch.
    gap: bool,
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

const DEVID: u8 = 0x00;
/// The offsets of the three axes, one after the other, which another program may have left.
const OFSX: u8 = 0x1E;
const BW_RATE: u8 = 0x2C;
const POWER_CTL: u8 = 0x2D;
const INT_SOURCE: u8 = 0x30;
const DATA_FORMAT: u8 = 0x31;
const DATAX0: u8 = 0x32;
const FIFO_CTL: u8 = 0x38;
const FIFO_STATUS: u8 = 0x39;

const ADXL345: u8 = 0xE5;
const STANDBY: u8 = 0;
const MEASURE: u8 = 0b0000_1000;
/// Full resolution, ±16 g.
const FORMAT: u8 = 0b0000_1011;
/// The memory is empty.
const BYPASS: u8 = 0;
/// The memory keeps the newest samples.
const STREAM: u8 = 0b1000_0000;
const OVERRUN: u8 = 0b1;
const ENTRIES: u8 = 0b0011_1111;
const EACH: f32 = Axes::GRAVITY / 256.0;
/// 16 times gravity.
const ACCELERATION: Quantity = Quantity::new("acceleration", "m/s²", -156.91..=156.91);

impl<B: I2c> Adxl345<B> {
    /// The chip at 0x53, with 100 samples a second.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        let chip = Registers::new(Chip::i2c("ADXL345", 0x53), bus);
        Self { id: id.into(), chip, rate: Rate::Hz100, ready: false, gap: false }
    }

    /// Another address: 0x1D with the pin ALT ADDRESS high.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        Self { chip: self.chip.at(address, &[0x53, 0x1D]), ..self }
    }

    /// Another rate.
    #[must_use]
    pub fn rate(self, rate: Rate) -> Self {
        Self { rate, ..self }
    }

    fn set_up(&mut self) -> Result<(), ChipError<B::Error>> {
        self.chip.identify(DEVID, ADXL345)?;
        let rate = self.rate.code_and_interval().0;
        let settings = [(BW_RATE, rate), (DATA_FORMAT, FORMAT), (FIFO_CTL, BYPASS), (FIFO_CTL, STREAM)];
        self.chip.write(&[POWER_CTL, STANDBY])?;
        self.chip.write(&[OFSX, 0, 0, 0])?;
        for (register, value) in settings {
            self.chip.write(&[register, value])?;
        }
        self.chip.write(&[POWER_CTL, MEASURE])
    }

    fn batch(&mut self) -> Result<Batch<Axes, ROOM>, ChipError<B::Error>> {
        let mut batch = Batch::new(self.rate.code_and_interval().1);
        if !self.ready {
            self.set_up()?;
            self.ready = true;
            return Ok(batch);
        }
        let [source] = self.chip.read(INT_SOURCE)?;
        self.gap |= source & OVERRUN != 0;
        let [status] = self.chip.read(FIFO_STATUS)?;
        let entries = status & ENTRIES;
        if usize::from(entries) > ROOM {
            return Err(self.chip.chip.no_reading("it says that it holds more than it can; check its wires"));
        }
        for _ in 0..entries {
            let [x0, x1, y0, y1, z0, z1] = self.chip.read(DATAX0)?;
            let [x, y, z] = [[x0, x1], [y0, y1], [z0, z1]].map(|bytes| f32::from(i16::from_le_bytes(bytes)));
            batch.push(Axes { x, y, z }.times(EACH));
        }
        if batch.samples().is_empty() {
            self.check_power()?;
            return Ok(batch);
        }
        Ok(batch.after_gap(core::mem::take(&mut self.gap)))
    }

    /// A chip that loses its power forgets to measure.
    fn check_power(&mut self) -> Result<(), ChipError<B::Error>> {
        let [power] = self.chip.read(POWER_CTL)?;
        if power & MEASURE != 0 { Ok(()) } else { Err(self.chip.chip.no_reading("it has lost its power for a while")) }
    }
}

impl<B> Measures for Adxl345<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [ACCELERATION]
    }
}

impl<B: I2c> Device for Adxl345<B> {
    type Reading = Batch<Axes, ROOM>;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.chip.chip.impossible(value)
    }
    fn forget(&mut self) {
        (self.ready, self.gap) = (false, true);
    }
}

impl<B: I2c> DirectDevice for Adxl345<B> {
    fn measure(&mut self) -> Result<Self::Reading, SampleError<Self::Error>> {
        Ok(self.batch()?)
    }
}

sensor!([B: I2c<Error: Send + Sync + 'static>] Adxl345<B> => Batch<Axes, ROOM>, ChipError<B::Error>);

impl<B> fmt::Debug for Adxl345<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adxl345").field("id", &self.id).field("rate", &self.rate).finish_non_exhaustive()
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
            name: "ADXL345",
            fed: |noise| specimen::direct(Adxl345::new("x", FakeChip::new(0x53).with(DEVID, &[ADXL345]).with(FIFO_STATUS, &[5]).noisy(noise))),
            nobody: Some(("53", || specimen::error(Adxl345::new("x", Nobody).sample()))),
            registers: Some(Settings {
                chip: || FakeChip::new(0x53).with(DEVID, &[ADXL345]),
                sensor: |chip| {
                    let mut sensor = Adxl345::new("x", chip);
                    Box::new(move || sensor.sample().is_ok())
                },
                samplings: 1,
                // The offsets, then the rate, the power, the format and the memory.
                expected: &[(0x1E, 0), (0x1F, 0), (0x20, 0), (0x2C, 0x0A), (0x2D, 0x08), (0x31, 0x0B), (0x38, 0x80)],
            }),
        }
    }

    /// Stands on its edge: the signs and the order of the bytes.
    fn chip() -> FakeChip {
        let chip = FakeChip::new(0x53).with(DEVID, &[ADXL345]);
        [256_i16, -128, 0].iter().zip([0x32, 0x34, 0x36]).for_each(|(v, at)| {
            v.to_le_bytes().iter().zip(at..).for_each(|(byte, at)| chip.set(at, *byte));
        });
        chip
    }
    /// One that collects samples already.
    fn running(chip: &FakeChip) -> Adxl345<FakeChip> {
        let mut sensor = Adxl345::new("door", chip.clone());
        assert!(sensor.sample().unwrap().samples().is_empty());
        sensor
    }
    const SETTINGS: [u8; 4] = [BW_RATE, DATA_FORMAT, FIFO_CTL, POWER_CTL];

    #[test]
    fn is_set_up_as_documented_at_the_first_sampling() {
        let chip = chip();
        let mut sensor = Adxl345::new("door", chip.clone()).rate(Rate::Hz400);
        assert_eq!(SETTINGS.map(|register| chip.get(register)), [0; 4]);
        let batch = sensor.sample().unwrap();
        assert_eq!((batch.samples().len(), batch.has_gap()), (0, false));
        assert_eq!(SETTINGS.map(|register| chip.get(register)), [0x0C, 0x0B, 0x80, 0x08]);
    }

    #[test]
    fn reads_what_has_come_together() {
        let chip = chip();
        let mut sensor = running(&chip);
        chip.set(FIFO_STATUS, 3);
        let batch = sensor.sample().unwrap();
        let expected = Axes { x: 1.0, y: -0.5, z: 0.0 }.times(Axes::GRAVITY); // 256 steps each g, table 1
        assert_eq!(batch.samples(), [expected; 3]);
        assert_eq!((batch.interval(), batch.has_gap()), (Duration::from_millis(10), false));
    }

    #[test]
    fn tells_when_it_was_read_too_late() {
        let chip = chip();
        let mut sensor = running(&chip);
        chip.set(FIFO_STATUS, 33);
        chip.set(INT_SOURCE, 0x83);
        let batch = sensor.sample().unwrap();
        assert_eq!((batch.samples().len(), batch.has_gap()), (33, true));
    }

    #[test]
    fn f20_more_samples_than_it_can_hold_are_none() {
        let chip = chip();
        let mut sensor = running(&chip);
        [INT_SOURCE, FIFO_STATUS].iter().chain(&[0x32, 0x33, 0x34, 0x35, 0x36, 0x37]).for_each(|at| chip.set(*at, 0xFF));
        let error = sensor.sample().unwrap_err().to_string();
        assert_eq!(error, "ADXL345: it says that it holds more than it can; check its wires");
    }

    #[test]
    fn samples_that_a_failure_took_are_a_gap() {
        let chip = chip();
        let mut sensor = running(&chip);
        chip.set(FIFO_STATUS, 3);
        sensor.sample().unwrap();
        chip.unplug(true);
        assert!(sensor.sample().is_err());
        chip.unplug(false);
        let gaps = [0, 1, 1].map(|samples| {
            chip.set(FIFO_STATUS, samples);
            sensor.sample().unwrap().has_gap()
        });
        // The first one sets it up anew.
        assert_eq!(gaps, [false, true, false]);
    }

    #[test]
    fn a_failure_in_the_middle_of_a_batch_is_a_gap() {
        let read = |register, bytes: &[u8]| Transaction::write_read(0x53, vec![register], bytes.to_vec());
        let set = |register, value| Transaction::write(0x53, vec![register, value]);
        let mut start = vec![read(DEVID, &[ADXL345]), set(POWER_CTL, 0)];
        start.push(Transaction::write(0x53, vec![OFSX, 0, 0, 0]));
        start.extend([set(BW_RATE, 0x0A), set(DATA_FORMAT, 0x0B)]);
        start.extend([set(FIFO_CTL, 0), set(FIFO_CTL, 0x80), set(POWER_CTL, 8)]);
        let mut talk = start.clone();
        talk.extend([read(INT_SOURCE, &[0x83]), read(FIFO_STATUS, &[2]), read(DATAX0, &[0; 6])]);
        talk.push(read(DATAX0, &[0; 6]).with_error(ErrorKind::Other));
        talk.extend(start);
        talk.extend([read(INT_SOURCE, &[0x80]), read(FIFO_STATUS, &[1]), read(DATAX0, &[0; 6])]);
        let mut bus = Mock::new(&talk);
        let mut sensor = Adxl345::new("door", bus.clone());
        let mut sample = || sensor.sample().map(|batch| (batch.samples().len(), batch.has_gap())).ok();
        assert_eq!(
            [sample(), sample(), sample(), sample()],
            [Some((0, false)), None, Some((0, false)), Some((1, true))]
        );
        bus.done();
    }

    #[test]
    fn is_set_up_anew_after_a_loss_of_power() {
        let chip = chip();
        let mut sensor = running(&chip);
        assert!(sensor.sample().unwrap().samples().is_empty());
        SETTINGS.iter().for_each(|register| chip.set(*register, 0));
        let error = sensor.sample().unwrap_err().to_string();
        assert_eq!(error, "ADXL345: it has lost its power for a while");
        sensor.sample().unwrap();
        assert_eq!(SETTINGS.map(|register| chip.get(register)), [0x0A, 0x0B, 0x80, 0x08]);
    }

    #[test]
    fn another_chip_and_none_are_errors() {
        let error = Adxl345::new("door", chip().with(DEVID, &[0x00])).sample().unwrap_err().to_string();
        assert_eq!(error, "no ADXL345: another chip answers, with the id 0x00 instead of 0xe5");
        let error = Adxl345::new("door", chip()).address(0x1D).sample().unwrap_err().to_string();
        assert!(error.starts_with("ADXL345 does not answer: NoAcknowledge"), "{error}");
    }
}
