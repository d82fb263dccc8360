//! [`Ads1115`]: four analogue inputs with 16 bits, on an I2C bus.
//!
//! Own code by the data sheet, not the driver `ads1x1x` 0.3, whose `read` does not look at what the chip says that it
//! has measured. So a chip that lost its power meanwhile reads 0 V, and after a failed transfer the next `read` of the
//! same input gives the value from before the failure. `set_full_scale_range` starts a measurement of AIN0 and AIN1,
//! for which the first `read` waits. A bus in between could notice all that, but would be longer than the two
//! transfers here.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::SensorId;

use super::registers::Registers;
use crate::driver::{Device, SlowDevice, conversion};
use crate::{Chip, ChipError, Measures, OutOfRange, Progress, Quantity};

/// The analogue-digital converter ADS1115. A reading is the voltage of each of the inputs you name, in that order.
///
/// - Unit: volts, with the usual range ±2.048 in steps of 62.5 µV; from ±0.256 to ±6.144. ±3 steps and 0.15 %. What is
///   beyond the range reads as its end.
/// - Address: 0x48 to 0x4B, by what the pin ADDR is connected to.
/// - Wiring: 2 V to 5.5 V; no input may exceed the supply by 0.3 V, whatever the range, or the chip is damaged. Pull
///   the bus up to the voltage of the board.
/// - An input takes 9 ms, since the chip has one converter for all. So it is a [`Conversion`](crate::Conversion): use it with
///   [`Converting`](crate::Converting) or [`Blocking`](crate::Blocking). Inputs of one chip belong in one sensor.
/// - Each measurement tells the chip all its settings; one that lost its power meanwhile is a failure.
///
/// ```
/// use core::time::Duration;
/// use embedded_hal::i2c::I2c;
/// use thingflow_core::{ScheduleError, prelude::*};
/// use thingflow_sensors::Converting;
/// use thingflow_sensors::ads1115::{Ads1115, Input, Range};
/// fn watch<B: I2c<Error: Send + Sync> + 'static>(scheduler: &Scheduler, bus: B) -> Result<(), ScheduleError> {
///     let soil = Ads1115::new("soil", bus, [Input::A0, Input::A1]).address(0x49).range(Range::V4_096);
///     let (soil, volts) = Converting::output(soil);
///     volts.map(|e| e.val).connect(call(|[bed, pot]: [f64; 2]| println!("bed {bed} V, pot {pot} V")));
///     scheduler.schedule_periodic(soil, Duration::from_secs(60))?;
///     Ok(())
/// }
/// ```
///
/// For what a voltage means see [`Calibration`](crate::Calibration). Source: data sheet of Texas Instruments, SBAS444.
pub struct Ads1115<B, const N: usize> {
    id: SensorId,
    chip: Registers<B>,
    inputs: [Input; N],
    range: Range,
    volts: [f64; N],
    at: usize,
}

/// An input, or the difference of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// AIN0 against ground.
    A0,
    /// AIN1 against ground.
    A1,
    /// AIN2 against ground.
    A2,
    /// AIN3 against ground.
    A3,
    /// AIN0 against AIN1.
    A0MinusA1,
    /// AIN0 against AIN3.
    A0MinusA3,
    /// AIN1 against AIN3.
    A1MinusA3,
    /// AIN2 against AIN3.
    A2MinusA3,
}

/// The voltages that can be measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// ±6.144 V, in steps of 187.5 µV.
    V6_144,
    /// ±4.096 V, in steps of 125 µV.
    V4_096,
    /// ±2.048 V, in steps of 62.5 µV.
    #[default]
    V2_048,
    /// ±1.024 V, in steps of 31.25 µV.
    V1_024,
    /// ±0.512 V, in steps of 15.6 µV.
    V0_512,
    /// ±0.256 V, in steps of 7.8 µV.
    V0_256,
}

const VALUE: u8 = 0;
const CONFIGURATION: u8 = 1;
/// Written: measure. Read: nothing is being measured.
const START_OR_DONE: u16 = 0x8000;
/// One measurement, 128 in a second, no comparator.
const ONCE: u16 = 0x0183;
/// One of 128 in a second, and a tenth for the chip's own clock.
const TAKES: Duration = Duration::from_micros(8_600);

