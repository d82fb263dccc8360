//! [`Ads1115`]: four analogue inputs with 16 bits, on an I2C bus.

use core::fmt;
use core::time::Duration;

use ads1x1x::{Ads1x1x, Error, TargetAddr, channel, ic, mode};
use embedded_hal::i2c::I2c;
use thingflow_core::SensorId;

use crate::{Chip, ChipError, Conversion, Progress};

pub use ads1x1x::FullScaleRange;

type Driver<B> = Ads1x1x<B, ic::Ads1115, ic::Resolution16Bit, mode::OneShot>;

/// The analogue-digital converter ADS1115. A reading is the voltage of each of the inputs you name, in that order.
///
/// - Unit: volts, with the usual range ±2.048 in steps of 62.5 µV; from ±0.256 to ±6.144. ±3 steps and 0.15 %.
/// - Address: 0x48 to 0x4B, by what the pin ADDR is connected to.
/// - Wiring: 2 V to 5.5 V; no input may exceed the supply by 0.3 V, whatever the range, or the chip is damaged. Pull
///   the bus up to the voltage of the board.
/// - An input takes 9 ms, since the chip has one converter for all. So it is a [`Conversion`]: use it with
///   [`Converting`](crate::Converting) or [`Blocking`](crate::Blocking). Inputs of one chip belong in one sensor.
///
/// For what a voltage means see [`Calibration`](crate::Calibration). Source: data sheet of Texas Instruments, SBAS444.
/// Driver: the crate `ads1x1x`.
pub struct Ads1115<B, const N: usize> {
    id: SensorId,
    chip: Chip,
    driver: Driver<B>,
    inputs: [Input; N],
    volts_each: f64,
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

/// One of 128 in a second, and a tenth for the chip's own clock.
const TAKES: Duration = Duration::from_micros(8_600);

impl<B: I2c, const N: usize> Ads1115<B, N> {
    /// Finds the chip whose pin ADDR is at ground (0x48) and sets it to ±2.048 V.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn new(id: impl Into<SensorId>, bus: B, inputs: [Input; N]) -> Result<Self, ChipError<B::Error>> {
        Self::with(id, bus, inputs, 0x48, FullScaleRange::Within2_048V)
    }

    /// As [`new`](Self::new), at another address or with another range.
    ///
    /// # Errors
    /// If nobody answers.
    ///
    /// # Panics
    /// If the chip has no such address.
    #[track_caller]
    pub fn with(
        id: impl Into<SensorId>,
        bus: B,
        inputs: [Input; N],
        address: u8,
        range: FullScaleRange,
    ) -> Result<Self, ChipError<B::Error>> {
        let target = match address {
            0x48 => TargetAddr::Gnd,
            0x49 => TargetAddr::Vdd,
            0x4A => TargetAddr::Sda,
            0x4B => TargetAddr::Scl,
            _ => panic!("an ADS1115 has an address from 0x48 to 0x4B, not {address:#04x}"),
        };
        let chip = Chip::i2c("ADS1115", address);
        let mut driver = Ads1x1x::new_ads1115(bus, target);
        driver.set_full_scale_range(range).map_err(|error| failed(chip, error))?;
        let volts_each = full_scale(range) / 32_768.0;
        Ok(Self { id: id.into(), chip, driver, inputs, volts_each, volts: [0.0; N], at: 0 })
    }

    /// Asks for an input; the first question starts its conversion.
    fn ask(&mut self, input: Input) -> nb::Result<i16, Error<B::Error>> {
        let driver = &mut self.driver;
        match input {
            Input::A0 => driver.read(channel::SingleA0),
            Input::A1 => driver.read(channel::SingleA1),
            Input::A2 => driver.read(channel::SingleA2),
            Input::A3 => driver.read(channel::SingleA3),
            Input::A0MinusA1 => driver.read(channel::DifferentialA0A1),
            Input::A0MinusA3 => driver.read(channel::DifferentialA0A3),
            Input::A1MinusA3 => driver.read(channel::DifferentialA1A3),
            Input::A2MinusA3 => driver.read(channel::DifferentialA2A3),
        }
    }

    /// The raw value of the input whose turn it is.
    fn poll(&mut self) -> Result<Option<i16>, ChipError<B::Error>> {
        let Some(input) = self.inputs.get(self.at).copied() else { return Ok(None) };
        match self.ask(input) {
            Ok(raw) => Ok(Some(raw)),
            Err(nb::Error::WouldBlock) => Ok(None),
            Err(nb::Error::Other(error)) => Err(failed(self.chip, error)),
        }
    }
}

