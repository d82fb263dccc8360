//! [`Hx711`]: the amplifier HX711 of load cells, on an SPI bus.
//!
//! Own code: its clock comes from the data line of the SPI bus, a one and a zero for each pulse, so that no time slice
//! of Linux can stretch a pulse to the 60 µs that switch the chip off. The crate `hx711_spi` does the same with a tree
//! of procedural macros.

use core::fmt;
use core::time::Duration;

use embedded_hal::spi::SpiDevice;
use thingflow_core::SensorId;

use crate::driver::{Device, SlowDevice, conversion};
use crate::{Chip, ChipError, Measures, OutOfRange, Progress, Quantity};

/// The amplifier HX711 of a load cell.
///
/// - Unit: steps of the converter, -8,388,608 to 8,388,607, ±20 mV at the cell for a gain of 128 and 5 V, ±13 mV for
///   3.3 V. What they mean says a [`Calibration`](crate::Calibration): weigh nothing, and something that you know.
/// - Bus: SPI in mode 0, 30 kHz to 1 MHz, and nothing else on it. MOSI goes to the pin PD_SCK, DOUT to MISO; the clock
///   and the select line stay free.
/// - Wiring: 2.6 V to 5.5 V; at 5 V its output is too much for a Raspberry Pi; give it 3.3 V. The cell gets its voltage
///   from the chip, so that a change of it cancels out.
/// - It measures on its own, every 100 ms (12.5 ms with the pin RATE high), and is a [`Conversion`](crate::Conversion), for
///   [`Converting`](crate::Converting) or [`Blocking`](crate::Blocking).
/// - The first four readings after power-on, and the first one with another gain, are wrong. So the first reading, and the
///   one after a failure, comes four measurements later, 0.4 s.
///
/// Under Linux the kernel's driver (`iio`, overlay `hx711`) reads it over two ordinary pins. Source: data sheet of Avia
/// Semiconductor.
pub struct Hx711<S> {
    id: SensorId,
    spi: S,
    gain: Gain,
    /// How many readings are still to be passed over.
    unsettled: u8,
    /// Whether a measurement was begun and has not been read.
    pending: bool,
}

/// The input and its gain, which the chip uses from the next measurement on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gain {
    /// Input A, ±20 mV at 5 V.
    #[default]
    A128,
    /// Input A, ±40 mV at 5 V.
    A64,
    /// Input B, ±80 mV at 5 V.
    B32,
}

const CHIP: Chip = Chip::spi("HX711");
/// Four pulses.
const PULSES: u8 = 0b1010_1010;
const SOON: Duration = Duration::from_millis(5);
/// After power-on and after another gain.
const SETTLES_IN: u8 = 4;
const STEPS: Quantity = Quantity::new("steps", "", -8_388_608.0..=8_388_607.0);

impl<S: SpiDevice> Hx711<S> {
    /// The amplifier with its usual gain of 128. The chip cannot tell whether it is there.
    pub fn new(id: impl Into<SensorId>, spi: S) -> Self {
        Self { id: id.into(), spi, gain: Gain::default(), unsettled: SETTLES_IN, pending: false }
    }

    /// Another input or gain.
    #[must_use]
    pub fn gain(self, gain: Gain) -> Self {
        Self { gain, ..self }
    }

    fn steps(&mut self) -> Result<Option<i32>, ChipError<S::Error>> {
        let mut ready = [0];
        self.transfer(&mut ready)?; // the clock stays low: the line shows whether there is a reading
        if ready != [0] {
            return Ok(None);
        }
        let more = match self.gain {
            Gain::A128 => 0b1000_0000,
            Gain::B32 => 0b1010_0000,
            Gain::A64 => 0b1010_1000,
        };
        let mut bits = [PULSES, PULSES, PULSES, PULSES, PULSES, PULSES, more];
        self.transfer(&mut bits)?;
        // After its last pulse the chip pulls the line high, until it has measured again.
        if bits[6] & 1 == 0 {
            return Err(CHIP.no_reading("its data line stays low; check its supply and its wires"));
        }
        Ok(Some(steps(bits)))
    }

    fn transfer(&mut self, bytes: &mut [u8]) -> Result<(), ChipError<S::Error>> {
        self.spi.transfer_in_place(bytes).map_err(|error| CHIP.silent(error))
    }
}

/// 24 bits with sign, the highest first. Each was read twice; the chip has shifted by the end of the first pulse half.
fn steps(bits: [u8; 7]) -> i32 {
    let [a, b, c, d, e, f, _] = bits;
    let nibble = |byte: u8| (0..4).fold(0, |n, at| n << 1 | u32::from(byte >> (6 - 2 * at) & 1));
    let raw = [a, b, c, d, e, f].into_iter().fold(0, |raw, byte| raw << 4 | nibble(byte));
    (raw << 8).cast_signed() >> 8
}

impl<S> Measures for Hx711<S> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [STEPS]
    }
}

impl<S: SpiDevice> Device for Hx711<S> {
    type Reading = f64;
    type Error = ChipError<S::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        CHIP.impossible(value)
    }
    fn forget(&mut self) {
        (self.unsettled, self.pending) = (SETTLES_IN, false);
    }
}

