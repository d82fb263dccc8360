//! [`OutboxError`]: why an outbox cannot be opened.

use std::error::Error;
use std::fmt;
use std::io;

use thingflow_journal as journal;

/// Why an outbox, or an outlet of it, cannot be opened.
#[non_exhaustive]
pub enum OutboxError {
    /// Its journal cannot be opened, or not the outlet's position in it.
    Journal(journal::Error),
    /// The journal of its dead letters cannot be opened.
    DeadLetters(journal::Error),
    /// The operating system gives no descriptor to be woken by.
    Bell(io::Error),
}

impl fmt::Display for OutboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Journal(_) => "cannot open the outbox",
            Self::DeadLetters(_) => "cannot open the dead letters of the outbox",
            Self::Bell(_) => "cannot make a descriptor for the outbox: close files, or raise their limit",
        })
    }
}

/// Says the cause too.
impl fmt::Debug for OutboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) | Self::DeadLetters(error) => write!(f, "{self}: {error:?}"),
            Self::Bell(error) => write!(f, "{self}: {error}"),
        }
    }
}

impl Error for OutboxError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Journal(error) | Self::DeadLetters(error) => Some(error),
            Self::Bell(error) => Some(error),
        }
    }
}
