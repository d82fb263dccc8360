//! Operators that work with time. Their timers start when the graph starts to run, never when it is built, and they
//! read the time of the scheduler: in real time and on a virtual clock they do the same.
//!
//! An event that comes at the very instant at which a timer is due comes after it. A wake-up that is late changes when
//! something is sent, and not what; of repetitions that are missed altogether only one is made up for. What is held back
//! goes out when the stream ends, also by an error.

#[cfg(feature = "alloc")]
mod chunks_timeout;
#[cfg(feature = "alloc")]
mod chunks_timeout_distinct;
#[cfg(feature = "alloc")]
mod chunks_within;
#[cfg(feature = "alloc")]
mod chunks_within_by;
mod coalesce;
mod debounce;
mod delay;
mod heartbeat;
mod on_timeout;
mod pace;
mod queue;
mod sample_every;
mod stamped;
mod throttle;
#[cfg(feature = "alloc")]
mod throttle_by;
mod time_to_live;
mod timeout;

#[cfg(feature = "alloc")]
pub use chunks_timeout::ChunksTimeout;
#[cfg(feature = "alloc")]
pub use chunks_timeout_distinct::ChunksTimeoutDistinct;
#[cfg(feature = "alloc")]
pub use chunks_within::ChunksWithin;
#[cfg(feature = "alloc")]
pub use chunks_within_by::ChunksWithinBy;
pub use coalesce::Coalesce;
pub use debounce::Debounce;
pub use delay::Delay;
pub use heartbeat::Heartbeat;
pub use on_timeout::{OnTimeout, Repeat, Watcher};
pub use pace::Pace;
#[cfg(feature = "alloc")]
pub use queue::Limited;
pub use queue::{Queue, Slots};
pub use sample_every::SampleEvery;
pub use stamped::{Stamp, Stamped};
pub use throttle::Throttle;
#[cfg(feature = "alloc")]
pub use throttle_by::ThrottleBy;
pub use time_to_live::{Aged, TimeToLive};
pub use timeout::Timeout;

use core::time::Duration;

use crate::chain::Chain;
use crate::clock::Instant;

/// What a [`Delay`] holds: when it is due, and the event.
pub type Waiting<T> = (Instant, T);
/// Tells whether two events count as equal, for a [`Heartbeat`].
pub type Same<T> = fn(&T, &T) -> bool;

/// The operators with time as methods of every [`Chain`].
pub trait Timing: Chain {
    /// Sends each event `by` after it has come. What exceeds `limit` is treated as it says.
    #[cfg(feature = "alloc")]
    fn delay(self, by: Duration, limit: crate::Limit) -> Self::Piped<Delay<Limited<Waiting<Self::Item>>>>
    where
        Self::Item: 'static,
    {
        self.pipe(Delay::new(by, limit))
    }

    /// As [`delay`](Self::delay), for at most `N` events at a time: `delay_of::<8>(d)` needs no allocator.
    ///
    /// The source is asked to pause when all `N` places are taken; one event more ends the stream by an error.
    fn delay_of<const N: usize>(self, by: Duration) -> Self::Piped<Delay<Slots<Waiting<Self::Item>, N>>>
    where
        Self::Item: 'static,
    {
        const { assert!(N > 0, "delay_of::<0>(): a delay needs room for one event at least") };
        self.pipe(Delay::with(by, Slots::new()))
    }

    /// Leaves at least `gap` between two events: those that come sooner wait, and the source is paused when `limit` is
    /// reached.
    #[cfg(feature = "alloc")]
    #[doc(alias = "rate_limit")]
    #[doc(alias = "delay")]
    fn pace(self, gap: Duration, limit: crate::Limit) -> Self::Piped<Pace<Limited<Self::Item>>>
    where
        Self::Item: 'static,
    {
        self.pipe(Pace::new(gap, limit))
    }

    /// As [`pace`](Self::pace), with at most `N` events that wait: `pace_of::<1>(d)` needs no allocator.
    ///
    /// The source is asked to pause when all `N` places are taken; one event more ends the stream by an error.
    fn pace_of<const N: usize>(self, gap: Duration) -> Self::Piped<Pace<Slots<Self::Item, N>>>
    where
        Self::Item: 'static,
    {
        const { assert!(N > 0, "pace_of::<0>(): a pace needs room for one event at least") };
        self.pipe(Pace::with(gap, Slots::new()))
    }

