//! [`Mcp3008`]: eight analogue inputs with 10 bits, on an SPI bus.
//!
//! Own code: three bytes, and the drivers there are ask for a nightly compiler or for embedded-hal 0.x.

use core::fmt;

use embedded_hal::spi::SpiDevice;
use thingflow_core::{SampleError, SensorId};

use crate::driver::{Device, DirectDevice, sensor};
use crate::{Chip, ChipError, Measures, OutOfRange, Quantity};

/// The analogue-digital converter MCP3008, or an MCP3004 with its four inputs. A reading is the voltage of each of the
/// inputs you name, in that order.
///
/// - Unit: volts, 0 to the reference, in 1024 steps (3.2 mV at 3.3 V), ±1 step.
/// - Bus: SPI in mode 0, at most 1.35 MHz at 2.7 V and 3.6 MHz at 5 V.
/// - Wiring: 2.7 V to 5.5 V. At 5 V its output is too much for a Raspberry Pi; run it at 3.3 V. No input may exceed the
///   supply by 0.6 V. A probe with more than 1 kΩ needs a slower bus.
/// - Each input takes 3 bytes and is measured meanwhile.
///
/// ```
/// use embedded_hal::spi::SpiDevice;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::{Calibration, CalibrationError, mcp3008::Mcp3008};
/// /// A TMP36 at the first input: 10 mV for each degree, 0.5 V at 0 °C.
/// fn warmth<S: SpiDevice<Error: Send + Sync> + 'static>(spi: S) -> Result<(), CalibrationError> {
///     let celsius = Calibration::new([(0.5, 0.0), (1.5, 100.0)])?;
///     let volts = SensorOutput::new(Mcp3008::new("probe", spi, 3.3, [0]));
///     volts.map(move |e| e.map(|[v]| celsius.apply(v))).connect(call(|e| println!("{e}")));
///     Ok(())
/// }
/// ```
///
/// Source: data sheet of Microchip, DS21295D.
pub struct Mcp3008<S, const N: usize> {
    id: SensorId,
    spi: S,
    reference: f64,
    inputs: [u8; N],
}

const CHIP: Chip = Chip::spi("MCP3008");
/// The chip pulls the line low for it, before the first bit of the value.
const NULL_BIT: u8 = 0b100;

impl<S: SpiDevice, const N: usize> Mcp3008<S, N> {
    /// The inputs, 0 to 7, each against ground. `reference` is the voltage at the pin VREF. A chip
    /// that is not there is noticed only where the line MISO stays high; where it stays low all inputs read 0.
    ///
    /// # Panics
    /// If there is no such input, or the reference is no voltage above 0.
    #[track_caller]
    pub fn new(id: impl Into<SensorId>, spi: S, reference: f64, inputs: [u8; N]) -> Self {
        assert!(inputs.iter().all(|input| *input < 8), "an MCP3008 has the inputs 0 to 7, not {inputs:?}");
        assert!(reference.is_finite() && reference > 0.0, "a reference has more than 0 V, for example 3.3, not {reference}");
        Self { id: id.into(), spi, reference, inputs }
    }

    fn volts(&mut self, input: u8) -> Result<f64, ChipError<S::Error>> {
        // The start bit, then "against ground" and the number of the input; figure 6-1.
        let mut bytes = [0x01, 0x80 | input << 4, 0x00];
        self.spi.transfer_in_place(&mut bytes).map_err(|error| CHIP.silent(error))?;
        let [_, high, low] = bytes;
        if high & NULL_BIT != 0 {
            return Err(CHIP.no_reading("it does not answer; check the wiring and which select line it has"));
        }
        let raw = u16::from_be_bytes([high & 0x03, low]);
        Ok(f64::from(raw) * self.reference / 1024.0)
    }
}

impl<S, const N: usize> Measures for Mcp3008<S, N> {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [Quantity::new("voltage", "V", 0.0..=self.reference)]
    }
}

