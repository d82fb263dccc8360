//! [`Tsl2591`]: the light sensor TSL2591 of ams-OSRAM, on an I2C bus.
//!
//! Own code by the data sheet, not the driver `tsl2591-eh-driver` 0.5: its `get_channel_data` reads the two channels
//! in two transfers, so that they may be of two measurements, and does not ask whether they are valid; its
//! `calculate_lux` makes bright light of two channels that do not fit, and no number of darkness. Making the driver
//! writes the settings anew, so it cannot be asked for its formula alone. Left to it would be four writes.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, SensorId};

use super::registers::Registers;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Chip, ChipError, Measures, OutOfRange, Quantity};

/// The light sensor TSL2591.
///
/// - Unit: lux, 0 to about 5,000 with the medium gain, in steps of 0.08, and up to 88,000 with the lowest. Lightless
///   reads 0.
/// - Address: 0x29, the same for all, and that of a VL53L0X. One of its two channels sees infrared only, and is taken
///   off; where that is as strong as all the light, it reads 0.
/// - Wiring: 2.7 V to 3.6 V; most modules have a regulator and take 5 V too, their bus stays at 3.3 V.
/// - It takes a reading every 200 ms, or as long as its integration time is; sampled faster, it repeats the last one.
///   Sampling takes one transfer of 5 bytes.
/// - The first sampling looks for the chip and has it measure: unless it did so already, the first reading comes a
///   measurement later ([`SampleError::NotYet`]). So it is after a failure, and a loss of power is one.
///
/// Works with whatever implements `embedded-hal` 1.0, for example `I2cdev::new("/dev/i2c-1")` of `linux-embedded-hal`:
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::tsl2591::{Gain, IntegrationTime, Tsl2591};
/// fn watch<B: I2c<Error: Send + Sync> + 'static>(bus: B) {
///     // At night, for the stars:
///     let lux = Tsl2591::new("lux", bus).gain(Gain::Max).integration_time(IntegrationTime::Ms600);
///     let lux = SensorOutput::new(lux);
///     lux.map(|e| e.val > 0.01).connect(call(|moon| println!("moon: {moon}")));
/// }
/// ```
///
/// Source: data sheet of ams, DS000338, and the formula of Adafruit's library.
pub struct Tsl2591<B> {
    id: SensorId,
    time: IntegrationTime,
    gain: Gain,
    state: State,
    chip: Registers<B>,
}

/// How much the light is amplified: low for sunlight, high for the night.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gain {
    /// Not at all.
    Low,
    /// 25 times.
    #[default]
    Medium,
    /// 428 times.
    High,
    /// 9876 times.
    Max,
}

/// How long the light is collected for a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntegrationTime {
    /// 100 ms.
    Ms100,
    /// 200 ms.
    #[default]
    Ms200,
    /// 300 ms.
    Ms300,
    /// 400 ms.
    Ms400,
    /// 500 ms.
    Ms500,
    /// 600 ms.
    Ms600,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not known to measure.
    Unknown,
    /// Told to measure; nobody should sample it before it has had the time for that.
    Begun,
    Measuring,
}

/// The command bit, and a read that goes on from register to register.
const COMMAND: u8 = 0xA0;
const ENABLE: u8 = COMMAND;
const CONTROL: u8 = COMMAND | 0x01;
const ID: u8 = COMMAND | 0x12;
/// And, behind it, the two channels.
const STATUS: u8 = COMMAND | 0x13;

const TSL2591: u8 = 0x50;
const ILLUMINANCE: Quantity = Quantity::new("illuminance", "lx", 0.0..=88_000.0);
const IDLE: u8 = 0b01;
const MEASURE: u8 = 0b11;
/// The status bit AVALID: a measurement has ended since the chip was told to measure.
const VALID: u8 = 0b1;

impl Gain {
    const fn code_and_factor(self) -> (u8, f64) {
        match self {
            Self::Low => (0x00, 1.0),
            Self::Medium => (0x10, 25.0),
            Self::High => (0x20, 428.0),
            Self::Max => (0x30, 9876.0),
        }
    }
}

impl IntegrationTime {
    const fn hundreds_of_ms(self) -> u8 {
        match self {
            Self::Ms100 => 1,
            Self::Ms200 => 2,
            Self::Ms300 => 3,
            Self::Ms400 => 4,
            Self::Ms500 => 5,
            Self::Ms600 => 6,
        }
    }

