//! [`Scd4x`]: CO2, temperature and humidity from the SCD40, SCD41, SCD43, on an I2C bus.

use core::fmt;
use core::time::Duration;

use ::scd4x::{Error, Scd4x as Driver};
use embedded_hal::{delay::DelayNs, i2c::I2c};
use thingflow_core::SensorId;

use crate::driver::{Device, SlowDevice, conversion};
use crate::readings::fields;
use crate::{Chip, ChipError, Measures, OutOfRange, Progress, Quantity};

/// The CO2 sensor SCD4x.
///
/// - Units: ppm of CO2, 400 to 5000 (SCD40: specified to 2000), in steps of 1, ±50 and 5 % of the value; degrees Celsius,
///   -10 to 60, ±0.8; percent of relative humidity, 0 to 100, ±6. What lies beyond an end by no more than the chip's
///   tolerance, as in fresh air, reads as that end. The chip warms itself by some 4 degrees, which it takes off again.
/// - Address: 0x62.
/// - Wiring: 2.4 V to 5.5 V, with up to 205 mA for a moment: give it a supply of its own. Pull the bus up to the
///   voltage of the board. It takes some minutes to settle, and once a week it must see fresh air, which it calibrates
///   itself by.
/// - It is a [`Conversion`](crate::Conversion), for [`Converting`](crate::Converting) or [`Blocking`](crate::Blocking).
///   It measures every 5 s on its own; a tick in between waits for the next value.
///   [`single_shot`](Self::single_shot) (not SCD40) measures at each tick, which takes 5 s, and saves power in between.
/// - For the first tick, after a failure, and when no value came for ten seconds, it is stopped, goes back to the settings
///   that are stored in it, is told those of the program and started anew, which takes half a second more. The program's
///   settings are not stored in the chip. One that another program has put to sleep is woken up, which costs a failed tick.
///
/// Source: data sheet of Sensirion, SCD4x, version 1.4. Driver: the crate `scd4x`.
pub struct Scd4x<B, D> {
    id: SensorId,
    state: State,
    continuous: bool,
    settings: Settings,
    driver: Driver<B, Short<D>>,
}

/// A reading of a [`Scd4x`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Air {
    /// Carbon dioxide in parts per million.
    pub co2: f64,
    /// The temperature in degrees Celsius.
    pub temperature: f64,
    /// The relative humidity in percent.
    pub humidity: f64,
}

fields!(Air: co2 0, temperature 1, humidity 2);

const QUANTITIES: [Quantity; 3] = [
    Quantity::new("co2", "ppm", 400.0..=5000.0).cut_off(330.0..=5300.0),
    Quantity::new("temperature", "°C", -10.0..=60.0),
    Quantity::new("humidity", "%", 0.0..=100.0),
];

/// What the chip is told; otherwise it goes by what is stored in it.
#[derive(Clone, Copy, Default)]
struct Settings {
    altitude: Option<u16>,
    ambient_pressure: Option<u16>,
    temperature_offset: Option<f32>,
    self_calibration: Option<bool>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Nobody knows what the chip does.
    Unknown,
    /// It has been told to stop what it may be doing.
    Stopping,
    /// It has been told to go back to the settings stored in it.
    Reloading,
    /// It measures, and has a reading to come.
    Measuring,
    /// Its last reading has been fetched.
    Idle,
}

const CHIP: Chip = Chip::i2c("SCD4x", 0x62);
const STOPS_IN: Duration = Duration::from_millis(500);
const RELOADS_IN: Duration = Duration::from_millis(30);
const TAKES: Duration = Duration::from_secs(5);
const NOT_YET: Duration = Duration::from_millis(100);

impl<B: I2c, D: DelayNs> Scd4x<B, D> {
    /// The chip, which will measure every 5 s on its own.
    pub fn new(id: impl Into<SensorId>, bus: B, delay: D) -> Self {
        let driver = Driver::new(bus, Short(delay));
        Self { id: id.into(), state: State::Unknown, continuous: true, settings: Settings::default(), driver }
    }

    /// Has it measure only when it is asked to. Not for the SCD40, which does not know how.
    #[must_use]
    pub fn single_shot(self) -> Self {
        Self { continuous: false, ..self }
    }

    /// How high above the sea it is, in metres: thin air holds less CO2. 0 unless told otherwise, which makes an error of
    /// some 1 % for each 100 m.
    ///
    /// # Panics
    /// Above 3000 m, for which the chip is not made.
    #[must_use]
    #[track_caller]
    pub fn altitude(mut self, metres: u16) -> Self {
        assert!(metres <= 3000, "an SCD4x works up to 3000 m above the sea, not at {metres}");
        self.settings.altitude = Some(metres);
        self
    }

