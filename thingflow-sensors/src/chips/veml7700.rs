//! [`Veml7700`]: the light sensors VEML7700 and VEML6030, on an I2C bus.
//!
//! The driver `veml6030` computes lux. The three transfers are own code, since it does not read the settings back, by
//! which alone a chip that is off can be told from darkness.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, SensorId};
use veml6030::convert_raw_als_to_lux;

use super::registers::Registers;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Chip, ChipError, Measures, OutOfRange, Quantity};

pub use veml6030::{Gain, IntegrationTime};

/// The light sensor VEML7700, or the VEML6030, which is the same in another package.
///
/// - Unit: lux, with the usual gain of 1/4 and 100 ms 0 to 32,000 in steps of 0.23 and, towards the end, 2. In steps of
///   0.0036 in the dark (gain 2, 800 ms), up to 120,000 in the sun (gain 1/8, 100 ms), never both. Above 1,000 lux and
///   with a gain of 1/4 or 1/8 the driver corrects the chip's curve.
/// - Address: 0x10; a VEML6030 with the pin ADDR high 0x48.
/// - Wiring: 2.5 V to 3.6 V; pull the bus up to no more than that.
/// - It measures on its own, once in each integration time. Sampled faster, it repeats the last reading. Sampling takes
///   one transfer of 2 bytes, in full darkness two.
/// - The first sampling has it measure: unless it did so already, the first reading comes a measurement later
///   ([`SampleError::NotYet`]). So it is after a failure, and a loss of power is one.
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::veml7700::{Gain, Veml7700};
/// fn watch<B: I2c<Error: Send + Sync> + 'static>(bus: B) {
///     let lux = SensorOutput::new(Veml7700::new("roof", bus).gain(Gain::OneEighth));
///     lux.map(|e| e.val > 60_000.0).connect(call(|sun| println!("full sun: {sun}")));
/// }
/// ```
///
/// Source: data sheet of Vishay, 84286, and its application note 84323. Driver: the crate `veml6030`.
pub struct Veml7700<B> {
    id: SensorId,
    chip: Registers<B>,
    time: IntegrationTime,
    gain: Gain,
    measuring: bool,
}

const CONFIGURATION: u8 = 0;
const POWER_SAVING: u8 = 3;
const LIGHT: u8 = 4;
const NO_SAVING: [u8; 2] = [0, 0];
const ILLUMINANCE: Quantity = Quantity::new("illuminance", "lx", 0.0..=120_000.0);
const OFF: u16 = 0b1;

impl<B: I2c> Veml7700<B> {
    /// The chip at 0x10, with a gain of 1/4 and 100 ms for each reading.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        let chip = Registers::new(Chip::i2c("VEML7700", 0x10), bus);
        Self { id: id.into(), chip, time: IntegrationTime::Ms100, gain: Gain::OneQuarter, measuring: false }
    }

    /// Another address: 0x48, which only the VEML6030 can have.
    ///
    /// # Panics
    /// If neither chip can have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        Self { chip: self.chip.at(address, &[0x10, 0x48]), ..self }
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

    /// The register ALS_CONF_0, with the chip on; table 1.
    fn settings(&self) -> u16 {
        let gain = match self.gain {
            Gain::One => 0,
            Gain::Two => 1,
            Gain::OneEighth => 2,
            Gain::OneQuarter => 3,
        };
        let time = match self.time {
            IntegrationTime::Ms25 => 0b1100,
            IntegrationTime::Ms50 => 0b1000,
            IntegrationTime::Ms100 => 0b0000,
            IntegrationTime::Ms200 => 0b0001,
            IntegrationTime::Ms400 => 0b0010,
            IntegrationTime::Ms800 => 0b0011,
        };
        gain << 11 | time << 6
    }

    /// One measurement, and half of it for a slow clock and for waking up.
    fn takes(&self) -> Duration {
        Duration::from_millis(self.time.as_ms().into()) * 3 / 2
    }

    fn is_measuring(&mut self) -> Result<bool, ChipError<B::Error>> {
        Ok(u16::from_le_bytes(self.chip.read(CONFIGURATION)?) == self.settings())
    }

    /// Has it measure without pauses. False if it does already.
    fn begin(&mut self) -> Result<bool, ChipError<B::Error>> {
        if self.is_measuring()? && self.chip.read(POWER_SAVING)? == NO_SAVING {
            return Ok(false);
        }
        // Its settings may be changed only while it is off.
        self.configure(self.settings() | OFF)?;
        let [low, high] = NO_SAVING;
        self.chip.write(&[POWER_SAVING, low, high])?;
        self.configure(self.settings())?;
        Ok(true)
    }

    fn configure(&mut self, settings: u16) -> Result<(), ChipError<B::Error>> {
        let [low, high] = settings.to_le_bytes();
        self.chip.write(&[CONFIGURATION, low, high])
    }

    /// What mends it that the light is beyond what the chip measures as it is set.
    fn too_bright(&self) -> &'static str {
        if self.gain == Gain::OneEighth && self.time.as_ms() <= 100 {
            "too bright, even for its lowest gain: shade it, or put a filter before it"
        } else {
            "too bright for its gain; choose a lower gain or a shorter time"
        }
    }

    fn reading(&mut self) -> Result<f64, SampleError<ChipError<B::Error>>> {
        if !self.measuring {
            let begun = self.begin()?;
            self.measuring = true;
            if begun {
                return Err(SampleError::NotYet(self.takes()));
            }
        }
        let why = match u16::from_le_bytes(self.chip.read(LIGHT)?) {
            u16::MAX => self.too_bright(),
            0 if !self.is_measuring()? => "it has lost its power for a while",
            raw => return Ok(convert_raw_als_to_lux(self.time, self.gain, raw).into()),
        };
        Err(self.chip.chip.no_reading(why).into())
    }
}