const fn full_scale(range: FullScaleRange) -> f64 {
    match range {
        FullScaleRange::Within6_144V => 6.144,
        FullScaleRange::Within4_096V => 4.096,
        FullScaleRange::Within2_048V => 2.048,
        FullScaleRange::Within1_024V => 1.024,
        FullScaleRange::Within0_512V => 0.512,
        FullScaleRange::Within0_256V => 0.256,
    }
}

fn failed<E>(chip: Chip, error: Error<E>) -> ChipError<E> {
    match error {
        Error::I2C(error) => chip.silent(error),
        Error::InvalidInputData => chip.no_reading("the driver refused a setting"),
    }
}

impl<B: I2c<Error: Send + Sync + 'static>, const N: usize> Conversion for Ads1115<B, N> {
    type Reading = [f64; N];
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn start(&mut self) -> Result<Duration, Self::Error> {
        self.at = 0;
        // What a failed measurement left behind is old.
        while self.poll()?.is_some() {}
        Ok(TAKES)
    }
    fn read(&mut self) -> Result<Progress<[f64; N]>, Self::Error> {
        if self.at < N {
            let Some(raw) = self.poll()? else { return Ok(Progress::AskIn(TAKES / 8)) };
            self.volts[self.at] = f64::from(raw) * self.volts_each;
            self.at += 1;
        }
        if self.at == N {
            return Ok(Progress::Ready(self.volts));
        }
        self.poll()?; // starts the next one
        Ok(Progress::AskIn(TAKES))
    }
}

impl<B, const N: usize> fmt::Debug for Ads1115<B, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ads1115").field("id", &self.id).field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Blocking;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use thingflow_core::Sensor;

    const STATUS: u8 = 1;

    fn status(ready: bool) -> Transaction {
        Transaction::write_read(0x48, vec![STATUS], vec![if ready { 0x85 } else { 0x05 }, 0x83])
    }
    fn config(high: u8) -> Transaction {
        Transaction::write(0x48, vec![STATUS, high, 0x83])
    }
    fn value(raw: i16) -> Transaction {
        Transaction::write_read(0x48, vec![0], raw.to_be_bytes().to_vec())
    }

    #[test]
    fn reads_two_inputs_one_after_the_other() {
        let mut bus = Mock::new(&[
            config(0x85), // ±2.048 V
            status(true),
            config(0xC5), // AIN0
            status(false),
            status(true),
            value(0x7FFF),
            status(true),
            config(0xF5), // AIN3
            status(true),
            value(-16),
        ]);
        let adc = Ads1115::new("adc", bus.clone(), [Input::A0, Input::A3]).unwrap();
        let volts = Blocking::new(adc, NoopDelay).sample().unwrap();
        assert_eq!(volts, [2.048 - 62.5e-6, -0.001]); // table 3 of the data sheet: full scale less one step
        bus.done();
    }

    #[test]
    fn each_range_has_its_step() {
        let steps = [
            (FullScaleRange::Within6_144V, 187.5e-6),
            (FullScaleRange::Within4_096V, 125e-6),
            (FullScaleRange::Within2_048V, 62.5e-6),
            (FullScaleRange::Within1_024V, 31.25e-6),
            (FullScaleRange::Within0_512V, 15.625e-6),
            (FullScaleRange::Within0_256V, 7.8125e-6),
        ];
        for (range, step) in steps {
            assert!((full_scale(range) / 32_768.0 / step - 1.0).abs() < 1e-12, "{range:?}"); // table 1
        }
    }

    #[test]
    fn a_failure_in_the_middle_leaves_nothing_old_behind() {
        let mut bus = Mock::new(&[
            config(0x85),
            status(true),
            config(0xC5),
            status(true).with_error(ErrorKind::Other),
            // again: the old conversion is there and thrown away
            status(true),
            value(1),
            status(true),
            config(0xC5),
            status(true),
            value(16),
        ]);
        let mut adc = Blocking::new(Ads1115::new("adc", bus.clone(), [Input::A0]).unwrap(), NoopDelay);
        assert!(adc.sample().is_err());
        assert_eq!(adc.sample().unwrap(), [0.001]);
        bus.done();
    }

    #[test]
    #[should_panic(expected = "from 0x48 to 0x4B, not 0x50")]
    fn refuses_an_address_it_cannot_have() {
        let _ = Ads1115::with("adc", Mock::new(&[]), [Input::A0], 0x50, FullScaleRange::Within2_048V);
    }
}
