//! [`LineError`]: a line that is no text.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use crate::printable::Printable;

/// A line that is no text: where it is and what is wrong.
#[derive(Clone, PartialEq, Eq)]
pub struct LineError {
    /// The file, or what the reader calls it.
    pub path: PathBuf,
    /// The line, counted from 1, among all that the reader has read.
    pub line: u64,
    /// What is wrong with it.
    pub why: LineFault,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineFault {
    /// It is longer than the reader's limit, in bytes.
    TooLong(usize),
    /// It is not UTF-8 from this byte on, counted from 1.
    NotUtf8(usize),
    /// It has zeros from this byte on, counted from 1, as a power cut leaves them.
    Zeros(usize),
    /// It is the last one, and has no end: it may be cut off.
    Unterminated,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: ", Printable(&self.path), self.line)?;
        match self.why {
            LineFault::TooLong(limit) => write!(f, "expected at most {limit} bytes, found more; see `max_len`"),
            LineFault::NotUtf8(at) => write!(f, "expected UTF-8 text, found another encoding from byte {at} on"),
            LineFault::Zeros(at) => {
                write!(f, "expected text, found zeros from byte {at} on, as a power cut leaves them")
            }
            LineFault::Unterminated => {
                f.write_str("expected an end of line (or else `allow_unterminated`), found the end of the file")
            }
        }
    }
}

/// As `Display`.
impl fmt::Debug for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for LineError {}
