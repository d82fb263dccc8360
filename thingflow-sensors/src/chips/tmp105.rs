//! [`Tmp105`]: the thermometer TMP105 with all its 12 bits, on an I2C bus.
//!
//! Own code, since the drivers there are read 9 of the 12 bits. QEMU models this chip, so it is also the one with which
//! the emulated board tests a whole program.

use core::fmt;
use core::time::Duration;

use embedded_hal::i2c::I2c;
use thingflow_core::{SampleError, SensorId};

use super::registers::Registers;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Chip, ChipError, Measures, OutOfRange, Quantity};

/// The thermometer TMP105 (also TMP75 and TMP175, which have the same registers).
///
/// - Unit: degrees Celsius, -55 to 127.9375, in steps of 0.0625. ±2 between -25 and 85, ±3 outside.
/// - Address: 0x48 or 0x49, by the pin A0 (TMP75 to 0x4F).
/// - Wiring: 2.7 V to 5.5 V; pull the bus up to the voltage of the board, not to that of the chip.
/// - It measures on its own, every 220 ms. Sampled faster, it repeats the last reading. Sampling takes one transfer of
///   2 bytes.
/// - The first sampling has it measure with 12 bits, whatever another program has told it; the first reading comes a
///   measurement later ([`SampleError::NotYet`]). So it is after a failure.
/// - A chip that lost its power forgets its 12 bits. Where nobody saw the loss, it is told again after 60 readings in a row
///   that are whole halves of a degree.
///
/// Source: data sheet of Texas Instruments, TMP105.
pub struct Tmp105<B> {
    id: SensorId,
    registers: Registers<B>,
    measuring: bool,
    /// How many readings in a row had no more than 9 bits.
    coarse: u8,
}

const TEMPERATURE: u8 = 0;
const CONFIGURATION: u8 = 1;
/// 12 bits, measuring all the time.
const FINEST: u8 = 0b0110_0000;
/// The lowest bits, which it does not have.
const NONE: u8 = 0b0000_1111;
const CELSIUS: Quantity = Quantity::new("temperature", "°C", -55.0..=127.9375);
/// The bits that a chip fresh from its power leaves at 0.
const FINE: u8 = 0b0111_0000;
const TAKES: Duration = Duration::from_millis(320);
/// So many coarse readings may mean that the chip lost its power. It must have time to measure in between, however fast
/// it is sampled.
const COARSE: u8 = 60;

impl<B: I2c> Tmp105<B> {
    /// The chip at 0x48.
    pub fn new(id: impl Into<SensorId>, bus: B) -> Self {
        let registers = Registers::new(Chip::i2c("TMP105", 0x48), bus);
        Self { id: id.into(), registers, measuring: false, coarse: 0 }
    }

    /// Another address: 0x49 with the pin A0 high; a TMP75 or TMP175 up to 0x4F.
    ///
    /// # Panics
    /// If the chip cannot have it.
    #[must_use]
    #[track_caller]
    pub fn address(self, address: u8) -> Self {
        let possible = [0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F];
        Self { registers: self.registers.at(address, &possible), ..self }
    }

    fn celsius(&mut self) -> Result<f64, ChipError<B::Error>> {
        if self.coarse == COARSE {
            self.configure()?;
        }
        let raw: [u8; 2] = self.registers.read(TEMPERATURE)?;
        if raw[1] & NONE != 0 {
            return Err(self.registers.chip.no_reading("it shows bits that it does not have; check its wires"));
        }
        self.coarse = if raw[1] & FINE == 0 { self.coarse + 1 } else { 0 };
        Ok(f64::from(i16::from_be_bytes(raw)) / 256.0)
    }

    fn configure(&mut self) -> Result<(), ChipError<B::Error>> {
        self.registers.write(&[CONFIGURATION, FINEST])?;
        self.coarse = 0;
        Ok(())
    }
}

impl<B> Measures for Tmp105<B> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [CELSIUS]
    }
}

impl<B: I2c> Device for Tmp105<B> {
    type Reading = f64;
    type Error = ChipError<B::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        self.registers.chip.impossible(value)
    }
    fn forget(&mut self) {
        self.measuring = false;
    }
}

impl<B: I2c> DirectDevice for Tmp105<B> {
    fn measure(&mut self) -> Result<f64, SampleError<Self::Error>> {
        if !self.measuring {
            self.configure()?;
            self.measuring = true;
            return Err(SampleError::NotYet(TAKES)); // what it shows may be old
        }
        Ok(self.celsius()?)
    }
}

