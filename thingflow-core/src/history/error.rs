//! Why there is no event for a reader, and why one was not taken in.

use core::error::Error;
use core::fmt;

/// Why a reader gets no event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum NoEvent {
    /// There is none that it has not read: it may ask again.
    NotYet,
    /// Nor will there be one: the session has ended.
    Ended,
}

impl fmt::Display for NoEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotYet => "no new event in the history yet",
            Self::Ended => "no new event in the history: its session has ended",
        })
    }
}

/// As `Display`.
impl fmt::Debug for NoEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for NoEvent {}

/// There are fewer new events than were asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooFew {
    /// How many were asked for.
    pub wanted: usize,
    /// How many there are, or were.
    pub there: usize,
    /// Whether the session has ended, so that there will be no more.
    pub ended: bool,
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, there, ended } = self;
        let why = if *ended { ", and its session has ended" } else { " yet" };
        write!(f, "no {wanted} new events in the history, only {there}{why}")
    }
}

/// As `Display`.
impl fmt::Debug for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for TooFew {}

/// Why an event is not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Its key is less than that of the one before, or is there already, and that is refused.
    OutOfOrder,
    /// The history is full, and its limit refuses.
    Full,
    /// It alone has more bytes than the history may keep.
    TooLarge,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfOrder => {
                "its key goes back: choose `OutOfOrder::Drop` or `OutOfOrder::Sort` for a stream in which keys do"
            }
            Self::Full => "the history is full: give it more room or another policy",
            Self::TooLarge => "it is larger than the whole history may be: allow more bytes",
        })
    }
}

/// An event that was not taken in, handed back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushError<T> {
    /// The event.
    pub event: T,
    /// Why.
    pub why: Why,
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot keep an event: {}", self.why)
    }
}

/// As `Display`.
impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> Error for PushError<T> {}
