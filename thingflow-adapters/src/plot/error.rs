//! [`PlotError`]: why there is no picture.

use std::error::Error;
use std::path::PathBuf;
use std::{fmt, io};

use crate::printable::{Printable, printable};

/// Why there is no picture.
#[non_exhaustive]
pub enum PlotError {
    /// There is no such time zone.
    Zone(String, Box<dyn Error + Send + Sync>),
    /// The file cannot be written.
    Write(PathBuf, io::Error),
    /// The picture is too small for what has to be on it.
    Draw(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for PlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(zone, cause) => {
                let zone = printable(zone);
                write!(f, "unknown time zone {zone:?}: {cause}; on Debian the zones are in the package tzdata")
            }
            Self::Write(path, cause) => {
                let path = Printable(path);
                write!(
                    f,
                    "cannot write the picture {path}: {cause}; its folder has to exist, and to be this program's to write in"
                )
            }
            Self::Draw(cause) => write!(f, "cannot draw the picture: {cause}; give it a greater size"),
        }
    }
}

/// As `Display`.
impl fmt::Debug for PlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for PlotError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Write(_, error) => Some(error),
            Self::Zone(_, cause) | Self::Draw(cause) => Some(&**cause),
        }
    }
}
