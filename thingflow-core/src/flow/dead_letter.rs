//! [`DeadLetter`]: an event that was given up, with the reason.

use crate::error::StreamError;

/// An event that was given up, and why: a function failed for it, as [`ErrorPolicy::dead_letter`](super::ErrorPolicy::dead_letter)
/// sends it, or a worker refused it for good.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter<T> {
    /// The event.
    pub event: T,
    /// Why it was given up.
    pub error: StreamError,
}
