//! Operators that work with time. Their timers start when the graph starts to run, never when it is built, and they read
//! the time of the scheduler: in real time and on a virtual clock they do the same.

#[cfg(feature = "alloc")]
mod chunks_timeout;
#[cfg(feature = "alloc")]
mod chunks_within;
mod debounce;
mod on_timeout;

#[cfg(feature = "alloc")]
pub use chunks_timeout::ChunksTimeout;
#[cfg(feature = "alloc")]
pub use chunks_within::ChunksWithin;
pub use debounce::Debounce;
pub use on_timeout::{OnTimeout, Repeat, Watcher};

use core::time::Duration;

use crate::chain::Chain;

/// The operators with time as methods of every [`Chain`].
pub trait Timing: Chain {
    /// Sends an event only when none has followed it for `quiet`.
    #[doc(alias = "throttle_with_timeout")]
    fn debounce(self, quiet: Duration) -> Self::Piped<Debounce<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Debounce::new(quiet))
    }

    /// Sends the events of each interval as a list; nothing for an interval without events.
    #[cfg(feature = "alloc")]
    #[doc(alias = "buffer_with_time")]
    #[doc(alias = "timed_window")]
    #[track_caller]
    fn chunks_timeout(self, interval: Duration) -> Self::Piped<ChunksTimeout<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(ChunksTimeout::new(interval))
    }

    /// Sends the events in lists of `n`, or of fewer when `limit` has passed since the first of them.
    #[cfg(feature = "alloc")]
    #[doc(alias = "buffer_with_time_or_count")]
    #[doc(alias = "partition")]
    #[track_caller]
    fn chunks_within(self, n: impl Into<crate::Size>, limit: Duration) -> Self::Piped<ChunksWithin<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(ChunksWithin::new(n, limit))
    }

    /// Passes the events, and sends what the [`Watcher`] supplies whenever none has come for `interval`.
    #[doc(alias = "supply_event_when_timeout")]
    #[track_caller]
    fn on_timeout<W>(self, interval: Duration, watcher: W) -> Self::Piped<OnTimeout<W>>
    where
        W: Watcher<Self::Item> + 'static,
    {
        self.pipe(OnTimeout::new(interval, watcher))
    }
}

impl<C: Chain> Timing for C {}
