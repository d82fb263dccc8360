//! [`LineError`]: a line that is no text.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// A line that is no text: where it is and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: ", self.path.display(), self.line)?;
        match self.why {
            LineFault::TooLong(limit) => write!(f, "expected at most {limit} bytes, found more; see `max_len`"),
            LineFault::NotUtf8(at) => write!(f, "expected UTF-8 text, found another encoding from byte {at} on"),
        }
    }
}

impl Error for LineError {}
