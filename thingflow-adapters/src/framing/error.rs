//! [`FrameError`]: bytes that are no frame.

use std::fmt;

/// Bytes that are no frame.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame is longer than this limit, in bytes. What follows cannot be told apart any more.
    TooLong(usize),
    /// A line is not UTF-8 from this byte on, counted from 1. It has been left out.
    NotUtf8(usize),
}

impl FrameError {
    /// Whether nothing after it can be read.
    pub fn is_fatal(self) -> bool {
        matches!(self, Self::TooLong(_))
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(limit) => write!(f, "invalid frame: it is longer than {limit} bytes; see `max_len`"),
            Self::NotUtf8(at) => write!(f, "invalid line: it is not UTF-8 text from byte {at} on"),
        }
    }
}

/// As `Display`.
impl fmt::Debug for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for FrameError {}
