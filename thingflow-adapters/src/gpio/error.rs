//! [`GpioError`]: a pin that cannot be had, and what to do about it.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// A pin that cannot be had. Its text says what is there, or what to do.
#[non_exhaustive]
pub enum GpioError {
    /// There is no such chip.
    NoChip {
        /// The chip asked for.
        chip: PathBuf,
        /// The chips there are.
        there: Vec<PathBuf>,
    },
    /// There is no such line.
    NoLine {
        /// The line asked for.
        line: String,
        /// The lines there are.
        there: Vec<String>,
    },
    /// Another program has the line.
    Busy {
        /// The line asked for.
        line: String,
        /// What has it, as that says itself.
        by: String,
    },
    /// The user of this program may not use the device.
    Denied {
        /// The device.
        device: PathBuf,
    },
    /// Anything else.
    Other {
        /// The pin asked for.
        line: String,
        /// What the system said.
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl fmt::Display for GpioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChip { chip, there } if there.is_empty() => {
                write!(f, "no GPIO chip {}: this machine has none, or its driver is not loaded", chip.display())
            }
            Self::NoChip { chip, there } => {
                let there: Vec<_> = there.iter().map(|chip| chip.display().to_string()).collect();
                write!(f, "no GPIO chip {}; there is {}", chip.display(), there.join(", "))
            }
            Self::NoLine { line, there } if there.is_empty() => {
                write!(f, "no GPIO line {line}; no line has a name here")
            }
            Self::NoLine { line, there } => write!(f, "no GPIO line {line}; there is {}", there.join(", ")),
            Self::Busy { line, by } => {
                let by = if by.is_empty() { "another program or driver" } else { by };
                write!(f, "GPIO line {line} is in use by {by}; end that, or take another line (`gpioinfo` lists them)")
            }
            Self::Denied { device } => write!(
                f,
                "this user may not use {device}; join the group that owns it (sudo usermod -aG gpio $USER, then log in \
                 again), or add a udev rule (SUBSYSTEM==\"gpio\", GROUP=\"gpio\", MODE=\"0660\")",
                device = device.display()
            ),
            Self::Other { line, cause } => write!(f, "GPIO line {line}: {cause}"),
        }
    }
}

impl Error for GpioError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Other { cause, .. } => Some(cause.as_ref()),
            _ => None,
        }
    }
}

/// As `Display`.
impl fmt::Debug for GpioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_do() {
        let text = GpioError::Denied { device: "/dev/gpiochip0".into() }.to_string();
        assert!(text.contains("sudo usermod -aG gpio $USER, then log in again)"), "{text}");
        let there = vec!["/dev/gpiochip0".into(), "/dev/gpiochip1".into()];
        let text = GpioError::NoChip { chip: "/dev/gpiochip7".into(), there }.to_string();
        assert_eq!(text, "no GPIO chip /dev/gpiochip7; there is /dev/gpiochip0, /dev/gpiochip1");
        let text = GpioError::Busy { line: "GPIO17".into(), by: "spi0 CS1".into() }.to_string();
        assert!(text.starts_with("GPIO line GPIO17 is in use by spi0 CS1; end that"), "{text}");
    }
}
