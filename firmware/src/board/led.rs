//! [`Led`]: a user LED as a pin.

use core::convert::Infallible;

use embedded_hal::digital::{ErrorType, OutputPin};

use super::register::Register;

/// One bit for each LED.
// SAFETY: the register FPGAIO->LED0, which only switches LEDs.
const LEDS: Register = unsafe { Register::at(0x4002_8000) };

/// LED number 0 or 1.
pub struct Led {
    bit: u32,
}

impl Led {
    /// The LED, switched off.
    pub fn new(number: u32) -> Self {
        let mut led = Self { bit: 1 << number };
        let Ok(()) = led.set_low();
        led
    }

    /// Switches all of them off, whoever has them.
    pub fn all_off() {
        LEDS.write(0);
    }
}

impl ErrorType for Led {
    type Error = Infallible;
}

impl OutputPin for Led {
    fn set_high(&mut self) -> Result<(), Infallible> {
        LEDS.write(LEDS.read() | self.bit);
        Ok(())
    }
    fn set_low(&mut self) -> Result<(), Infallible> {
        LEDS.write(LEDS.read() & !self.bit);
        Ok(())
    }
}
