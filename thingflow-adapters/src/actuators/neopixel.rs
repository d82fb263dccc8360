//! [`NeoPixels`]: a strip of LEDs with the chips WS2812 or SK6812, on an SPI bus.

use std::fmt;
use std::iter::repeat;

use embedded_hal::spi::SpiBus;
use smart_leds_trait::SmartLedsWrite;
use thingflow_core::Instant;
use ws2812_spi::prerendered::{Error as DriverError, Ws2812, devices};

use super::{Actuator, ActuatorError};

pub use smart_leds_trait::{RGB8, RGBW, White};

/// What a strip is told. `C` is [`RGB8`] or [`RGBW<u8>`](RGBW); each colour is 0 to 255.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Light<C> {
    /// One LED, counted from 0; the others stay as they are.
    One(usize, C),
    /// All LEDs in one colour.
    All(C),
    /// Each LED, from the first; those behind the last colour are dark.
    Each(Vec<C>),
}

/// A strip of LEDs: NeoPixels, WS2811 to WS2815, SK6812, with three colours or four.
///
/// - Takes [`Light`]s. The strip is written when a colour changes.
/// - Unit: 0 to 255 a colour, linear in power and not to the eye.
/// - Bus: SPI at 3.2 MHz, where the pulses are as the data sheet of the WS2812B wants them: four bits on the bus are one of
///   the strip, high for 0.31 or 0.94 µs. The driver allows 2 to 3.8 MHz, with an SK6812 2.3 to 3.8. Only the wire MOSI is
///   used. A frame takes 0.7 ms and 30 µs an LED.
/// - Linux sends no more than 4,096 bytes at once, which is 318 LEDs (238 with four colours); for more set
///   `spidev.bufsiz=65536` on the kernel's command line. On a Raspberry Pi 3 and 4 fix the clock: `core_freq=250`, on the
///   4 `core_freq=500` and `core_freq_min=500`, in `config.txt`.
/// - Safe state: dark.
/// - Hazards: an LED in white draws 60 mA: 60 of them 3.6 A at 5 V, so give them a supply and a fuse of their own. At 5 V
///   the strip wants 3.5 V as a high level: a level shifter, or 3.3 V with luck. White at full power blinds.
///
/// ```
/// use embedded_hal::spi::SpiBus;
/// use thingflow_adapters::actuators::{ActuatorInput, neopixel::{Light, NeoPixels, RGB8}};
/// use thingflow_core::prelude::*;
/// /// The warmer, the redder.
/// fn glow<S: SpiBus<Error: Send + Sync + 'static>>(spi: S) -> impl InputThing<f64> {
///     let colour = |celsius: f64| RGB8::new((celsius * 5.0) as u8, 0, 30);
///     pipe().map(move |celsius| Light::All(colour(celsius))).to(ActuatorInput::new("strip", NeoPixels::rgb(spi, 8)))
/// }
/// ```
///
/// Source: data sheets of Worldsemi, WS2812B, and Opsco, SK6812RGBW. Driver: the crate `ws2812-spi`.
pub struct NeoPixels<S, C> {
    spi: S,
    colours: Vec<C>,
    frame: Vec<u8>,
    known: bool,
}

/// Silence before and after a frame, in bytes.
const PAUSES: usize = 280;
/// So many bytes on the bus are one of the strip.
const BYTES: usize = 4;

impl<S: SpiBus> NeoPixels<S, RGB8> {
    /// A strip of so many LEDs with three colours.
    pub fn rgb(spi: S, count: usize) -> Self {
        Self::new(spi, count, 3)
    }
}

impl<S: SpiBus> NeoPixels<S, RGBW<u8>> {
    /// A strip of so many LEDs with three colours and white.
    pub fn rgbw(spi: S, count: usize) -> Self {
        Self::new(spi, count, 4)
    }
}

impl<S, C: Clone + Default> NeoPixels<S, C> {
    fn new(spi: S, count: usize, bytes: usize) -> Self {
        Self { spi, colours: vec![C::default(); count], frame: vec![0; PAUSES + BYTES * bytes * count], known: false }
    }
}

/// How a strip of these colours is written.
pub trait Colour: Clone + Default + PartialEq {
    /// Writes all colours in one transfer.
    #[doc(hidden)]
    fn send<S: SpiBus>(colours: &[Self], spi: &mut S, frame: &mut [u8]) -> Result<(), DriverError<S::Error>>;
}

impl Colour for RGB8 {
    fn send<S: SpiBus>(colours: &[Self], spi: &mut S, frame: &mut [u8]) -> Result<(), DriverError<S::Error>> {
        Ws2812::<_, devices::Ws2812>::new(spi, frame).write(colours.iter().copied())
    }
}

impl Colour for RGBW<u8> {
    fn send<S: SpiBus>(colours: &[Self], spi: &mut S, frame: &mut [u8]) -> Result<(), DriverError<S::Error>> {
        Ws2812::<_, devices::Sk6812w>::new_sk6812w(spi, frame).write(colours.iter().copied())
    }
}

impl<S: SpiBus, C: Colour> NeoPixels<S, C> {
    /// Sets colours, and says whether one has changed.
    fn set(&mut self, light: Light<C>) -> Result<bool, ActuatorError<S::Error>> {
        Ok(match light {
            Light::One(number, colour) => match self.colours.get_mut(number..=number) {
                Some(led) => fill(led, [colour]),
                None => return Err(self.no_led(number)),
            },
            Light::All(colour) => fill(&mut self.colours, repeat(colour)),
            Light::Each(colours) if colours.len() > self.colours.len() => return Err(self.no_led(colours.len() - 1)),
            Light::Each(colours) => fill(&mut self.colours, colours.into_iter().chain(repeat(C::default()))),
        })
    }