impl<S: SpiDevice, const N: usize> Device for Mcp3008<S, N> {
    type Reading = [f64; N];
    type Error = ChipError<S::Error>;

    fn refuse(&self, value: OutOfRange) -> Self::Error {
        CHIP.impossible(value)
    }
}

impl<S: SpiDevice, const N: usize> DirectDevice for Mcp3008<S, N> {
    fn measure(&mut self) -> Result<[f64; N], SampleError<Self::Error>> {
        let mut volts = [0.0; N];
        for (volts, input) in volts.iter_mut().zip(self.inputs) {
            *volts = self.volts(input)?;
        }
        Ok(volts)
    }
}

sensor!([S: SpiDevice<Error: Send + Sync + 'static>, const N: usize] Mcp3008<S, N> => [f64; N], ChipError<S::Error>);

impl<S, const N: usize> fmt::Debug for Mcp3008<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mcp3008").field("id", &self.id).field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::fake::FakeSpi;
    use crate::chips::specimen::{self, Specimen};
    use thingflow_core::Sensor;
    use embedded_hal::spi::{ErrorKind, ErrorType, Operation};
    use embedded_hal_mock::eh1::spi::{Mock, Transaction};

    pub(crate) fn specimen() -> Specimen {
        Specimen {
            name: "MCP3008",
            fed: |noise| specimen::direct(Mcp3008::new("x", FakeSpi(noise), 3.3, [0, 7])),
            nobody: None,
            registers: None,
        }
    }

    fn talk(sent: [u8; 3], answer: [u8; 3]) -> [Transaction<u8>; 3] {
        let transfer = Transaction::transfer_in_place(sent.to_vec(), answer.to_vec());
        [Transaction::transaction_start(), transfer, Transaction::transaction_end()]
    }

    /// A bus that fails.
    struct Dead;

    impl ErrorType for Dead {
        type Error = ErrorKind;
    }
    impl SpiDevice for Dead {
        fn transaction(&mut self, _: &mut [Operation<'_, u8>]) -> Result<(), ErrorKind> {
            Err(ErrorKind::Other)
        }
    }

    #[test]
    fn reads_the_inputs_in_the_order_given() {
        // What comes before the null bit is undefined.
        let mut words = talk([1, 0xF0, 0], [0xFF, 0xFA, 0x00]).to_vec();
        words.extend(talk([1, 0x80, 0], [0xFF, 0xFB, 0xFF]));
        let mut spi = Mock::new(&words);
        assert_eq!(Mcp3008::new("adc", spi.clone(), 4.0, [7, 0]).sample().unwrap(), [2.0, 3.996_093_75]);
        spi.done();
    }

    #[test]
    fn a_line_that_nobody_pulls_low_is_an_error() {
        let mut spi = Mock::new(&talk([1, 0x80, 0], [0xFF; 3]));
        let error = Mcp3008::new("adc", spi.clone(), 3.3, [0]).sample().unwrap_err().to_string();
        assert_eq!(error, "MCP3008: it does not answer; check the wiring and which select line it has");
        spi.done();
    }

    #[test]
    fn a_bus_that_fails_is_an_error_with_a_hint() {
        let error = Mcp3008::new("adc", Dead, 3.3, [0]).sample().unwrap_err().to_string();
        assert_eq!(error, "MCP3008 cannot be reached: Other; check the wiring, and that SPI is switched on");
    }

    #[test]
    #[should_panic(expected = "the inputs 0 to 7, not [8]")]
    fn refuses_an_input_that_is_not_there() {
        Mcp3008::new("adc", Mock::new(&[]), 3.3, [8]);
    }

    #[test]
    #[should_panic(expected = "a reference has more than 0 V, for example 3.3, not NaN")]
    fn f20_a_reference_that_is_not_a_number_is_refused() {
        Mcp3008::new("adc", Mock::new(&[]), f64::NAN, [0]);
    }
}
