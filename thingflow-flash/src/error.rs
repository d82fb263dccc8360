//! Why a ring cannot be used.

use core::fmt;

use sequential_storage::Error as Inner;

/// Why a record cannot be kept or read.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlashError<E> {
    /// The flash has failed.
    Flash(E),
    /// The range of addresses is no whole number of pages, or too small: at least two pages are needed.
    Range,
    /// The record does not fit into a page, or is larger than the buffer of the ring.
    TooLarge,
    /// The pages hold what no ring has written, or are damaged beyond repair: [erase](crate::FlashRing::erase) them.
    Corrupted,
}

impl<E> From<Inner<E>> for FlashError<E> {
    fn from(error: Inner<E>) -> Self {
        match error {
            Inner::Storage { value, .. } => Self::Flash(value),
            Inner::ItemTooBig | Inner::BufferTooBig | Inner::BufferTooSmall(_) => Self::TooLarge,
            _ => Self::Corrupted,
        }
    }
}

impl<E: fmt::Debug> fmt::Display for FlashError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "cannot use the flash: {error:?}"),
            Self::Range => f.write_str("invalid range of flash: give it two whole pages at least"),
            Self::TooLarge => f.write_str("cannot keep the record: it is larger than a page or than the ring's buffer"),
            Self::Corrupted => f.write_str("invalid contents of the flash: erase the ring to begin anew"),
        }
    }
}

/// As `Display`.
impl<E: fmt::Debug> fmt::Debug for FlashError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<E: fmt::Debug> core::error::Error for FlashError<E> {}