impl<B> Measures for Veml7700<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [ILLUMINANCE]
    }
}

impl<B: I2c> Device for Veml7700<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        // Beyond its range the correction grows without bounds: that is light, and no fault of the wires.
        if value.value > *ILLUMINANCE.range().end() {
            return self.chip.chip.no_reading(self.too_bright());
        }
        self.chip.chip.impossible(value)
    }
    fn forget(&mut self) {
        self.measuring = false;
    }
}

impl<B: I2c> DirectDevice for Veml7700<B> {
    fn measure(&mut self) -> Result<f64, SampleError<Self::Error>> {
        self.reading()
    }
}

sensor!([B: I2c<Error: Send + Sync + 'static>] Veml7700<B> => f64, ChipError<B::Error>);

impl<B> fmt::Debug for Veml7700<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Veml7700").field("id", &self.id).finish_non_exhaustive()
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
            name: "VEML7700",
            fed: |noise| {
                let fed = specimen::direct(Veml7700::new("x", FakeChip::new(0x10).wide().noisy(noise)));
                let bright = Veml7700::new("x", FakeChip::new(0x10).wide().noisy(noise)).gain(Gain::OneEighth);
                fed.and(specimen::direct(bright.integration_time(IntegrationTime::Ms25)))
            },
            nobody: Some(("10", || specimen::error(Veml7700::new("x", Nobody).sample()))),
            registers: Some(Settings {
                chip: || FakeChip::new(0x10).wide().with(8, &[0xE8, 0x03]),
                sensor: |chip| {
                    let mut sensor = Veml7700::new("x", chip);
                    Box::new(move || sensor.sample().is_ok())
                },
                samplings: 2,
                expected: &[(0, 0x00), (1, 0x18), (6, 0), (7, 0)],
            }),
        }
    }

    fn configuration(bits: u16) -> Transaction {
        Transaction::write_read(0x10, vec![0], bits.to_le_bytes().to_vec())
    }
    /// Off, as after power-on; told the time (100 ms is 0) and the gain (1/4 is 3 at bit 11), and switched on.
    fn start() -> Vec<Transaction> {
        let set = |low| Transaction::write(0x10, vec![0, low, 0x18]);
        vec![configuration(0x0001), set(0x01), Transaction::write(0x10, vec![3, 0, 0]), set(0x00)]
    }
    fn saving(bits: u8) -> Transaction {
        Transaction::write_read(0x10, vec![3], vec![bits, 0])
    }
    fn light(raw: u16) -> Transaction {
        Transaction::write_read(0x10, vec![4], raw.to_le_bytes().to_vec())
    }
    /// What the sensor says in so many samplings.
    fn samples(talk: &[Transaction], times: usize) -> Vec<String> {
        let mut bus = Mock::new(talk);
        let mut sensor = Veml7700::new("lux", bus.clone());
        let say = |_| sensor.sample().map_or_else(|error| error.to_string(), |lux| format!("{lux:.1}"));
        let said = (0..times).map(say).collect();
        bus.done();
        said
    }
    fn sample(raw: u16) -> Result<f64, String> {
        let mut talk = vec![configuration(0x1800), saving(0), light(raw)];
        talk.extend((raw == 0).then(|| configuration(0x1800)));
        let mut bus = Mock::new(&talk);
        let reading = Veml7700::new("lux", bus.clone()).sample().map_err(|e| e.to_string());
        bus.done();
        reading
    }

    #[test]
    fn reads_lux() {
        assert!((sample(1000).unwrap() - 230.4).abs() < 1e-3); // 0.2304 lux each
        assert_eq!(sample(0), Ok(0.0));
    }

    #[test]
    fn corrects_bright_light_as_the_application_note_says() {
        let x: f64 = 43_403.0 * 0.2304; // about 10,000 lux before the correction
        let y = 6.0135e-13 * x.powi(4) - 9.3924e-9 * x.powi(3) + 8.1488e-5 * x.powi(2) + 1.0023 * x;
        assert!((sample(43_403).unwrap() / y - 1.0).abs() < 1e-6);
    }

    #[test]
    fn saturation_says_what_to_do() {
        assert!(sample(0xFFFF).unwrap_err().contains("choose a lower gain"));
    }

    #[test]
    fn light_beyond_the_range_says_what_to_do_at_each_gain() {
        let said = |gain, bits, raw| {
            let mut bus = Mock::new(&[configuration(bits), saving(0), light(raw)]);
            let error = Veml7700::new("lux", bus.clone()).gain(gain).sample().unwrap_err().to_string();
            bus.done();
            error
        };
        let shade = "VEML7700: too bright, even for its lowest gain: shade it, or put a filter before it";
        assert_eq!(said(Gain::OneEighth, 0x1000, 0xFFFF), shade);
        assert_eq!(said(Gain::OneEighth, 0x1000, 0xFFFE), shade, "200,000 lx and more by the curve");
        assert!(said(Gain::OneQuarter, 0x1800, 0xFFFF).ends_with("choose a lower gain or a shorter time"));
    }

    #[test]
    fn each_setting_has_its_bits() {
        let mut bus = Mock::new(&[]);
        let sensor = || Veml7700::new("lux", bus.clone());
        let gains = [Gain::One, Gain::Two, Gain::OneEighth, Gain::OneQuarter];
        assert_eq!(gains.map(|gain| sensor().gain(gain).settings()), [0x0000, 0x0800, 0x1000, 0x1800]);
        for (time, bits) in [
            (IntegrationTime::Ms25, 0x1B00),
            (IntegrationTime::Ms50, 0x1A00),
            (IntegrationTime::Ms100, 0x1800),
            (IntegrationTime::Ms200, 0x1840),
            (IntegrationTime::Ms400, 0x1880),
            (IntegrationTime::Ms800, 0x18C0),
        ] {
            assert_eq!(sensor().integration_time(time).settings(), bits);
        }
        bus.done();
    }

    #[test]
    fn shows_no_darkness_that_is_none_after_a_failure() {
        let mut talk = start();
        talk.push(light(0).with_error(ErrorKind::Other));
        talk.extend(start());
        talk.push(light(10));
        let said = samples(&talk, 4);
        assert_eq!(
            (said[0].as_str(), said[2].as_str(), said[3].as_str()),
            ("there is no reading yet", said[0].as_str(), "2.3")
        );
        assert!(said[1].starts_with("VEML7700 does not answer: "), "{said:?}");
    }

    #[test]
    fn f34_a_chip_that_saves_power_is_set_up_before_it_is_read() {
        let mut talk = vec![configuration(0x1800), saving(0b001)];
        talk.extend(start().split_off(1));
        talk.push(light(10));
        assert_eq!(samples(&talk, 2), ["there is no reading yet", "2.3"]);
    }

    #[test]
    fn tells_a_chip_that_is_off_from_darkness() {
        let mut talk = start();
        talk.extend([light(0), configuration(0x1800), light(0), configuration(0x0001)]);
        talk.extend(start());
        let said = samples(&talk, 4);
        let nothing = "there is no reading yet";
        assert_eq!(said, [nothing, "0.0", "VEML7700: it has lost its power for a while", nothing]);
    }

    #[test]
    fn a_veml6030_has_another_address() {
        let mut bus = Mock::new(&[
            Transaction::write_read(0x48, vec![0], vec![0x00, 0x18]),
            Transaction::write_read(0x48, vec![3], vec![0, 0]),
            Transaction::write_read(0x48, vec![4], vec![10, 0]),
        ]);
        assert!(Veml7700::new("lux", bus.clone()).address(0x48).sample().unwrap() > 2.0);
        bus.done();
    }
}