    /// Sends the first event of a burst at once, then at most one each `window`, the latest.
    #[doc(alias = "throttle_first")]
    #[doc(alias = "throttle_last")]
    #[doc(alias = "throttle_latest")]
    #[doc(alias = "rate_limit")]
    fn throttle(self, window: Duration) -> Self::Piped<Throttle<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Throttle::both(window))
    }

    /// As [`throttle`](Self::throttle), for the events of each key on their own.
    #[cfg(feature = "alloc")]
    fn throttle_by<K, F>(self, window: Duration, key: F) -> Self::Piped<ThrottleBy<Self::Item, K, F>>
    where
        Self::Item: 'static,
        K: Ord + Clone + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(ThrottleBy::both(window, key))
    }

    /// Sends an event only when none has followed it for `quiet`.
    #[doc(alias = "throttle_with_timeout")]
    fn debounce(self, quiet: Duration) -> Self::Piped<Debounce<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Debounce::new(quiet))
    }

    /// Sends the latest event of each interval; nothing for an interval without events.
    #[doc(alias = "sample_time")]
    #[doc(alias = "audit")]
    #[track_caller]
    fn sample_every(self, interval: Duration) -> Self::Piped<SampleEvery<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(SampleEvery::new(interval))
    }

    /// Passes an event that differs from the one before, and sends the latest again when nothing has gone out for
    /// `interval`.
    #[track_caller]
    fn heartbeat(self, interval: Duration) -> Self::Piped<Heartbeat<Self::Item, Same<Self::Item>>>
    where
        Self::Item: Clone + PartialEq + 'static,
    {
        self.pipe(Heartbeat::new(interval, PartialEq::eq))
    }

    /// As [`heartbeat`](Self::heartbeat), where `same` tells whether two events count as equal: their values without
    /// their times, or numbers that are near enough.
    #[track_caller]
    fn heartbeat_by<F>(self, interval: Duration, same: F) -> Self::Piped<Heartbeat<Self::Item, F>>
    where
        Self::Item: Clone + 'static,
        F: FnMut(&Self::Item, &Self::Item) -> bool + 'static,
    {
        self.pipe(Heartbeat::new(interval, same))
    }

    /// Sends only the last of the events that come in one turn of the scheduler, in the next one.
    #[doc(alias = "signal_element")]
    #[doc(alias = "conflate")]
    fn coalesce(self) -> Self::Piped<Coalesce<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Coalesce::new())
    }

    /// Drops events that are `limit` old or older: sensor events by their own time, others by that of
    /// [`stamped`](Self::stamped).
    #[doc(alias = "ttl")]
    fn time_to_live(self, limit: Duration) -> Self::Piped<TimeToLive<Self::Item>>
    where
        Self::Item: Aged + 'static,
    {
        self.pipe(TimeToLive::new(limit))
    }

    /// Marks each event with the time at which it came.
    #[doc(alias = "timestamp")]
    fn stamped(self) -> Self::Piped<Stamp> {
        self.pipe(Stamp)
    }

    /// Ends by an error when no event has come for `limit`, from the start on.
    #[doc(alias = "TimeoutThing")]
    fn timeout(self, limit: Duration) -> Self::Piped<Timeout> {
        self.pipe(Timeout::new(limit))
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

    /// As [`chunks_timeout`](Self::chunks_timeout), with the first event of each key only.
    #[cfg(feature = "alloc")]
    #[doc(alias = "timed_window_unique")]
    #[track_caller]
    fn chunks_timeout_distinct<K, F>(
        self,
        interval: Duration,
        key: F,
    ) -> Self::Piped<ChunksTimeoutDistinct<Self::Item, K, F>>
    where
        Self::Item: 'static,
        K: Ord + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(ChunksTimeoutDistinct::new(interval, key))
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

    /// As [`chunks_within`](Self::chunks_within), with a list for each key.
    #[cfg(feature = "alloc")]
    #[doc(alias = "partition")]
    #[track_caller]
    fn chunks_within_by<K, F>(
        self,
        n: impl Into<crate::Size>,
        limit: Duration,
        key: F,
    ) -> Self::Piped<ChunksWithinBy<Self::Item, K, F>>
    where
        Self::Item: 'static,
        K: Ord + Clone + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(ChunksWithinBy::new(n, limit, key))
    }
}

impl<C: Chain> Timing for C {}
