//! [`LineLevel`]: a line and the level that it is to have, as a text.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use embedded_hal::digital::PinState;

use super::Line;
use crate::gpio::GpioError;

/// A line and the level that it is to have: `GPIO17=low`, or `/dev/gpiochip0:4=high` by chip and number.
///
/// It is what the command `thingflow-safe-lines` does for each of its arguments after a program has been killed, which could
/// not bring its pins to their safe levels itself.
///
/// ```
/// use thingflow_adapters::gpio::chardev::LineLevel;
/// let heater: LineLevel = "GPIO17=low".parse()?;
/// assert_eq!(heater.to_string(), "GPIO17=low");
/// let error = "GPIO17".parse::<LineLevel>().unwrap_err().to_string();
/// assert_eq!(error, "invalid line and level `GPIO17`; write GPIO17=low or /dev/gpiochip0:17=high");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LineLevel {
    line: Line,
    level: PinState,
}

impl LineLevel {
    /// Takes the line over as an output of this level, and lets it go. Most chips leave it as it is then; one that makes it an
    /// input leaves the level to the pull-up or pull-down resistor.
    ///
    /// # Errors
    /// If there is no such line, another program has it, or this user may not have it.
    pub fn set(&self) -> Result<(), GpioError> {
        self.line.clone().output(self.level).map(drop)
    }
}

impl FromStr for LineLevel {
    type Err = LineLevelError;

    fn from_str(text: &str) -> Result<Self, LineLevelError> {
        let invalid = || LineLevelError(text.escape_default().to_string());
        let (line, level) = text.rsplit_once('=').filter(|(line, _)| !line.is_empty()).ok_or_else(invalid)?;
        let level = match level {
            "low" => PinState::Low,
            "high" => PinState::High,
            _ => return Err(invalid()),
        };
        let line = match line.rsplit_once(':') {
            Some((chip, number)) if chip.starts_with('/') => Line::at(chip, number.parse().map_err(|_| invalid())?),
            _ => Line::named(line),
        };
        Ok(Self { line, level })
    }
}

impl fmt::Display for LineLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.line, if self.level == PinState::Low { "low" } else { "high" })
    }
}

/// A text that is not a line and a level.
#[derive(Clone, PartialEq, Eq)]
pub struct LineLevelError(String);

impl fmt::Display for LineLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid line and level `{}`; write GPIO17=low or /dev/gpiochip0:17=high", self.0)
    }
}

/// As `Display`.
impl fmt::Debug for LineLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for LineLevelError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn f71_a_line_is_named_or_has_a_chip_and_a_number() {
        for (text, shown) in [
            ("GPIO17=low", "GPIO17=low"),
            ("a=b:c=high", "a=b:c=high"), // lines may be called anything
            ("/dev/gpiochip0:4=high", "4 of /dev/gpiochip0=high"),
        ] {
            assert_eq!(text.parse::<LineLevel>().unwrap().to_string(), shown);
        }
        for text in
            ["", "=", "GPIO17", "GPIO17=on", "=low", "/dev/gpiochip0:=low", "/dev/gpiochip0:x=low", "GPIO17=LOW"]
        {
            assert!(text.parse::<LineLevel>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,20}(=low|=high)?") {
            if let Err(error) = text.parse::<LineLevel>() {
                prop_assert!(!error.to_string().chars().any(char::is_control));
            }
        }
    }
}