    /// What a channel counts at most.
    const fn most(self) -> u16 {
        match self {
            Self::Ms100 => 0x8FFF,
            _ => 0xFFFF,
        }
    }
}

impl<B: I2c> Tsl2591<B> {
    /// The chip, with medium gain and 200 ms for each reading.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        let chip = Registers::new(Chip::i2c("TSL2591", 0x29), bus);
        let (time, gain) = (IntegrationTime::default(), Gain::default());
        Self { id: id.into(), time, gain, state: State::Unknown, chip }
    }

    /// Another gain.
    #[must_use]
    pub fn gain(self, gain: Gain) -> Self {
        Self { gain, ..self }
    }

    /// Another time for each reading.
    #[must_use]
    pub fn integration_time(self, time: IntegrationTime) -> Self {
        Self { time, ..self }
    }

    /// The registers ENABLE and CONTROL.
    fn settings(&self) -> [u8; 2] {
        [MEASURE, self.gain.code_and_factor().0 | (self.time.hundreds_of_ms() - 1)]
    }

    /// One measurement, and half of it for a slow clock.
    fn takes(&self) -> Duration {
        Duration::from_millis(150) * self.time.hundreds_of_ms().into()
    }

    /// Finds the chip and has it measure. False if it does already.
    fn begin(&mut self) -> Result<bool, ChipError<B::Error>> {
        self.chip.identify(ID, TSL2591)?;
        let settings = self.settings();
        if self.chip.read(ENABLE)? == settings {
            return Ok(false);
        }
        self.chip.write(&[ENABLE, IDLE])?; // what it has measured is no longer valid
        self.chip.write(&[CONTROL, settings[1]])?;
        self.chip.write(&[ENABLE, MEASURE])?;
        Ok(true)
    }

    fn reading(&mut self) -> Result<f64, SampleError<ChipError<B::Error>>> {
        if self.state == State::Unknown && self.begin()? {
            return Err(self.not_yet());
        }
        // All in one transfer, so that both channels are of the same measurement.
        let [status, all_low, all_high, infrared_low, infrared_high] = self.chip.read(STATUS)?;
        if status & VALID == 0 {
            return Err(self.why_invalid()?);
        }
        self.state = State::Measuring;
        let (all, infrared) =
            (u16::from_le_bytes([all_low, all_high]), u16::from_le_bytes([infrared_low, infrared_high]));
        if all.max(infrared) >= self.time.most() {
            return Err(self.no_reading(self.too_bright()));
        }
        Ok(self.lux(all, infrared))
    }

    /// What mends it that the light is beyond what the chip measures as it is set.
    fn too_bright(&self) -> &'static str {
        if self.gain == Gain::Low && self.time.hundreds_of_ms() == 1 {
            "too bright, even for its lowest gain: shade it, or put a filter before it"
        } else {
            "too bright for its gain; choose a lower gain or a shorter time"
        }
    }

    fn not_yet(&mut self) -> SampleError<ChipError<B::Error>> {
        self.state = State::Begun;
        SampleError::NotYet(self.takes())
    }

    fn no_reading(&self, why: &'static str) -> SampleError<ChipError<B::Error>> {
        self.chip.chip.no_reading(why).into()
    }

    fn why_invalid(&mut self) -> Result<SampleError<ChipError<B::Error>>, ChipError<B::Error>> {
        Ok(if self.chip.read(ENABLE)? != self.settings() {
            self.no_reading("it has lost its power for a while")
        } else if self.state == State::Begun {
            self.no_reading("its measurement does not come to an end")
        } else {
            self.not_yet() // another program has only just begun it
        })
    }

    fn lux(&self, all: u16, infrared: u16) -> f64 {
        // Light that was switched on or off while it measured, or nothing but infrared.
        let Some(visible) = all.checked_sub(infrared).filter(|visible| *visible > 0) else { return 0.0 };
        let counts = f64::from(visible) * f64::from(visible) / f64::from(all);
        let milliseconds = 100.0 * f64::from(self.time.hundreds_of_ms());
        counts * 408.0 / (milliseconds * self.gain.code_and_factor().1)
    }
}

impl<B> Measures for Tsl2591<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [ILLUMINANCE]
    }
}

