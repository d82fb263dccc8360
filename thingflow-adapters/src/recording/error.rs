//! [`RecordingError`]: why a recording cannot be made or replayed.

use std::error::Error;
use std::fmt;
use std::io;

use thingflow_journal as journal;

/// Why a recording cannot be made or replayed.
#[non_exhaustive]
pub enum RecordingError {
    /// Its journal cannot be opened or read.
    Journal(journal::Error),
    /// A stream cannot have this name, or has it already.
    Name(String),
    /// There is nothing in it.
    Empty,
    /// The operating system gives no descriptor to be woken by.
    Bell(io::Error),
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(_) => f.write_str("cannot use the recording"),
            Self::Name(name) => {
                write!(f, "invalid name of a stream {name:?}: use 1 to 255 bytes, and each name once")
            }
            Self::Empty => f.write_str("invalid recording: there is nothing in it; is it the right folder?"),
            Self::Bell(_) => {
                f.write_str("cannot make a descriptor for the recording: close files, or raise their limit")
            }
        }
    }
}

/// Says the cause too.
impl fmt::Debug for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => write!(f, "{self}: {error:?}"),
            Self::Bell(error) => write!(f, "{self}: {error}"),
            Self::Name(_) | Self::Empty => fmt::Display::fmt(self, f),
        }
    }
}

impl Error for RecordingError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Journal(error) => Some(error),
            Self::Bell(error) => Some(error),
            Self::Name(_) | Self::Empty => None,
        }
    }
}