impl Input {
    /// The bits MUX; table 8.
    const fn code(self) -> u16 {
        match self {
            Self::A0MinusA1 => 0,
            Self::A0MinusA3 => 1,
            Self::A1MinusA3 => 2,
            Self::A2MinusA3 => 3,
            Self::A0 => 4,
            Self::A1 => 5,
            Self::A2 => 6,
            Self::A3 => 7,
        }
    }
}

impl Range {
    /// The bits PGA, and the end of the range.
    const fn code_and_volts(self) -> (u16, f64) {
        match self {
            Self::V6_144 => (0, 6.144),
            Self::V4_096 => (1, 4.096),
            Self::V2_048 => (2, 2.048),
            Self::V1_024 => (3, 1.024),
            Self::V0_512 => (4, 0.512),
            Self::V0_256 => (5, 0.256),
        }
    }
}

impl<B: I2c, const N: usize> Ads1115<B, N> {
    /// The chip whose pin ADDR is at ground (0x48), with a range of ±2.048 V.
    pub fn new(id: impl Into<SensorId>, bus: B, inputs: [Input; N]) -> Self {
        let chip = Registers::new(Chip::i2c("ADS1115", 0x48), bus);
        Self { id: id.into(), chip, inputs, range: Range::default(), volts: [0.0; N], at: 0 }
    }

    /// Another address: 0x49 with the pin ADDR at the supply, 0x4A at SDA, 0x4B at SCL.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        Self { chip: self.chip.at(address, &[0x48, 0x49, 0x4A, 0x4B]), ..self }
    }

    /// Another range.
    #[must_use]
    pub fn range(self, range: Range) -> Self {
        Self { range, ..self }
    }

    /// The settings for an input.
    fn settings(&self, input: Input) -> u16 {
        input.code() << 12 | self.range.code_and_volts().0 << 9 | ONCE
    }

    /// Starts the measurement of the input whose turn it is, if there is one left.
    fn next(&mut self) -> Result<bool, ChipError<B::Error>> {
        let Some(input) = self.inputs.get(self.at) else { return Ok(false) };
        let [high, low] = (self.settings(*input) | START_OR_DONE).to_be_bytes();
        self.chip.write(&[CONFIGURATION, high, low])?;
        Ok(true)
    }

    /// The voltage of an input, if it has been measured.
    fn measured(&mut self, input: Input) -> Result<Option<f64>, ChipError<B::Error>> {
        let settings = u16::from_be_bytes(self.chip.read(CONFIGURATION)?);
        if settings | START_OR_DONE != self.settings(input) | START_OR_DONE {
            return Err(self.chip.chip.no_reading("it lost its power while it measured"));
        }
        if settings & START_OR_DONE == 0 {
            return Ok(None);
        }
        let raw = i16::from_be_bytes(self.chip.read(VALUE)?);
        Ok(Some(f64::from(raw) * self.range.code_and_volts().1 / 32_768.0))
    }
}

impl<B, const N: usize> Measures for Ads1115<B, N> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        let most = self.range.code_and_volts().1;
        [Quantity::new("voltage", "V", -most..=most)]
    }
}

impl<B: I2c, const N: usize> Device for Ads1115<B, N> {
    type Reading = [f64; N];
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.chip.chip.impossible(value)
    }
}

impl<B: I2c, const N: usize> SlowDevice for Ads1115<B, N> {
    fn begin(&mut self) -> Result<Duration, Self::Error> {
        self.at = 0;
        Ok(if self.next()? { TAKES } else { Duration::ZERO })
    }
    fn progress(&mut self) -> Result<Progress<[f64; N]>, Self::Error> {
        if let Some(input) = self.inputs.get(self.at).copied() {
            let Some(volts) = self.measured(input)? else { return Ok(Progress::AskIn(TAKES / 8)) };
            self.volts[self.at] = volts;
            self.at += 1;
        }
        Ok(if self.next()? { Progress::AskIn(TAKES) } else { Progress::Ready(self.volts) })
    }
}

