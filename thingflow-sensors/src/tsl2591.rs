//! [`Tsl2591`]: the light sensor TSL2591 of ams-OSRAM, on an I2C bus.

use core::fmt;

use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, Sensor, SensorId};
use tsl2591_eh_driver::{Driver, Error};

use crate::{Chip, ChipError};

pub use tsl2591_eh_driver::{Gain, IntegrationTimes};

/// The light sensor TSL2591.
///
/// - Unit: lux, 0 to about 5,000 with the medium gain, in steps of 0.08, and up to 88,000 with the lowest. Lightless
///   reads 0.
/// - Address: 0x29, the same for all, and that of a VL53L0X. One of its two channels sees infrared only, and is taken
///   off.
/// - Wiring: 2.7 V to 3.6 V; most modules have a regulator and take 5 V too, their bus stays at 3.3 V.
/// - It takes a reading every 200 ms; sampled faster, it repeats the last one. Wait that long before the first
///   sampling. Sampling takes two transfers of 2 bytes.
/// - A chip that lost its power is set up anew by the sampling after the one that failed.
///
/// Works with whatever implements `embedded-hal` 1.0, for example `I2cdev::new("/dev/i2c-1")` of `linux-embedded-hal`:
///
/// ```
/// use embedded_hal::i2c::I2c;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::{ChipError, tsl2591::Tsl2591};
/// fn watch<B: I2c<Error: Send + Sync> + 'static>(bus: B) -> Result<(), ChipError<B::Error>> {
///     let lux = SensorOutput::new(Tsl2591::new("lux", bus)?);
///     lux.map(|e| e.val > 25.0).connect(call(|light| println!("light: {light}")));
///     Ok(())
/// }
/// ```
///
/// Source: data sheet of ams and the formula of Adafruit's library. Driver: the crate `tsl2591-eh-driver`.
pub struct Tsl2591<B> {
    id: SensorId,
    time: IntegrationTimes,
    gain: Gain,
    ready: bool,
    driver: Driver<B>,
}

const CHIP: Chip = Chip::i2c("TSL2591", 0x29);
const ID: u16 = 0x50;

impl<B: I2c> Tsl2591<B> {
    /// Finds the chip on the bus and switches it on, with medium gain and 200 ms for each reading.
    ///
    /// # Errors
    /// If nobody answers, or another chip.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Result<Self, ChipError<B::Error>> {
        Self::with(id, bus, IntegrationTimes::_200MS, Gain::MED)
    }

    /// As [`new`](Self::new), with another gain and time: low and short for sunlight, high and long for the night.
    ///
    /// # Errors
    /// If nobody answers, or another chip.
    pub fn with(
        id: impl Into<SensorId>,
        bus: B,
        time: IntegrationTimes,
        gain: Gain,
    ) -> Result<Self, ChipError<B::Error>> {
        let mut driver = Driver::new_define_integration(bus, time, gain).map_err(failed)?;
        driver.enable().map_err(failed)?;
        Ok(Self { id: id.into(), time, gain, ready: true, driver })
    }

    fn set_up(&mut self) -> Result<(), Error<B::Error>> {
        self.driver.set_gain(self.gain)?;
        self.driver.set_timing(self.time)?;
        self.driver.enable()
    }

    fn lux(&mut self) -> Result<f32, ChipError<B::Error>> {
        if !self.ready {
            self.set_up().map_err(failed)?;
        }
        match self.driver.get_channel_data().map_err(failed)? {
            (0, _) => self.dark(), // the driver would divide by it
            (all, infrared) => self.driver.calculate_lux(all, infrared).map(|lux| lux.max(0.0)).map_err(failed),
        }
    }

    /// It is dark, unless the chip is off.
    fn dark(&mut self) -> Result<f32, ChipError<B::Error>> {
        let on = self.driver.get_enable().map_err(failed)?.aen();
        if on { Ok(0.0) } else { Err(CHIP.no_reading("it has lost its power for a while")) }
    }
}

