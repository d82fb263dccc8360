//! [`Pms5003`]: fine dust from the PMS5003, on a serial line.
//!
//! Own code: the frame has 32 bytes, and with the `serial` module nothing of a driver is left.

use crate::quantity::check;
use crate::serial::{Decode, FrameError};
use crate::{Measures, Quantity, Values};

/// The dust sensor PMS5003, and the PMS7003, PMSA003 with the same frames.
///
/// - Units: micrograms in a cubic metre of air, 0 to 1000, in steps of 1, ±10 or 10 %; particles in a decilitre.
/// - Bus: serial, 9600 baud, 8N1. It sends a frame each second, when the air changes fast up to five.
/// - Wiring: 5 V with 100 mA for its fan, but its lines work with 3.3 V and must not see more. It needs 30 s after
///   power-on. Its laser lasts some 8000 hours: switch it off by the pin SET when you need no readings.
///
/// It is a [`Decode`]: use it with [`Framed`](crate::serial::Framed) or [`Decoding`](crate::serial::Decoding).
///
/// ```no_run
/// # #[cfg(feature = "tty")] {
/// use thingflow_core::Sensor;
/// use thingflow_sensors::{pms5003::Pms5003, serial::{Framed, Tty}};
/// let mut air = Framed::opening("air", || Tty::open("/dev/serial0", 9_600), Pms5003::new());
/// println!("{} µg/m³", air.sample()?.pm2_5);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: data manual of Plantower, V2.3.
#[derive(Clone, Debug)]
pub struct Pms5003 {
    frame: [u8; LENGTH],
    filled: usize,
}

/// A reading of a [`Pms5003`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dust {
    /// Particles up to 1 µm, in micrograms in a cubic metre, in ordinary air.
    pub pm1: f64,
    /// Particles up to 2.5 µm, in micrograms in a cubic metre: what limits are given for.
    pub pm2_5: f64,
    /// Particles up to 10 µm, in micrograms in a cubic metre.
    pub pm10: f64,
    /// How many particles are larger than 0.3, 0.5, 1, 2.5, 5 and 10 µm, in 0.1 litres of air.
    pub counts: [u16; 6],
}

impl Values for Dust {
    fn try_each<E>(&mut self, admit: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        [&mut self.pm1, &mut self.pm2_5, &mut self.pm10].into_iter().try_for_each(|value| value.try_each(admit))?;
        self.counts.try_each(&mut |_, value| admit(1, value))
    }
}

const QUANTITIES: [Quantity; 2] =
    [Quantity::new("dust", "µg/m³", 0.0..=1000.0), Quantity::new("particles", "in 0.1 l", 0.0..=65_535.0)];

impl Measures for Pms5003 {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        QUANTITIES
    }
}

const LENGTH: usize = 32;
/// How every frame begins: two signs, and how many bytes follow.
const HEAD: [u8; 4] = [0x42, 0x4D, 0, 28];

impl Pms5003 {
    /// A decoder that has seen nothing.
    pub const fn new() -> Self {
        Self { frame: [0; LENGTH], filled: 0 }
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.frame[2 * at], self.frame[2 * at + 1]])
    }

    fn dust(&self) -> Result<Dust, FrameError> {
        let sum = self.frame[..LENGTH - 2].iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        if sum != self.word(15) {
            return Err(FrameError::Checksum);
        }
        // Words 2 to 4 are as if all dust were of the factory's kind, 5 to 7 are for ordinary air.
        let [pm1, pm2_5, pm10] = [5, 6, 7].map(|at| f64::from(self.word(at)));
        let mut dust = Dust { pm1, pm2_5, pm10, counts: [8, 9, 10, 11, 12, 13].map(|at| self.word(at)) };
        check(&QUANTITIES, &mut dust).map_err(FrameError::OutOfRange)?;
        Ok(dust)
    }

    /// Drops bytes until what is left may be the beginning of a frame.
    fn resynchronise(&mut self) {
        let begins = |rest: &[u8]| rest.iter().zip(HEAD).all(|(byte, head)| *byte == head);
        let held = &self.frame[..self.filled];
        let dropped = (0..held.len()).find(|from| begins(&held[*from..])).unwrap_or(held.len());
        self.frame.copy_within(dropped..self.filled, 0);
        self.filled -= dropped;
    }
}

impl Default for Pms5003 {
    fn default() -> Self {
        Self::new()
    }
}

impl Decode for Pms5003 {
    type Item = Dust;

    fn push(&mut self, byte: u8) -> Option<Result<Dust, FrameError>> {
        self.frame[self.filled] = byte;
        self.filled += 1;
        if self.filled < LENGTH {
            if self.filled <= HEAD.len() {
                self.resynchronise();
            }
            return None;
        }
        let dust = self.dust();
        if matches!(dust, Ok(_) | Err(FrameError::OutOfRange(_))) {
            self.filled = 0;
        } else {
            // A byte may have been lost: the next frame may have begun in here.
            self.frame.copy_within(1.., 0);
            self.filled -= 1;
            self.resynchronise();
        }
        Some(dust)
    }

