//! [`OutputLine`] and [`InputLine`]: lines as pins of `embedded-hal`.

use std::fmt;

use embedded_hal::digital::{Error, ErrorKind, ErrorType, InputPin, OutputPin, PinState};
use gpiocdev::line::{Offset, Value};
use gpiocdev::request::Request;

/// A line that is an output: an [`OutputPin`]. Made by [`Line::output`](super::Line::output).
#[derive(Debug)]
pub struct OutputLine {
    pub(super) request: Request,
    pub(super) number: Offset,
}

/// A line that is an input: an [`InputPin`]. Made by [`Line::input`](super::Line::input).
#[derive(Debug)]
pub struct InputLine {
    pub(super) request: Request,
    pub(super) number: Offset,
}

impl ErrorType for OutputLine {
    type Error = LineFault;
}

impl OutputPin for OutputLine {
    fn set_low(&mut self) -> Result<(), LineFault> {
        self.set_state(PinState::Low)
    }
    fn set_high(&mut self) -> Result<(), LineFault> {
        self.set_state(PinState::High)
    }
    fn set_state(&mut self, level: PinState) -> Result<(), LineFault> {
        self.request.set_value(self.number, value(level)).map(drop).map_err(LineFault)
    }
}

impl ErrorType for InputLine {
    type Error = LineFault;
}

impl InputPin for InputLine {
    fn is_high(&mut self) -> Result<bool, LineFault> {
        Ok(self.request.value(self.number).map_err(LineFault)? == Value::Active)
    }
    fn is_low(&mut self) -> Result<bool, LineFault> {
        self.is_high().map(|high| !high)
    }
}

pub(super) fn value(level: PinState) -> Value {
    if level == PinState::High { Value::Active } else { Value::Inactive }
}

/// What the kernel says when a line fails.
pub struct LineFault(pub(super) gpiocdev::Error);

/// Reads as a sentence, since errors of `embedded-hal` are shown by this text.
impl fmt::Debug for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for LineFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl Error for LineFault {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}
