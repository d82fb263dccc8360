//! [`LinuxError`]: why the system gave no reading.

use std::error::Error;
#[cfg(feature = "linux")]
use std::fs::File;
#[cfg(feature = "linux")]
use std::path::Path;
use std::path::PathBuf;
use std::{fmt, io};

use crate::OutOfRange;

/// Why the system gave no reading.
#[non_exhaustive]
pub enum LinuxError {
    /// A file or directory could not be read.
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file is not what the kernel's documentation says.
    Malformed {
        /// Which one.
        path: PathBuf,
        /// What was found or missed.
        why: String,
    },
    /// The kernel's driver answers, but its device has no reading.
    NoReading {
        /// The file that should have it.
        path: PathBuf,
        /// Why, as far as it can be told.
        why: &'static str,
    },
    /// A value is outside of the range that its documentation states, or is not a number.
    OutOfRange {
        /// The file or the device that gave it.
        of: String,
        /// The value and its range.
        value: OutOfRange,
    },
    /// There is no device of that name.
    NotThere {
        /// What was looked for, and where.
        what: String,
        /// What is there.
        there: Vec<String>,
    },
}

impl LinuxError {
    pub(super) fn unreadable(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |error| Self::Unreadable { path, error }
    }

    pub(super) fn impossible(of: impl fmt::Display, value: OutOfRange) -> Self {
        Self::OutOfRange { of: of.to_string(), value }
    }

    pub(super) fn malformed(path: impl Into<PathBuf>, why: impl fmt::Display) -> Self {
        Self::Malformed { path: path.into(), why: short(&why.to_string()) }
    }
}

/// Opens a file and has one of the parsers of `procfs` read it.
/// The beginning of a text, which may quote what was found: without control characters.
fn short(text: &str) -> String {
    const LONGEST: usize = 160;
    let mut shown = String::new();
    for char in text.chars() {
        if shown.len() >= LONGEST {
            return shown + "…";
        }
        if char.is_control() { shown.extend(char.escape_debug()) } else { shown.push(char) }
    }
    shown
}

#[cfg(feature = "linux")]
pub(super) fn parse<T>(path: &Path, parse: impl FnOnce(File) -> procfs::ProcResult<T>) -> Result<T, LinuxError> {
    let file = File::open(path).map_err(LinuxError::unreadable(path))?;
    parse(file).map_err(|error| LinuxError::malformed(path, error))
}

impl fmt::Display for LinuxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => {
                write!(f, "{} cannot be read: {error}", path.display())?;
                match error.kind() {
                    io::ErrorKind::NotFound => f.write_str("; check the path, and in a container that it is mounted"),
                    io::ErrorKind::PermissionDenied => f.write_str("; run as a user who may read it"),
                    _ => Ok(()),
                }
            }
            Self::Malformed { path, why } => {
                write!(f, "{} is not what Linux documents: {why}", path.display())
            }
            Self::NoReading { path, why } => write!(f, "{} has no reading: {why}", path.display()),
            Self::OutOfRange { of, value } => {
                write!(f, "{of}: {value}; check the device, its wires and its driver")
            }
            Self::NotThere { what, there } if there.is_empty() => write!(f, "no {what}; there are none at all"),
            Self::NotThere { what, there } => write!(f, "no {what}; there is {}", there.join(", ")),
        }
    }
}

impl Error for LinuxError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            Self::OutOfRange { value, .. } => Some(value),
            _ => None,
        }
    }
}

/// As `Display`.
impl fmt::Debug for LinuxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f52_a_file_of_nonsense_is_quoted_in_short() {
        let error = LinuxError::malformed("/proc/stat", "\0\u{1b}[2J".repeat(1000)).to_string();
        assert!(error.starts_with("/proc/stat is not what Linux documents: \\0\\u{1b}[2J"), "{error}");
        assert!(error.len() < 250 && !error.chars().any(char::is_control), "{error}");
    }
}
