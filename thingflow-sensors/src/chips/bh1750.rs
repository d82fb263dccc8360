//! [`Bh1750`]: the light sensor BH1750 (module GY-30, GY-302), on an I2C bus.
//!
//! The driver `bh1750` begins a measurement and reads it. It has no call that tells darkness from a chip that is off,
//! so that is looked at here.

use core::fmt;
use core::time::Duration;

use ::bh1750::{BH1750, BH1750Error, Resolution as Steps};
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, SensorId};

use crate::driver::{Device, DirectDevice, sensor};
use crate::{Chip, ChipError, Measures, OutOfRange, Quantity};

/// The light sensor BH1750.
///
/// - Unit: lux, 0 to 54,612, in steps of 0.83 (half of that with [`Resolution::High2`], up to 27,306). ±20 %.
/// - Address: 0x23; 0x5C with the pin ADDR high.
/// - Wiring: 2.4 V to 3.6 V; the blue modules have a regulator and take 5 V too, but then pull the bus up to 5 V, which
///   a Raspberry Pi does not survive.
/// - It measures on its own, every 120 ms (16 ms with [`Resolution::Low`]). Sampled faster, it repeats the last
///   reading. Sampling takes one transfer of 2 bytes.
/// - What shows the greatest value that the chip can show is too bright for it, or the data line is stuck: no reading.
/// - The first sampling switches it on, sets its measuring time and has it measure; the first reading comes a measurement later ([`SampleError::NotYet`]). So it is
///   after a failure. A chip that lost its power and was back before the next sampling only shows darkness: so after
///   ten readings of 0 it is told to measure again.
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::bh1750::{Bh1750, Resolution};
/// fn watch<B: I2c<Error: Send + Sync> + 'static>(bus: B) {
///     let lux = SensorOutput::new(Bh1750::new("desk", bus).address(0x5C).resolution(Resolution::High2));
///     lux.map(|e| e.val < 300.0).connect(call(|dim| println!("too dim to read: {dim}")));
/// }
/// ```
///
/// Source: data sheet of ROHM, 2011.11 rev. D. Driver: the crate `bh1750`.
pub struct Bh1750<B> {
    id: SensorId,
    chip: Chip,
    bus: B,
    resolution: Resolution,
    measuring: bool,
    /// How many readings in a row were 0.
    dark: u8,
}

/// How finely it measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolution {
    /// Steps of 0.83 lux, every 120 ms.
    #[default]
    High,
    /// Steps of 0.42 lux, every 120 ms.
    High2,
    /// Steps of 0.83 lux, of which the last digits say nothing (4 lux), every 16 ms.
    Low,
}

/// The measuring time after power-on, by which the driver computes.
const USUAL_TIME: u8 = 69;
/// So many readings of 0 may mean that the chip is off.
const DARK: u8 = 10;

impl Resolution {
    const fn of_driver(self) -> Steps {
        match self {
            Self::High => Steps::High,
            Self::High2 => Steps::High2,
            Self::Low => Steps::Low,
        }
    }

    /// The most light that can be told from more.
    const fn most(self) -> f64 {
        match self {
            Self::High | Self::Low => 54_612.5,
            Self::High2 => 27_306.3,
        }
    }

    /// At most, by the electrical characteristics.
    const fn takes(self) -> Duration {
        match self {
            Self::High | Self::High2 => Duration::from_millis(180),
            Self::Low => Duration::from_millis(24),
        }
    }
}

/// The driver waits for single measurements only, which are not asked of it here.
struct Never;

impl DelayNs for Never {
    fn delay_ns(&mut self, _: u32) {}
}

impl<B: I2c> Bh1750<B> {
    /// The chip at 0x23, with steps of 0.83 lux.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        let chip = Chip::i2c("BH1750", 0x23);
        Self { id: id.into(), chip, bus, resolution: Resolution::default(), measuring: false, dark: 0 }
    }

    /// Another address: 0x5C with the pin ADDR high.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        Self { chip: self.chip.at(address, &[0x23, 0x5C]), ..self }
    }

    /// Another resolution.
    #[must_use]
    pub fn resolution(self, resolution: Resolution) -> Self {
        Self { resolution, ..self }
    }

    /// The last measurement, if there is one.
    fn lux(&mut self) -> Result<Option<f32>, BH1750Error<B::Error>> {
        let steps = self.resolution.of_driver();
        // It holds no state, so it is made anew each time and only borrows the bus.
        let mut driver = BH1750::new_custom_address(&mut self.bus, Never, self.chip.address());
        if !self.measuring {
            driver.power_on()?;
            driver.set_measurement_time_register(USUAL_TIME)?;
            driver.start_continuous_measurement(steps)?;
            (self.dark, self.measuring) = (0, true);
            return Ok(None);
        }
        let lux = driver.get_current_measurement(steps)?;
        self.dark = if lux > 0.0 { 0 } else { self.dark + 1 };
        self.measuring = self.dark < DARK;
        Ok(Some(lux))
    }
}

impl<B> Measures for Bh1750<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [Quantity::new("illuminance", "lx", 0.0..=self.resolution.most())]
    }
}

impl<B: I2c> Device for Bh1750<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.chip.impossible(value)
    }
    fn forget(&mut self) {
        self.measuring = false;
    }
}