    fn reset(&mut self) {
        self.filled = 0;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{Fed, Specimen};
    use proptest::prelude::*;

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "PMS5003",
            fed: |mut noise| {
                let (mut decoder, mut fed) = (Pms5003::new(), Fed::default());
                for _ in 0..20 {
                    let mut frame = [0; LENGTH];
                    noise.fill(&mut frame);
                    frame[..4].copy_from_slice(&HEAD);
                    match sealed(frame).iter().find_map(|byte| decoder.push(*byte)) {
                        Some(Ok(dust)) => fed.see(decoder.quantities().as_ref(), dust),
                        _ => fed.without += 1,
                    }
                }
                fed
            },
            nobody: None,
            registers: None,
        }
    }

    /// The frame with its checksum.
    fn sealed(mut frame: [u8; LENGTH]) -> [u8; LENGTH] {
        let sum = frame[..30].iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        frame[30..].copy_from_slice(&sum.to_be_bytes());
        frame
    }

    /// A frame as the data manual describes it.
    fn frame() -> [u8; LENGTH] {
        let words = [0x424D, 28, 5, 8, 10, 5, 8, 10, 1017, 284, 63, 6, 2, 1, 0x9700];
        let mut frame = [0; LENGTH];
        let bytes: Vec<u8> = words.iter().flat_map(|word| u16::to_be_bytes(*word)).collect();
        frame[..30].copy_from_slice(&bytes);
        frame[30..].copy_from_slice(&0x02D1_u16.to_be_bytes()); // the sum of the bytes before
        frame
    }

    fn decode(bytes: &[u8]) -> Vec<Result<Dust, FrameError>> {
        let mut decoder = Pms5003::new();
        bytes.iter().filter_map(|byte| decoder.push(*byte)).collect()
    }
    fn dust() -> Dust {
        Dust { pm1: 5.0, pm2_5: 8.0, pm10: 10.0, counts: [1017, 284, 63, 6, 2, 1] }
    }

    #[test]
    fn reads_a_frame() {
        assert_eq!(decode(&frame()), [Ok(dust())]);
    }

    #[test]
    fn f20_more_dust_than_it_can_measure_is_no_reading() {
        let mut bytes = frame();
        bytes[12..14].copy_from_slice(&[0xFF, 0xFF]); // PM2.5
        let told = decode(&[sealed(bytes), frame()].concat());
        let Err(error) = told[0] else { panic!("{told:?}") };
        let text = "impossible frame: dust of 65535 µg/m³ is outside of the range from 0 to 1000 µg/m³; check the device and its supply";
        assert_eq!((error.to_string().as_str(), &told[1..]), (text, &[Ok(dust())][..]));
    }

    #[test]
    fn forgets_the_frame_that_was_cut_off() {
        let mut decoder = Pms5003::new();
        assert!(frame()[..20].iter().all(|byte| decoder.push(*byte).is_none()));
        decoder.reset();
        assert_eq!(frame().iter().find_map(|byte| decoder.push(*byte)), Some(Ok(dust())));
    }

    #[test]
    fn finds_a_frame_that_begins_within_a_broken_one() {
        let mut bytes = frame().to_vec();
        bytes.remove(20);
        bytes.extend(frame());
        bytes.extend(frame());
        assert_eq!(decode(&bytes), [Err(FrameError::Checksum), Ok(dust()), Ok(dust())]);
    }

    #[test]
    fn begins_in_the_middle_of_a_beginning() {
        let bytes = [&[0x42, 0x42, 0x4D, 0x00, 0x42, 0x4D][..], &frame()].concat();
        assert_eq!(decode(&bytes), [Ok(dust())]);
    }

    #[test]
    fn a_wrong_checksum_is_no_reading() {
        let mut bytes = frame();
        bytes[11] ^= 1;
        assert_eq!(decode(&bytes), [Err(FrameError::Checksum)]);
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm_and_frames_are_found_again(garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bytes = [&garbage[..], &frame()].concat();
            prop_assert_eq!(decode(&bytes).last().copied(), Some(Ok(dust())));
        }

        #[test]
        fn likely_garbage_too(garbage in proptest::collection::vec(proptest::sample::select(&HEAD[..]), 0..200)) {
            // The checksum is a mere sum: such garbage may pass for a frame and take the next one along.
            let bytes = [&garbage[..], &frame(), &frame()].concat();
            prop_assert_eq!(decode(&bytes).last().copied(), Some(Ok(dust())));
        }
    }
}
