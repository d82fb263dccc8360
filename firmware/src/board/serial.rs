//! [`Serial`]: the first serial port, to send only.

use core::convert::Infallible;

use embedded_io::{ErrorType, Write};

use super::CLOCK;
use super::register::Register;

// SAFETY: the registers of UART0, a "CMSDK APB UART", which has no access to memory.
const DATA: Register = unsafe { Register::at(0x4000_4000) };
// SAFETY: as above.
const STATE: Register = unsafe { Register::at(0x4000_4004) };
// SAFETY: as above.
const CONTROL: Register = unsafe { Register::at(0x4000_4008) };
// SAFETY: as above.
const DIVIDER: Register = unsafe { Register::at(0x4000_4010) };

const TRANSMITTER_FULL: u32 = 1;
const TRANSMITTER_ON: u32 = 1;
const BAUD: u32 = 115_200;

/// The serial port UART0 at 115,200 baud.
pub struct Serial(());

impl Serial {
    /// The port, ready to send.
    pub fn new() -> Self {
        DIVIDER.write(CLOCK / BAUD);
        CONTROL.write(TRANSMITTER_ON);
        Self(())
    }
}

impl ErrorType for Serial {
    type Error = Infallible;
}

impl Write for Serial {
    /// Waits for room, then sends one byte: the port has no more.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let Some(byte) = bytes.first() else { return Ok(0) };
        self.flush()?;
        DATA.write(u32::from(*byte));
        Ok(1)
    }
    fn flush(&mut self) -> Result<(), Infallible> {
        while STATE.read() & TRANSMITTER_FULL != 0 {}
        Ok(())
    }
}