fn failed<E>(error: Error<E>) -> ChipError<E> {
    match error {
        Error::I2cError(error) => CHIP.silent(error),
        Error::IdMismatch(found) => CHIP.stranger(found.into(), ID),
        Error::SignalOverflow() | Error::InfraredOverflow() => {
            CHIP.no_reading("too bright for its gain; choose a lower gain or a shorter time")
        }
    }
}

impl<B: I2c<Error: Send + Sync + 'static>> Sensor for Tsl2591<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<f64, SampleError<Self::Error>> {
        let lux = self.lux();
        self.ready = lux.is_ok();
        Ok(lux.map(f64::from)?)
    }
}

impl<B> fmt::Debug for Tsl2591<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tsl2591").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    const ADDRESS: u8 = 0x29;

    fn read(register: u8, bytes: &[u8]) -> Transaction {
        Transaction::write_read(ADDRESS, vec![0xA0 | register], bytes.to_vec())
    }

    fn start() -> Vec<Transaction> {
        let control = Transaction::write(ADDRESS, vec![0xA1, 0x11]); // medium gain, 200 ms
        vec![read(0x12, &[0x50]), control.clone(), control, Transaction::write(ADDRESS, vec![0xA0, 0x93])]
    }

    /// Whether the chip is on, which is asked when it is dark.
    fn is_on(on: bool) -> Transaction {
        read(0x00, &[if on { 0x93 } else { 0 }])
    }

    /// What the sensor says to the two channels.
    fn sample(all: u16, infrared: u16) -> Result<f64, String> {
        let mut talk = start();
        talk.extend([read(0x14, &all.to_le_bytes()), read(0x16, &infrared.to_le_bytes())]);
        talk.extend((all == 0).then(|| is_on(true)));
        let mut bus = Mock::new(&talk);
        let reading = Tsl2591::new("lux", bus.clone()).unwrap().sample().map_err(|e| e.to_string());
        bus.done();
        reading
    }

    #[test]
    fn reads_lux() {
        // (1000 - 200) * (1 - 200 / 1000) / (200 * 25 / 408)
        assert!((sample(1000, 200).unwrap() - 52.224).abs() < 1e-3);
    }

    #[test]
    fn darkness_is_zero_and_not_a_division_by_it() {
        assert_eq!(sample(0, 0), Ok(0.0));
        assert_eq!(sample(10, 10), Ok(0.0));
    }

    #[test]
    fn saturation_says_what_to_do() {
        assert!(sample(0xFFFF, 5).unwrap_err().contains("choose a lower gain"));
    }

    #[test]
    fn is_set_up_anew_after_a_failure_and_a_loss_of_power() {
        let dark = [read(0x14, &[0, 0]), read(0x16, &[0, 0])];
        let mut talk = start();
        talk.push(read(0x14, &[0, 0]).with_error(ErrorKind::Other));
        talk.extend_from_slice(&start()[1..]);
        talk.extend(dark.clone());
        talk.push(is_on(false));
        talk.extend_from_slice(&start()[1..]);
        talk.extend(dark);
        talk.push(is_on(true));
        let mut bus = Mock::new(&talk);
        let mut sensor = Tsl2591::new("lux", bus.clone()).unwrap();
        assert!(sensor.sample().is_err());
        assert_eq!(sensor.sample().unwrap_err().to_string(), "TSL2591: it has lost its power for a while");
        assert_eq!(sensor.sample(), Ok(0.0));
        bus.done();
    }

    #[test]
    fn a_bus_without_the_chip_is_an_error_with_a_hint() {
        let mut bus = Mock::new(&[read(0x12, &[0]).with_error(ErrorKind::Other)]);
        let error = Tsl2591::new("lux", bus.clone()).unwrap_err().to_string();
        assert_eq!(error, "TSL2591 does not answer: Other; check the wiring, and that `i2cdetect -y 1` shows 29");
        bus.done();
        let mut bus = Mock::new(&[read(0x12, &[0x60])]);
        assert_eq!(
            Tsl2591::new("lux", bus.clone()).unwrap_err().to_string(),
            "no TSL2591: another chip answers, with the id 0x60 instead of 0x50"
        );
        bus.done();
    }
}