impl<S: SpiDevice> SlowDevice for Hx711<S> {
    fn begin(&mut self) -> Result<Duration, Self::Error> {
        if core::mem::replace(&mut self.pending, true) {
            self.unsettled = SETTLES_IN; // it gave nothing: it may have been without power, and have another gain now
        }
        Ok(Duration::ZERO) // it measures all the time
    }
    fn progress(&mut self) -> Result<Progress<f64>, Self::Error> {
        match self.steps()? {
            None => Ok(Progress::AskIn(SOON)),
            Some(_) if self.unsettled > 0 => {
                self.unsettled -= 1;
                Ok(Progress::AskIn(SOON))
            }
            Some(0x7F_FFFF | -0x80_0000) => Err(CHIP.no_reading("too much load, or a wire of the cell is loose")),
            Some(steps) => {
                self.pending = false;
                Ok(Progress::Ready(steps.into()))
            }
        }
    }
}

conversion!([S: SpiDevice<Error: Send + Sync + 'static>] Hx711<S> => f64, ChipError<S::Error>);

impl<S> fmt::Debug for Hx711<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hx711").field("id", &self.id).field("gain", &self.gain).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Conversion;
    use crate::chips::fake::FakeSpi;
    use crate::chips::specimen::{self, Specimen};
    use embedded_hal_mock::eh1::spi::{Mock, Transaction};
    use proptest::prelude::*;

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "HX711",
            fed: |noise| specimen::slow(Hx711::new("x", FakeSpi(noise))),
            nobody: None,
            registers: None,
        }
    }

    /// What comes back for a value: each bit twice.
    fn doubled(value: i32) -> Vec<u8> {
        let bits: Vec<u8> = (0..24).rev().map(|at| (value >> at & 1) as u8).collect();
        bits.chunks(4).map(|four| four.iter().fold(0, |byte, bit| (byte << 2) | (bit * 3))).chain([0xFF]).collect()
    }
    fn transfer(sent: Vec<u8>, answer: Vec<u8>) -> [Transaction<u8>; 3] {
        let words = Transaction::transfer_in_place(sent, answer);
        [Transaction::transaction_start(), words, Transaction::transaction_end()]
    }
    fn reading(value: i32, gain: u8) -> Vec<Transaction<u8>> {
        let mut talk = transfer(vec![0], vec![0]).to_vec();
        talk.extend(transfer(vec![0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, gain], doubled(value)));
        talk
    }

    #[test]
    fn waits_and_reads() {
        let mut talk = transfer(vec![0], vec![0xFF]).to_vec();
        talk.extend(reading(-123_456, 0x80));
        let mut spi = Mock::new(&talk);
        let mut scale = settled(spi.clone());
        assert_eq!(scale.read(), Ok(Progress::AskIn(SOON)));
        assert_eq!(scale.read(), Ok(Progress::Ready(-123_456.0)));
        spi.done();
    }

    /// One that has been read before.
    fn settled(spi: Mock<u8>) -> Hx711<Mock<u8>> {
        Hx711 { unsettled: 0, ..Hx711::new("scale", spi) }
    }

    #[test]
    fn f30_readings_by_the_gain_of_another_program_are_passed_over() {
        let talk: Vec<_> = (1..=5).flat_map(|n| reading(n, 0xA8)).collect();
        let mut spi = Mock::new(&talk);
        let mut scale = Hx711::new("scale", spi.clone()).gain(Gain::A64);
        (0..4).for_each(|_| assert_eq!(scale.read(), Ok(Progress::AskIn(SOON))));
        assert_eq!(scale.read(), Ok(Progress::Ready(5.0)));
        spi.done();
    }

    #[test]
    fn f30_one_that_gave_nothing_is_passed_over_until_it_has_settled_again() {
        let mut talk = transfer(vec![0], vec![0xFF]).to_vec();
        (1..=5).for_each(|n| talk.extend(reading(n, 0xA8)));
        let mut spi = Mock::new(&talk);
        let mut scale = settled(spi.clone()).gain(Gain::A64);
        scale.start().unwrap();
        assert_eq!(scale.read(), Ok(Progress::AskIn(SOON))); // its power is gone, and nobody asks any more
        scale.start().unwrap();
        (0..4).for_each(|_| assert_eq!(scale.read(), Ok(Progress::AskIn(SOON))));
        assert_eq!(scale.read(), Ok(Progress::Ready(5.0)));
        spi.done();
    }

    #[test]
    fn f20_a_line_that_stays_low_is_no_reading() {
        let mut bits = doubled(0);
        bits[6] = 0;
        let mut talk = transfer(vec![0], vec![0]).to_vec();
        talk.extend(transfer(vec![0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0x80], bits));
        let mut spi = Mock::new(&talk);
        let error = settled(spi.clone()).read().unwrap_err().to_string();
        assert_eq!(error, "HX711: its data line stays low; check its supply and its wires");
        spi.done();
    }

    #[test]
    fn one_to_three_more_pulses_choose_the_gain() {
        for (gain, more) in [(Gain::A128, 0x80), (Gain::B32, 0xA0), (Gain::A64, 0xA8)] {
            let mut spi = Mock::new(&reading(1, more)); // 25, 26, 27 pulses, table 3
            assert_eq!(settled(spi.clone()).gain(gain).read(), Ok(Progress::Ready(1.0)));
            spi.done();
        }
    }

    #[test]
    fn overload_is_no_reading() {
        for end in [0x7F_FFFF, -0x80_0000] {
            let mut spi = Mock::new(&reading(end, 0x80));
            assert!(settled(spi.clone()).read().unwrap_err().to_string().contains("too much load"));
            spi.done();
        }
    }

    proptest! {
        #[test]
        fn reads_every_value(value in -0x80_0000_i32..=0x7F_FFFF) {
            prop_assert_eq!(steps(doubled(value).try_into().unwrap()), value);
        }
    }
}