    /// The pressure around it, in hectopascals, instead of the altitude.
    ///
    /// # Panics
    /// Outside of 700 to 1200 hPa, for which the chip is not made.
    #[must_use]
    #[track_caller]
    pub fn ambient_pressure(mut self, hectopascals: u16) -> Self {
        assert!((700..=1200).contains(&hectopascals), "an SCD4x works at 700 to 1200 hPa, not at {hectopascals}");
        self.settings.ambient_pressure = Some(hectopascals);
        self
    }

    /// How many degrees it is warmer in the case than around it, once everything in it has been running for a while. 4
    /// unless told otherwise. Temperature and humidity depend on it, CO2 does not.
    ///
    /// # Panics
    /// If it is not one of 0 to 20 degrees.
    #[must_use]
    #[track_caller]
    pub fn temperature_offset(mut self, celsius: f32) -> Self {
        assert!((0.0..=20.0).contains(&celsius), "an SCD4x takes off 0 to 20 degrees, not {celsius}");
        self.settings.temperature_offset = Some(celsius);
        self
    }

    /// Whether it takes the least CO2 of the last week for that of fresh air. On unless told otherwise; off where fresh
    /// air never comes.
    #[must_use]
    pub fn self_calibration(mut self, on: bool) -> Self {
        self.settings.self_calibration = Some(on);
        self
    }

    fn configure(&mut self) -> Result<(), Error<B::Error>> {
        let Settings { altitude, ambient_pressure, temperature_offset, self_calibration } = self.settings;
        altitude.map_or(Ok(()), |metres| self.driver.set_altitude(metres))?;
        ambient_pressure.map_or(Ok(()), |hectopascals| self.driver.set_ambient_pressure(hectopascals))?;
        temperature_offset.map_or(Ok(()), |celsius| self.driver.set_temperature_offset(celsius))?;
        self_calibration.map_or(Ok(()), |on| self.driver.set_automatic_self_calibration(on))
    }

    fn measure(&mut self) -> Result<(), Error<B::Error>> {
        if self.continuous {
            self.driver.start_periodic_measurement()
        } else {
            self.driver.measure_single_shot_non_blocking()
        }
    }

    /// Stops what another program may have begun. It takes no other command while it measures.
    fn stop(&mut self) -> Result<Duration, Error<B::Error>> {
        if let Err(error) = self.driver.stop_periodic_measurement() {
            self.driver.wake_up(); // asleep, it does not even answer
            return Err(error);
        }
        self.state = State::Stopping;
        Ok(STOPS_IN)
    }

    fn start_one(&mut self) -> Result<Duration, Error<B::Error>> {
        match self.state {
            State::Idle if self.continuous => {
                self.state = State::Measuring;
                Ok(Duration::ZERO)
            }
            State::Idle => {
                self.measure()?;
                self.state = State::Measuring;
                Ok(TAKES)
            }
            // It was told already, and answers nothing before it has stopped.
            State::Stopping => Ok(STOPS_IN),
            // Also when the last measurement never came to an end.
            State::Unknown | State::Reloading | State::Measuring => self.stop(),
        }
    }

    fn step(&mut self) -> Result<Progress<Air>, Error<B::Error>> {
        match self.state {
            State::Stopping => {
                self.driver.reinit()?;
                self.state = State::Reloading;
                Ok(Progress::AskIn(RELOADS_IN))
            }
            State::Reloading => {
                self.configure()?;
                self.measure()?;
                self.state = State::Measuring;
                Ok(Progress::AskIn(TAKES))
            }
            _ if !self.driver.data_ready_status()? => Ok(Progress::AskIn(NOT_YET)),
            _ => {
                let data = self.driver.measurement()?;
                self.state = State::Idle;
                let (temperature, humidity) = (data.temperature.into(), data.humidity.into());
                Ok(Progress::Ready(Air { co2: data.co2.into(), temperature, humidity }))
            }
        }
    }
}

fn failed<E>(error: Error<E>) -> ChipError<E> {
    match error {
        Error::I2c(error) => CHIP.silent(error),
        Error::Crc => CHIP.corrupt(),
        Error::SelfTest | Error::Internal => CHIP.no_reading("the chip is broken"),
        Error::NotAllowed => CHIP.no_reading("it measures already"),
    }
}

impl<B, D> Measures for Scd4x<B, D> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        QUANTITIES
    }
}

impl<B: I2c, D: DelayNs> Device for Scd4x<B, D> {
    type Reading = Air;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        CHIP.impossible(value)
    }
    fn forget(&mut self) {
        self.state = State::Unknown;
    }
}

