//! What a poster is told whose event is refused.

use std::error::Error;
use std::fmt;

/// Why an event was not posted; the event is handed back.
///
/// ```
/// use thingflow_core::PostError;
/// let refused = PostError::Full(7);
/// assert_eq!(refused.to_string(), "the queue is full: post again later, or give it more capacity or another policy");
/// assert_eq!(refused.into_event(), 7);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostError<T> {
    /// There is no room now.
    Full(T),
    /// The receiving end is gone, there will never be room.
    Closed(T),
}

impl<T> PostError<T> {
    /// The event that was refused.
    pub fn into_event(self) -> T {
        match self {
            Self::Full(event) | Self::Closed(event) => event,
        }
    }
}

impl<T> fmt::Display for PostError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the queue is full: post again later, or give it more capacity or another policy",
            Self::Closed(_) => "the receiver is gone: stop posting",
        })
    }
}

/// Without the event, so that every event type will do.
impl<T> fmt::Debug for PostError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> Error for PostError<T> {}