impl<B: I2c> Device for Tsl2591<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.chip.chip.impossible(value)
    }
    fn forget(&mut self) {
        self.state = State::Unknown;
    }
}

impl<B: I2c> DirectDevice for Tsl2591<B> {
    fn measure(&mut self) -> Result<f64, SampleError<Self::Error>> {
        self.reading()
    }
}

sensor!([B: I2c<Error: Send + Sync + 'static>] Tsl2591<B> => f64, ChipError<B::Error>);

impl<B> fmt::Debug for Tsl2591<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tsl2591").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::fake::{FakeChip, Nobody};
    use crate::chips::specimen::{self, Settings, Specimen};
    use thingflow_core::Sensor;
    use proptest::prelude::*;

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "TSL2591",
            fed: |noise| {
                let chip = || FakeChip::new(0x29).with(ID, &[TSL2591]).with(STATUS, &[VALID]).noisy(noise);
                let fed = specimen::direct(Tsl2591::new("x", chip()));
                let bright = Tsl2591::new("x", chip()).gain(Gain::Low).integration_time(IntegrationTime::Ms100);
                fed.and(specimen::direct(bright))
            },
            nobody: Some(("29", || specimen::error(Tsl2591::new("x", Nobody).sample()))),
            registers: Some(Settings {
                chip: || FakeChip::new(0x29).with(ID, &[TSL2591]).with(STATUS, &[VALID, 100, 0, 20, 0]),
                sensor: |chip| {
                    let mut sensor = Tsl2591::new("x", chip);
                    Box::new(move || sensor.sample().is_ok())
                },
                samplings: 2,
                expected: &[(ENABLE, 0x03), (CONTROL, 0x11)],
            }),
        }
    }

    /// Off, as after power-on.
    fn chip() -> FakeChip {
        FakeChip::new(0x29).with(ID, &[TSL2591])
    }
    /// The chip ends a measurement.
    fn shine(chip: &FakeChip, all: u16, infrared: u16) {
        let ([a, b], [c, d]) = (all.to_le_bytes(), infrared.to_le_bytes());
        [VALID, a, b, c, d].iter().zip(STATUS..).for_each(|(byte, register)| chip.set(register, *byte));
    }
    fn lose_power(chip: &FakeChip) {
        [ENABLE, CONTROL, STATUS, 0xB4, 0xB5, 0xB6, 0xB7].iter().for_each(|register| chip.set(*register, 0));
    }
    fn text<E: fmt::Display>(reading: Result<f64, E>) -> String {
        reading.map_or_else(|error| error.to_string(), |lux| lux.to_string())
    }
    /// What a sensor with such settings says to the two channels.
    fn sample(gain: Gain, time: IntegrationTime, all: u16, infrared: u16) -> Result<f64, String> {
        let chip = chip();
        let mut sensor = Tsl2591::new("lux", chip.clone()).gain(gain).integration_time(time);
        assert_eq!(sensor.sample(), Err(SampleError::NotYet(sensor.takes())));
        shine(&chip, all, infrared);
        sensor.sample().map_err(|error| error.to_string())
    }

    /// Adafruit's library counts a lux as ms · gain / 408, and of the channels (all - infrared) · (1 - infrared / all).
    /// By hand: 800 · 0.8 = 640 counts, each lux has 200 · 25 / 408 = 12.2549: 52.224 lux. 20,000 · 2/3 = 13,333.3
    /// counts, each lux has 0.245098: 54,400. 1500 · 0.75 = 1125 counts, each lux has 314.7059: 3.574766. 400 · 0.8 =
    /// 320 counts, each lux has 14,523.53: 0.0220332.
    #[test]
    fn reads_lux() {
        for (gain, time, all, infrared, lux) in [
            (Gain::Medium, IntegrationTime::Ms200, 1000, 200, 52.224),
            (Gain::Low, IntegrationTime::Ms100, 30_000, 10_000, 54_400.0),
            (Gain::High, IntegrationTime::Ms300, 2000, 500, 3.574_766),
            (Gain::Max, IntegrationTime::Ms600, 500, 100, 0.022_033_2),
        ] {
            let read = sample(gain, time, all, infrared).unwrap();
            assert!((read / lux - 1.0).abs() < 1e-5, "{gain:?} {time:?}: {read}, not {lux}");
        }
    }

    /// In daylight the older formula of ams, with its coefficient of 1.64, says nearly the same: (1000 - 1.64 · 200) /
    /// 12.2549 = 54.84 lux.
    #[test]
    fn agrees_with_the_coefficients_of_the_maker() {
        let read = sample(Gain::Medium, IntegrationTime::Ms200, 1000, 200).unwrap();
        assert!((read / 54.84 - 1.0).abs() < 0.06, "{read}");
    }

    #[test]
    fn darkness_and_channels_that_do_not_fit_are_zero() {
        for (all, infrared) in [(0, 0), (10, 10), (20, 3000), (0, 1)] {
            assert_eq!(sample(Gain::Medium, IntegrationTime::Ms200, all, infrared), Ok(0.0), "{all} {infrared}");
        }
    }

    #[test]
    fn saturation_says_what_to_do() {
        for (time, all, infrared) in [
            (IntegrationTime::Ms200, 0xFFFF, 5),
            (IntegrationTime::Ms200, 5, 0xFFFF),
            (IntegrationTime::Ms100, 0x8FFF, 5),
        ] {
            assert!(sample(Gain::Medium, time, all, infrared).unwrap_err().contains("choose a lower gain"));
        }
        assert!(sample(Gain::Medium, IntegrationTime::Ms200, 0x8FFF, 5).is_ok());
        assert!(sample(Gain::Low, IntegrationTime::Ms200, 0xFFFF, 5).unwrap_err().contains("a shorter time"));
        assert!(sample(Gain::Low, IntegrationTime::Ms100, 0x8FFF, 5).unwrap_err().ends_with("shade it, or put a filter before it"));
    }

    #[test]
    fn no_reading_is_made_up_after_a_loss_of_power_and_an_interruption() {
        let chip = chip();
        let mut sensor = Tsl2591::new("lux", chip.clone());
        let mut sample = || text(sensor.sample());
        assert_eq!(sample(), "there is no reading yet");
        assert_eq!([chip.get(ENABLE), chip.get(CONTROL)], [0x03, 0x11]);
        shine(&chip, 1000, 200);
        assert_eq!(sample(), "52.224");
        lose_power(&chip);
        assert_eq!(sample(), "TSL2591: it has lost its power for a while");
        assert_eq!(sample(), "there is no reading yet");
        shine(&chip, 1000, 200);
        assert_eq!(sample(), "52.224");
        chip.unplug(true);
        assert!(sample().starts_with("TSL2591 does not answer: "));
        chip.unplug(false);
        assert_eq!(sample(), "52.224"); // it went on measuring
        chip.unplug(true);
        lose_power(&chip);
        sample();
        chip.unplug(false);
        assert_eq!(sample(), "there is no reading yet");
    }

    #[test]
    fn other_settings_of_another_program_are_not_taken_over() {
        let chip = chip().with(ENABLE, &[MEASURE, 0x30]);
        shine(&chip, 1000, 200);
        let mut sensor = Tsl2591::new("lux", chip.clone());
        assert_eq!(text(sensor.sample()), "there is no reading yet");
        assert_eq!(chip.get(CONTROL), 0x11);
    }

    #[test]
    fn a_measurement_without_an_end_is_an_error_and_no_silence() {
        let chip = chip().with(ENABLE, &[MEASURE, 0x11]); // begun by another program
        let mut sensor = Tsl2591::new("lux", chip);
        assert_eq!(text(sensor.sample()), "there is no reading yet");
        assert_eq!(text(sensor.sample()), "TSL2591: its measurement does not come to an end");
    }

    #[test]
    fn another_chip_is_an_error() {
        let error = text(Tsl2591::new("lux", chip().with(ID, &[0x60])).sample());
        assert_eq!(error, "no TSL2591: another chip answers, with the id 0x60 instead of 0x50");
    }

    proptest! {
        /// No channel shows more lux than all its light would.
        #[test]
        fn lux_is_never_more_than_the_light(all in 0_u16..0xFFFF, infrared in 0_u16..0xFFFF) {
            let lux = sample(Gain::Medium, IntegrationTime::Ms200, all, infrared).unwrap();
            prop_assert!(lux >= 0.0 && lux <= f64::from(all) / 12.25, "{lux}");
        }
    }
}
