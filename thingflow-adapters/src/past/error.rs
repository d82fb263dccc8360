//! Why the past on disk cannot be read.

use std::error::Error;
use std::fmt;

use thingflow_core::history::Uncovered;

/// Why a range of a journal is not what was asked for.
#[non_exhaustive]
pub enum PastError {
    /// The journal cannot be read.
    Journal(thingflow_journal::Error),
    /// A record is no event of the type that is wanted.
    Decode {
        /// Its number.
        number: u64,
        /// Why not.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The span was to cover its end, and nothing is there yet.
    Uncovered(Uncovered),
}

impl fmt::Display for PastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(_) => f.write_str("cannot read the journal"),
            Self::Decode { number, .. } => {
                write!(
                    f,
                    "invalid record {number}: it does not hold an event of this type; was it written by another program?"
                )
            }
            Self::Uncovered(uncovered) => uncovered.fmt(f),
        }
    }
}

/// As `Display`, with the chain of causes.
impl fmt::Debug for PastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        thingflow_core::fmt_chain(self, f)
    }
}

impl Error for PastError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Journal(error) => Some(error),
            Self::Decode { cause, .. } => Some(&**cause),
            Self::Uncovered(_) => None,
        }
    }
}

impl From<Uncovered> for PastError {
    fn from(uncovered: Uncovered) -> Self {
        Self::Uncovered(uncovered)
    }
}