impl<B: I2c, D: DelayNs> SlowDevice for Scd4x<B, D> {
    fn begin(&mut self) -> Result<Duration, Self::Error> {
        self.start_one().map_err(failed)
    }
    fn progress(&mut self) -> Result<Progress<Air>, Self::Error> {
        self.step().map_err(failed)
    }
}

conversion!([B: I2c<Error: Send + Sync + 'static>, D: DelayNs] Scd4x<B, D> => Air, ChipError<B::Error>);

impl<B, D> fmt::Debug for Scd4x<B, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scd4x").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Waits the millisecond between a command and its answer. Longer waits of the driver are those of a [`Conversion`](crate::Conversion).
struct Short<D>(D);

impl<D: DelayNs> DelayNs for Short<D> {
    fn delay_ns(&mut self, ns: u32) {
        if ns <= 10_000_000 {
            self.0.delay_ns(ns);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Conversion;
    use crate::chips::fake::{FakeWords, Nobody, crc8};
    use crate::chips::specimen::{self, Specimen};
    use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "SCD4x",
            fed: |noise| specimen::slow(Scd4x::new("x", FakeWords(noise), NoopDelay)),
            nobody: Some(("62", || specimen::error(Scd4x::new("x", Nobody, NoopDelay).start()))),
            registers: None, // it is told by commands
        }
    }

    fn command(code: u16) -> Transaction {
        Transaction::write(0x62, code.to_be_bytes().to_vec())
    }
    const STOP: u16 = 0x3F86;
    const RELOAD: u16 = 0x3646;
    const PERIODIC: u16 = 0x21B1;
    const SINGLE: u16 = 0x219D;

    fn ready(ready: bool) -> [Transaction; 2] {
        let answer = if ready { [0x80, 0x06, 0x04] } else { [0x80, 0x00, 0xA2] };
        [command(0xE4B8), Transaction::read(0x62, answer.to_vec())]
    }
    /// The example of the data sheet, section 3.6.2: 500 ppm, 25 °C, 37 %.
    fn example() -> [Transaction; 2] {
        let answer = vec![0x01, 0xF4, 0x33, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C];
        [command(0xEC05), Transaction::read(0x62, answer)]
    }
    fn check(progress: Progress<Air>) {
        let Progress::Ready(air) = progress else { panic!("{progress:?}") };
        assert_eq!(air.co2, 500.0);
        assert!((air.temperature - 25.0).abs() < 0.01, "{air:?}");
        assert!((air.humidity - 37.0).abs() < 0.01, "{air:?}");
    }

    #[test]
    fn measures_on_its_own() {
        let mut talk = vec![command(STOP), command(RELOAD), command(PERIODIC)];
        talk.extend(ready(false));
        talk.extend(ready(true));
        talk.extend(example());
        talk.extend(ready(true)); // the second reading needs no start
        talk.extend(example());
        let mut bus = Mock::new(&talk);
        let mut sensor = Scd4x::new("office", bus.clone(), NoopDelay);
        assert_eq!(sensor.start(), Ok(STOPS_IN));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(RELOADS_IN)));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(TAKES)));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(NOT_YET)));
        check(sensor.read().unwrap());
        assert_eq!(sensor.start(), Ok(Duration::ZERO));
        check(sensor.read().unwrap());
        bus.done();
    }

    #[test]
    fn measures_when_asked() {
        let mut talk = vec![command(STOP), command(RELOAD), command(SINGLE)];
        talk.extend(ready(true));
        talk.extend(example());
        talk.push(command(SINGLE));
        let mut bus = Mock::new(&talk);
        let mut sensor = Scd4x::new("office", bus.clone(), NoopDelay).single_shot();
        assert_eq!(sensor.start(), Ok(STOPS_IN));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(RELOADS_IN)));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(TAKES)));
        check(sensor.read().unwrap());
        assert_eq!(sensor.start(), Ok(TAKES));
        bus.done();
    }

    #[test]
    fn starts_anew_after_a_failure_and_when_nothing_comes() {
        let mut talk = vec![command(STOP), command(RELOAD), command(PERIODIC)];
        let [ask, answer] = ready(false);
        talk.extend([ask.clone(), answer.with_error(ErrorKind::Other)]);
        talk.extend([command(STOP), command(RELOAD), command(PERIODIC)]);
        talk.extend(ready(false));
        talk.push(command(STOP)); // given up
        let mut bus = Mock::new(&talk);
        let mut sensor = Scd4x::new("office", bus.clone(), NoopDelay);
        assert_eq!(sensor.start(), Ok(STOPS_IN));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(RELOADS_IN)));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(TAKES)));
        assert!(sensor.read().is_err());
        assert_eq!(sensor.start(), Ok(STOPS_IN));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(RELOADS_IN)));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(TAKES)));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(NOT_YET)));
        assert_eq!(sensor.start(), Ok(STOPS_IN));
        bus.done();
    }

    #[test]
    fn a_wrong_checksum_is_no_reading() {
        let mut talk = vec![command(STOP), command(RELOAD), command(PERIODIC), command(0xE4B8)];
        talk.push(Transaction::read(0x62, vec![0x80, 0x06, 0x00]));
        let mut bus = Mock::new(&talk);
        let mut sensor = Scd4x::new("office", bus.clone(), NoopDelay);
        assert_eq!(sensor.start(), Ok(STOPS_IN));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(RELOADS_IN)));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(TAKES)));
        assert_eq!(sensor.read(), Err(CHIP.corrupt()));
        bus.done();
    }

    #[test]
    fn is_told_its_settings_before_it_starts() {
        let set = |bytes: [u8; 5]| Transaction::write(0x62, bytes.to_vec());
        let talk = [
            command(STOP),
            command(RELOAD),
            // The examples of the data sheet: 1950 m, 987 hPa, 5.4 °C, off.
            set([0x24, 0x27, 0x07, 0x9E, 0x09]),
            set([0xE0, 0x00, 0x03, 0xDB, 0x42]),
            set([0x24, 0x1D, 0x07, 0xE6, 0x48]),
            set([0x24, 0x16, 0x00, 0x00, 0x81]),
            command(PERIODIC),
        ];
        let mut bus = Mock::new(&talk);
        let sensor = Scd4x::new("office", bus.clone(), NoopDelay).altitude(1950).ambient_pressure(987);
        let mut sensor = sensor.temperature_offset(5.4).self_calibration(false);
        assert_eq!(sensor.start(), Ok(STOPS_IN));
        assert_eq!(sensor.start(), Ok(STOPS_IN), "asked again too early: the chip is left alone");
        assert_eq!(sensor.read(), Ok(Progress::AskIn(RELOADS_IN)));
        assert_eq!(sensor.read(), Ok(Progress::AskIn(TAKES)));
        bus.done();
    }

    /// What comes of an answer of these three words.
    fn answered(words: [u16; 3]) -> Result<Air, String> {
        let bytes = words.iter().flat_map(|word| {
            let [high, low] = word.to_be_bytes();
            [high, low, crc8(&[high, low])]
        });
        let mut talk = ready(true).to_vec();
        talk.extend([command(0xEC05), Transaction::read(0x62, bytes.collect())]);
        let mut bus = Mock::new(&talk);
        let mut sensor = Scd4x { state: State::Measuring, ..Scd4x::new("office", bus.clone(), NoopDelay) };
        let reading = sensor.read().map_err(|error| error.to_string());
        bus.done();
        reading.map(|progress| match progress {
            Progress::Ready(air) => air,
            later @ Progress::AskIn(_) => panic!("{later:?}"),
        })
    }

    #[test]
    fn f20_a_word_of_zero_is_no_air_without_co2() {
        let error = answered([0, 0x6667, 0x5EB9]).unwrap_err();
        assert!(error.starts_with("SCD4x: co2 of 0 ppm is outside of the range from 400 to 5000 ppm; check"), "{error}");
        let error = answered([500, 0, 0x5EB9]).unwrap_err();
        assert!(error.starts_with("SCD4x: temperature of -45 °C is outside of the range from -10 to 60 °C"), "{error}");
        assert!(answered([0xFFFF, 0x6667, 0x5EB9]).is_err());
    }

    #[test]
    fn fresh_air_reads_as_the_least_there_is() {
        assert_eq!([391, 400, 5200].map(|co2| answered([co2, 0x6667, 0x5EB9]).unwrap().co2), [400.0, 400.0, 5000.0]);
    }

    #[test]
    fn f30_a_chip_that_sleeps_is_woken_up() {
        let asleep = command(STOP).with_error(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        let mut bus = Mock::new(&[asleep, command(0x36F6), command(STOP)]);
        let mut sensor = Scd4x::new("office", bus.clone(), NoopDelay);
        assert!(sensor.start().is_err());
        assert_eq!(sensor.start(), Ok(STOPS_IN));
        bus.done();
    }

    #[test]
    #[should_panic(expected = "an SCD4x works at 700 to 1200 hPa, not at 1")]
    fn a_pressure_in_another_unit_is_refused() {
        let _ = Scd4x::new("office", Mock::new(&[]), NoopDelay).ambient_pressure(1);
    }
}
