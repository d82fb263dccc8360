//! [`Decode`]: bytes to readings, one byte at a time.

use core::error::Error;
use core::fmt;

use crate::OutOfRange;

/// Makes readings of the bytes of a serial line. Whatever comes, it neither panics nor grows, and after garbage it
/// finds the next frame by itself.
pub trait Decode {
    /// What a frame holds.
    type Item;

    /// Takes the next byte. `Some` when it ends a frame: the reading, or why there is none.
    fn push(&mut self, byte: u8) -> Option<Result<Self::Item, FrameError>>;

    /// Bytes are missing from here on: forgets the frame that has begun. What comes next may begin in the middle of one,
    /// and that one must not pass for a reading.
    fn reset(&mut self);
}

/// Why a frame gave no reading.
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum FrameError {
    /// It is longer than any frame of this kind.
    TooLong,
    /// Its checksum is wrong.
    Checksum,
    /// It is not what it should be; the text says what was expected.
    Malformed(&'static str),
    /// A value of it is outside of the range that the device's documentation states, or is not a number.
    OutOfRange(OutOfRange),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => {
                f.write_str("a frame is too long; check that the speed of the line is the same on both ends")
            }
            Self::Checksum => {
                f.write_str("the checksum of a frame is wrong; check the speed of the line and its wires")
            }
            Self::Malformed(expected) => write!(f, "a frame is malformed: expected {expected}"),
            Self::OutOfRange(value) => write!(f, "impossible frame: {value}; check the device and its supply"),
        }
    }
}

/// As `Display`.
impl fmt::Debug for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for FrameError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::OutOfRange(value) => Some(value),
            _ => None,
        }
    }
}