impl<B: I2c> DirectDevice for Bh1750<B> {
    fn measure(&mut self) -> Result<f64, SampleError<Self::Error>> {
        let chip = self.chip;
        let lux = self.lux().map_err(|error| match error {
            BH1750Error::I2C(error) => chip.silent(error),
            BH1750Error::MeasurementTimeOutOfRange => chip.no_reading("it cannot measure for so long"),
        })?;
        let lux = f64::from(lux.ok_or(SampleError::NotYet(self.resolution.takes()))?);
        if lux > self.resolution.most() - 1.0 {
            return Err(chip.no_reading("too bright for it, or its data line is stuck; check its wires").into());
        }
        Ok(lux)
    }
}

sensor!([B: I2c<Error: Send + Sync + 'static>] Bh1750<B> => f64, ChipError<B::Error>);

impl<B> fmt::Debug for Bh1750<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bh1750").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::fake::{FakeWords, Nobody};
    use crate::chips::specimen::{self, Specimen};
    use thingflow_core::Sensor;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "BH1750",
            fed: |noise| specimen::direct(Bh1750::new("x", FakeWords(noise))),
            nobody: Some(("23", || specimen::error(Bh1750::new("x", Nobody).sample()))),
            registers: None, // it is told by commands: see f33
        }
    }

    const NOT_YET: Result<f64, SampleError<ChipError<ErrorKind>>> =
        Err(SampleError::NotYet(Duration::from_millis(180)));

    /// On, the usual measuring time, measure.
    fn start() -> Vec<Transaction> {
        [0x01, 0x42, 0x65, 0x10].map(|command| Transaction::write(0x23, vec![command])).into()
    }
    fn light(counts: u16) -> Transaction {
        Transaction::read(0x23, counts.to_be_bytes().to_vec())
    }

    #[test]
    fn reads_the_example_of_the_data_sheet() {
        let mut bus = Mock::new(&[start(), vec![light(0b1000_0011_1001_0000)]].concat());
        let mut sensor = Bh1750::new("lux", bus.clone());
        assert_eq!(sensor.sample(), NOT_YET);
        let lux = sensor.sample().unwrap();
        assert!((lux - 28_067.0).abs() < 1.0, "{lux}"); // page 7: 28067 lx
        bus.done();
    }

    #[test]
    fn half_a_lux_at_the_other_address() {
        let mut talk = [0x01, 0x42, 0x65, 0x11].map(|command| Transaction::write(0x5C, vec![command])).to_vec();
        talk.push(Transaction::read(0x5C, vec![0, 3]));
        let mut bus = Mock::new(&talk);
        let mut sensor = Bh1750::new("lux", bus.clone()).address(0x5C).resolution(Resolution::High2);
        assert_eq!(sensor.sample(), NOT_YET);
        assert_eq!(sensor.sample(), Ok(1.25));
        bus.done();
    }

    #[test]
    fn f20_the_greatest_value_is_no_reading() {
        let mut bus = Mock::new(&[start(), vec![light(0xFFFF)]].concat());
        let mut sensor = Bh1750::new("lux", bus.clone());
        assert_eq!(sensor.sample(), NOT_YET);
        let error = sensor.sample().unwrap_err().to_string();
        assert_eq!(error, "BH1750: too bright for it, or its data line is stuck; check its wires");
        bus.done();
    }

    /// A chip whose measuring time another program has doubled. It counts the light times that.
    struct Doubled {
        time: u8,
        light: u16,
    }

    impl embedded_hal::i2c::ErrorType for Doubled {
        type Error = ErrorKind;
    }
    impl I2c for Doubled {
        fn transaction(&mut self, _: u8, all: &mut [embedded_hal::i2c::Operation<'_>]) -> Result<(), ErrorKind> {
            use embedded_hal::i2c::Operation::{Read, Write};
            for operation in all {
                match operation {
                    Write([high]) if high >> 3 == 0b01000 => self.time = self.time & 0x1F | high << 5,
                    Write([low]) if low >> 5 == 0b011 => self.time = self.time & 0xE0 | low & 0x1F,
                    Write(_) => {}
                    Read(answer) => {
                        let counts = u32::from(self.light) * u32::from(self.time) / 69;
                        answer.copy_from_slice(&counts.to_be_bytes()[2..]);
                    }
                }
            }
            Ok(())
        }
    }

    #[test]
    fn f33_the_measuring_time_of_another_program_does_not_count() {
        let mut sensor = Bh1750::new("lux", Doubled { time: 138, light: 1200 });
        assert_eq!(sensor.sample(), NOT_YET);
        let lux = sensor.sample().unwrap();
        assert!((lux - 1000.0).abs() < 0.01, "{lux}");
    }

    #[test]
    fn shows_no_darkness_that_is_none_after_a_failure() {
        let lost = light(0).with_error(ErrorKind::Other);
        let mut bus = Mock::new(&[start(), vec![lost], start(), vec![light(12)]].concat());
        let mut sensor = Bh1750::new("lux", bus.clone());
        assert_eq!(sensor.sample(), NOT_YET);
        assert!(sensor.sample().unwrap_err().to_string().starts_with("BH1750 does not answer: Other; check"));
        assert_eq!(sensor.sample(), NOT_YET);
        assert_eq!(sensor.sample(), Ok(10.0));
        bus.done();
    }

    #[test]
    fn is_told_to_measure_again_after_a_long_darkness() {
        let mut talk = start();
        talk.extend((0..10).map(|_| light(0)));
        talk.extend([start(), vec![light(12)]].concat());
        let mut bus = Mock::new(&talk);
        let mut sensor = Bh1750::new("lux", bus.clone());
        assert_eq!(sensor.sample(), NOT_YET);
        (0..10).for_each(|_| assert_eq!(sensor.sample(), Ok(0.0)));
        assert_eq!(sensor.sample(), NOT_YET);
        assert_eq!(sensor.sample(), Ok(10.0));
        bus.done();
    }
}