    fn no_led(&self, number: usize) -> ActuatorError<S::Error> {
        let to = self.colours.len() as f64 - 1.0;
        ActuatorError::Refused { value: number as f64, from: 0.0, to, unit: "LED" }
    }
}

/// Sets LEDs to colours, and says whether one has changed.
fn fill<C: PartialEq>(leds: &mut [C], colours: impl IntoIterator<Item = C>) -> bool {
    let mut changed = false;
    for (led, colour) in leds.iter_mut().zip(colours) {
        changed |= *led != colour;
        *led = colour;
    }
    changed
}

impl<S: SpiBus<Error: Send + Sync + 'static>, C: Colour> Actuator for NeoPixels<S, C> {
    type Command = Light<C>;
    type Error = ActuatorError<S::Error>;

    fn act(&mut self, light: Light<C>, _: Instant) -> Result<(), Self::Error> {
        if !self.set(light)? && self.known {
            return Ok(());
        }
        self.known = false;
        match C::send(&self.colours, &mut self.spi, &mut self.frame) {
            Err(DriverError::Spi(error)) => return Err(ActuatorError::bus(error)),
            Err(DriverError::OutOfBounds) => unreachable!("the frame has room for all LEDs"),
            Ok(()) => {}
        }
        self.known = true;
        Ok(())
    }
    fn make_safe(&mut self) -> Result<(), Self::Error> {
        self.act(Light::All(C::default()), Instant::ZERO)
    }
}

impl<S, C> fmt::Debug for NeoPixels<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeoPixels").field("count", &self.colours.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actuators::ActuatorInput;
    use embedded_hal::spi::{ErrorKind, ErrorType};
    use embedded_hal_mock::eh1::spi::{Mock, Transaction};
    use thingflow_core::pipe;

    const RED: RGB8 = RGB8 { r: 255, g: 0, b: 0 };

    /// What the bus carries for these bytes of the strip, by the table of the data sheet: a 0 is short, a 1 is long.
    fn frame(bytes: &[u8]) -> Transaction<u8> {
        let bit = |byte: u8, bit: u8| if byte << bit & 0x80 == 0 { 0b1000 } else { 0b1110 };
        let pair = |byte: u8, at: u8| bit(byte, at) << 4 | bit(byte, at + 1);
        let data = bytes.iter().flat_map(|byte| [0, 2, 4, 6].map(|at| pair(*byte, at)));
        let pause = [0; 140];
        Transaction::write_vec(pause.into_iter().chain(data).chain(pause).collect())
    }

    #[test]
    fn colours_go_out_green_first_and_the_strip_is_dark_at_the_end() {
        let dark = [0; 6];
        let talk = [&dark, &[0, 255, 0, 0, 255, 0], &[0, 255, 0, 2, 1, 3], &[9, 9, 9, 0, 0, 0], &dark]
            .map(|bytes| frame(bytes));
        let mut spi = Mock::new(&talk);
        let strip = ActuatorInput::new("strip", NeoPixels::rgb(spi.clone(), 2));
        let other = Light::One(1, RGB8::new(1, 2, 3));
        let each = Light::Each(vec![RGB8::new(9, 9, 9)]);
        pipe().to(strip).feed([Light::All(RED), Light::All(RED), other.clone(), other, each]).unwrap();
        spi.done();
    }

    #[test]
    fn four_colours_end_with_white() {
        let mut spi = Mock::new(&[frame(&[0; 4]), frame(&[2, 1, 3, 4]), frame(&[0; 4])]);
        let strip = ActuatorInput::new("strip", NeoPixels::rgbw(spi.clone(), 1));
        pipe().to(strip).feed([Light::All(RGBW::new_alpha(1, 2, 3, White(4)))]).unwrap();
        spi.done();
    }

    #[test]
    fn an_led_that_is_not_there_is_refused() {
        let mut strip = NeoPixels::rgb(Flaky(Vec::new()), 2);
        let error = strip.act(Light::One(2, RED), Instant::ZERO).unwrap_err().to_string();
        assert_eq!(error, "it was told LED 2 and takes 0 to 1");
        strip.act(Light::Each(vec![RED; 3]), Instant::ZERO).unwrap_err();
        assert!(strip.spi.0.is_empty());
    }

    /// A bus that fails at its first transfer.
    struct Flaky(Vec<usize>);

    impl ErrorType for Flaky {
        type Error = ErrorKind;
    }
    impl SpiBus for Flaky {
        fn write(&mut self, words: &[u8]) -> Result<(), ErrorKind> {
            self.0.push(words.len());
            if self.0.len() == 1 { Err(ErrorKind::Other) } else { Ok(()) }
        }
        fn read(&mut self, _: &mut [u8]) -> Result<(), ErrorKind> {
            Ok(())
        }
        fn transfer(&mut self, _: &mut [u8], _: &[u8]) -> Result<(), ErrorKind> {
            Ok(())
        }
        fn transfer_in_place(&mut self, _: &mut [u8]) -> Result<(), ErrorKind> {
            Ok(())
        }
        fn flush(&mut self) -> Result<(), ErrorKind> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_that_failed_is_sent_again_although_nothing_changed() {
        let mut strip = NeoPixels::rgb(Flaky(Vec::new()), 2);
        strip.act(Light::All(RED), Instant::ZERO).unwrap_err();
        strip.act(Light::All(RED), Instant::ZERO).unwrap();
        strip.act(Light::All(RED), Instant::ZERO).unwrap();
        assert_eq!(strip.spi.0, [304, 304]);
    }
}