sensor!([B: I2c<Error: Send + Sync + 'static>] Tmp105<B> => f64, ChipError<B::Error>);

impl<B> fmt::Debug for Tmp105<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tmp105").field("id", &self.id).finish_non_exhaustive()
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
            name: "TMP105",
            fed: |noise| specimen::direct(Tmp105::new("x", FakeChip::new(0x48).wide().noisy(noise))),
            nobody: Some(("48", || specimen::error(Tmp105::new("x", Nobody).sample()))),
            registers: Some(Settings {
                chip: || FakeChip::new(0x48).wide().with(0, &[0x19, 0x00]),
                sensor: |chip| {
                    let mut sensor = Tmp105::new("x", chip);
                    Box::new(move || sensor.sample().is_ok())
                },
                samplings: 2,
                expected: &[(2, 0x60)],
            }),
        }
    }

    fn finest() -> Transaction {
        Transaction::write(0x48, vec![1, 0x60])
    }
    fn read(raw: u16) -> Transaction {
        Transaction::write_read(0x48, vec![0], raw.to_be_bytes().to_vec())
    }

    #[test]
    fn reads_the_table_of_the_data_sheet() {
        let table = [
            (0x7FF0, 127.9375),
            (0x6400, 100.0),
            (0x4B00, 75.0),
            (0x1900, 25.0),
            (0x0040, 0.25),
            (0xFFC0, -0.25),
            (0xE700, -25.0),
            (0xC900, -55.0),
        ];
        for (raw, celsius) in table {
            let mut bus = Mock::new(&[finest(), read(raw)]);
            let mut sensor = Tmp105::new("room", bus.clone());
            assert_eq!((sensor.sample(), sensor.sample()), (Err(SampleError::NotYet(TAKES)), Ok(celsius)));
            bus.done();
        }
    }

    #[test]
    fn is_configured_again_after_a_failure() {
        let mut bus = Mock::new(&[finest(), read(0).with_error(ErrorKind::Other), finest(), read(0x1780)]);
        let mut sensor = Tmp105::new("room", bus.clone());
        let mut sample = || sensor.sample().map_err(|error| matches!(error, SampleError::Failed(_)));
        assert_eq!([sample(), sample(), sample(), sample()], [Err(false), Err(true), Err(false), Ok(23.5)]);
        bus.done();
    }

    #[test]
    fn f32_what_a_chip_shows_that_was_shut_down_is_old() {
        let mut bus = Mock::new(&[finest(), read(0x1780)]);
        let mut sensor = Tmp105::new("room", bus.clone());
        assert_eq!(sensor.sample(), Err(SampleError::NotYet(TAKES)), "not read before it has measured");
        assert_eq!(sensor.sample(), Ok(23.5));
        bus.done();
    }

    #[test]
    fn f20_bits_that_it_does_not_have_are_no_reading() {
        for (raw, why) in [
            (0xFFFF, "TMP105: it shows bits that it does not have; check its wires"),
            (0x8000, "TMP105: temperature of -128 °C is outside of the range from -55 to 127.9375 °C; check its supply"),
        ] {
            let mut bus = Mock::new(&[finest(), read(raw)]);
            let mut sensor = Tmp105::new("room", bus.clone());
            assert_eq!(sensor.sample(), Err(SampleError::NotYet(TAKES)));
            assert!(sensor.sample().unwrap_err().to_string().starts_with(why));
            bus.done();
        }
    }

    #[test]
    fn is_configured_again_after_a_loss_of_power_that_nobody_saw() {
        let (fine, coarse) = (read(0x1790), read(0x1780));
        let mut talk = vec![finest(), coarse.clone(), fine.clone()];
        talk.extend(std::iter::repeat_n(coarse, usize::from(COARSE)));
        talk.extend([finest(), fine.clone(), fine]);
        let mut bus = Mock::new(&talk);
        let mut sensor = Tmp105::new("room", bus.clone());
        assert_eq!(sensor.sample(), Err(SampleError::NotYet(TAKES)));
        let warmest = (0..64).map(|_| sensor.sample().unwrap()).fold(0.0, f64::max);
        assert_eq!(warmest, 23.5625);
        bus.done();
    }
}