conversion!([B: I2c<Error: Send + Sync + 'static>, const N: usize] Ads1115<B, N> => [f64; N], ChipError<B::Error>);

impl<B, const N: usize> fmt::Debug for Ads1115<B, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ads1115").field("id", &self.id).field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Conversion;
    use crate::chips::fake::{FakeChip, Nobody};
    use crate::chips::specimen::{self, Settings, Specimen};
    use crate::Blocking;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use thingflow_core::Sensor;

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "ADS1115",
            fed: |noise| specimen::slow(Ads1115::new("x", FakeChip::new(0x48).wide().noisy(noise), [Input::A0, Input::A3])),
            nobody: Some(("48", || specimen::error(Ads1115::new("x", Nobody, [Input::A0]).start()))),
            registers: Some(Settings {
                chip: || FakeChip::new(0x48).wide(),
                sensor: |chip| {
                    let mut adc = Ads1115::new("x", chip, [Input::A0]);
                    Box::new(move || specimen::convert(&mut adc).is_some())
                },
                samplings: 1,
                expected: &[(2, 0xC5), (3, 0x83)],
            }),
        }
    }

    /// The chip is told its settings, and to begin.
    fn begin(high: u8) -> Transaction {
        Transaction::write(0x48, vec![1, high, 0x83])
    }
    /// It says its settings, and whether it has ended.
    fn settings(high: u8) -> Transaction {
        Transaction::write_read(0x48, vec![1], vec![high, 0x83])
    }
    fn value(raw: i16) -> Transaction {
        Transaction::write_read(0x48, vec![0], raw.to_be_bytes().to_vec())
    }

    #[test]
    fn reads_two_inputs_one_after_the_other() {
        let mut bus = Mock::new(&[
            begin(0xC5), // AIN0, ±2.048 V
            settings(0x45),
            settings(0xC5),
            value(0x7FFF),
            begin(0xF5), // AIN3
            settings(0xF5),
            value(-16),
        ]);
        let adc = Ads1115::new("adc", bus.clone(), [Input::A0, Input::A3]);
        let volts = Blocking::new(adc, NoopDelay).sample().unwrap();
        assert_eq!(volts, [2.048 - 62.5e-6, -0.001]); // table 3 of the data sheet: full scale less one step
        bus.done();
    }

    #[test]
    fn each_range_and_each_input_has_its_code() {
        // Tables 1 and 8.
        let ranges = [
            (Range::V6_144, 0x00, 187.5e-6),
            (Range::V4_096, 0x02, 125e-6),
            (Range::V2_048, 0x04, 62.5e-6),
            (Range::V1_024, 0x06, 31.25e-6),
            (Range::V0_512, 0x08, 15.625e-6),
            (Range::V0_256, 0x0A, 7.8125e-6),
        ];
        let inputs = [
            (Input::A0MinusA1, 0x00),
            (Input::A0MinusA3, 0x10),
            (Input::A1MinusA3, 0x20),
            (Input::A2MinusA3, 0x30),
            (Input::A0, 0x40),
            (Input::A1, 0x50),
            (Input::A2, 0x60),
            (Input::A3, 0x70),
        ];
        for (range, range_bits, step) in ranges {
            for (input, input_bits) in inputs {
                let high = 0x81 | range_bits | input_bits;
                let mut bus = Mock::new(&[begin(high), settings(high), value(1)]);
                let adc = Ads1115::new("adc", bus.clone(), [input]).range(range);
                let [volts] = Blocking::new(adc, NoopDelay).sample().unwrap();
                assert!((volts / step - 1.0).abs() < 1e-12, "{range:?} {input:?}");
                bus.done();
            }
        }
    }

    #[test]
    fn a_failure_in_the_middle_leaves_nothing_old_behind() {
        let mut bus = Mock::new(&[
            begin(0xC5),
            settings(0xC5).with_error(ErrorKind::Other),
            begin(0xC5),
            settings(0xC5),
            value(16),
        ]);
        let mut adc = Blocking::new(Ads1115::new("adc", bus.clone(), [Input::A0]), NoopDelay);
        assert!(adc.sample().is_err());
        assert_eq!(adc.sample().unwrap(), [0.001]);
        bus.done();
    }

    #[test]
    fn a_chip_without_power_is_no_zero_volts() {
        let mut bus = Mock::new(&[begin(0xC5), settings(0x85)]); // the settings after power-on
        let mut adc = Blocking::new(Ads1115::new("adc", bus.clone(), [Input::A0]), NoopDelay);
        assert_eq!(adc.sample().unwrap_err().to_string(), "ADS1115: it lost its power while it measured");
        bus.done();
    }

    #[test]
    #[should_panic(expected = "ADS1115 cannot have the address 50, but one of [48, 49, 4a, 4b]")]
    fn refuses_an_address_it_cannot_have() {
        let _ = Ads1115::new("adc", Mock::new(&[]), [Input::A0]).address(0x50);
    }
}
