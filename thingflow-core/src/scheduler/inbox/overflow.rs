//! What happens when a queue is full, what a poster is told, and what is counted.

use std::error::Error;
use std::fmt;

/// What a post does when the queue is full.
///
/// ```
/// use thingflow_core::Overflow;
/// assert_eq!(Overflow::default(), Overflow::Block); // nothing is lost unless you say so
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The poster waits until there is room: back-pressure reaches the thread that makes the events.
    ///
    /// On the reactor's own thread, which alone can make room, the post is refused as with [`Fail`](Self::Fail).
    #[default]
    Block,
    /// The oldest event in the queue makes room. With a capacity of one this keeps just the latest event.
    DropOldest,
    /// The event that was just posted is dropped.
    DropNewest,
    /// The post is refused with [`PostError::Full`], which hands the event back.
    Fail,
}

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

/// What has gone through a queue so far.
///
/// ```
/// let stats = thingflow_core::QueueStats::default();
/// assert_eq!((stats.posted, stats.dropped, stats.high_water), (0, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Events posted, those that were dropped later included and those that were refused not.
    pub posted: u64,
    /// Events dropped by the policy, or because the receiver went away before it had dispatched them.
    pub dropped: u64,
    /// The most events that ever waited in the queue at once.
    pub high_water: usize,
}
