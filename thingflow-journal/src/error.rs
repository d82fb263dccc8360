//! [`Error`]: why a journal cannot be opened or used. [`PushError`]: why a record was not taken.

use std::fmt;
use std::io;

/// Why a journal cannot be opened or used.
#[non_exhaustive]
pub enum Error {
    /// The options contradict each other; the text says which.
    Options(String),
    /// A consumer cannot have this name.
    Name(String),
    /// There is no such consumer.
    NoConsumer(String),
    /// A consumer of this name is open.
    ConsumerInUse(String),
    /// The journal has been closed.
    Closed,
    /// Another process, or this one, has the journal open.
    InUse {
        /// The journal's folder.
        folder: String,
    },
    /// A file was written by another version of the format.
    Version {
        /// The file.
        file: String,
        /// The number that it has.
        found: u32,
    },
    /// A file belongs to another journal.
    Foreign {
        /// The file.
        file: String,
    },
    /// There is no room for what waits in memory, and the policy lets nothing give way.
    Full(Full),
    /// The operating system refused something.
    Io {
        /// What was tried, with the name of the file.
        doing: String,
        /// Why it did not work.
        error: io::Error,
    },
}

/// What there is no more room in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Full {
    /// The limit in bytes is reached.
    Bytes,
    /// The limit in records is reached.
    Records,
    /// The disk has no space left.
    Disk,
}

impl Error {
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |error| Self::Io { doing, error }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(what) => f.write_str(what),
            Self::Name(name) => write!(
                f,
                "invalid name of a consumer {name:?}: use 1 to 64 letters, digits, hyphens and underscores of ASCII"
            ),
            Self::NoConsumer(name) => write!(f, "no consumer {name:?}: open it first"),
            Self::ConsumerInUse(name) => {
                write!(f, "cannot open consumer {name:?}: it is open already; drop that one first")
            }
            Self::Closed => f.write_str("journal closed: open it again"),
            Self::InUse { folder } => {
                write!(
                    f,
                    "cannot open the journal {folder}: another process has it open; stop that, or use another folder"
                )
            }
            Self::Version { file, found } => write!(
                f,
                "cannot open {file}: it has format {found}, this version reads format {}; use the version that wrote it",
                crate::format::FORMAT
            ),
            Self::Foreign { file } => {
                write!(f, "cannot use {file}: it belongs to another journal; move it to a folder of its own")
            }
            Self::Full(full) => full.fmt(f),
            Self::Io { doing, .. } => write!(f, "cannot {doing}"),
        }
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "journal full: its limit in bytes is reached; acknowledge records, or raise the limit",
            Self::Records => "journal full: its limit in records is reached; acknowledge records, or raise the limit",
            Self::Disk => "disk full: the journal cannot grow; free space, or acknowledge records",
        })
    }
}

/// Says the cause too.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { error, .. } => write!(f, "{self}: {error}"),
            _ => fmt::Display::fmt(self, f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Why a record was not taken.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError {
    /// The memory for records that wait for a commit is used up, and the policy is [`Policy::Block`](crate::Policy).
    Full,
    /// There is no room, and the policy is [`Policy::DropNewest`](crate::Policy): the record is dropped, and counted.
    Dropped,
    /// The payload is longer than [`Options::longest_payload`](crate::Options::longest_payload).
    TooLong {
        /// The most bytes that fit.
        limit: usize,
    },
    /// The journal has been closed.
    Closed,
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("journal full: push again when it has room"),
            Self::Dropped => {
                f.write_str("journal full: the record was dropped; acknowledge records, or raise the limit")
            }
            Self::TooLong { limit } => {
                write!(f, "invalid record: at most {limit} bytes fit; split the record, or use larger segments")
            }
            Self::Closed => f.write_str("journal closed: open it again"),
        }
    }
}

impl fmt::Debug for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for PushError {}
