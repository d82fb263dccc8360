//! Operators that work with time. Their timers start when the graph starts to run, never when it is built, and they
//! read the time of the scheduler: in real time and on a virtual clock they do the same.
//!
//! An event that comes at the very instant at which a timer is due comes after it. A wake-up that is late changes when
//! something is sent, and not what; of repetitions that are missed altogether only one is made up for. What is held back
//! goes out when the stream ends, also by an error.

mod coalesce;
mod debounce;
mod delay;
mod heartbeat;
mod on_timeout;
mod pace;
mod sample_every;
mod stamped;
mod throttle;
#[cfg(feature = "alloc")]
mod throttle_by;
mod time_to_live;
mod timeout;

pub use coalesce::Coalesce;
pub use debounce::Debounce;
pub use delay::Delay;
pub use heartbeat::Heartbeat;
pub use on_timeout::{OnTimeout, Repeat, Watcher};
pub use pace::Pace;
pub use sample_every::SampleEvery;
pub use stamped::{Stamp, Stamped};
pub use throttle::Throttle;
#[cfg(feature = "alloc")]
pub use throttle_by::ThrottleBy;
pub use time_to_live::{Aged, TimeToLive};
pub use timeout::Timeout;

use core::time::Duration;

use heapless::Deque;

use crate::chain::Chain;
use crate::clock::Instant;
use crate::limit::Limit;

#[cfg(feature = "alloc")]
use crate::storage::Growing;

/// What a [`Delay`] holds: when it is due, and the event.
pub type Waiting<T> = (Instant, T);
/// Tells whether two events count as equal, for a [`Heartbeat`].
pub type Same<T> = fn(&T, &T) -> bool;

/// The operators with time as methods of every [`Chain`].
pub trait Timing: Chain {
    /// Sends each event `by` after it has come. What exceeds `limit` is treated as it says.
    #[cfg(feature = "alloc")]
    fn delay(self, by: Duration, limit: Limit) -> Self::Piped<Delay<Self::Item, Growing<Waiting<Self::Item>>>>
    where
        Self::Item: 'static,
    {
        self.pipe(Delay::new(by, limit))
    }

    /// As [`delay`](Self::delay), for at most `N` events at a time: `delay_of::<8>(d)` needs no allocator.
    ///
    /// The source is asked to pause when all `N` places are taken; one event more ends the stream by an error.
    fn delay_of<const N: usize>(self, by: Duration) -> Self::Piped<Delay<Self::Item, Deque<Waiting<Self::Item>, N>>>
    where
        Self::Item: 'static,
    {
        const { assert!(N > 0, "delay_of::<0>(): a delay needs room for one event at least") };
        self.pipe(Delay::within(by, Limit::block(N)))
    }

    /// Leaves at least `gap` between two events: those that come sooner wait, and the source is paused when `limit` is
    /// reached.
    #[cfg(feature = "alloc")]
    #[doc(alias = "rate_limit")]
    #[doc(alias = "delay")]
    fn pace(self, gap: Duration, limit: Limit) -> Self::Piped<Pace<Self::Item, Growing<Self::Item>>>
    where
        Self::Item: 'static,
    {
        self.pipe(Pace::new(gap, limit))
    }

    /// As [`pace`](Self::pace), with at most `N` events that wait: `pace_of::<1>(d)` needs no allocator.
    ///
    /// The source is asked to pause when all `N` places are taken; one event more ends the stream by an error.
    fn pace_of<const N: usize>(self, gap: Duration) -> Self::Piped<Pace<Self::Item, Deque<Self::Item, N>>>
    where
        Self::Item: 'static,
    {
        const { assert!(N > 0, "pace_of::<0>(): a pace needs room for one event at least") };
        self.pipe(Pace::within(gap, Limit::block(N)))
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

    /// As [`throttle`](Self::throttle), for the events of each key on their own; of more than `keys` keys at once, the time of the
    /// one that began first is over early.
    #[cfg(feature = "alloc")]
    #[track_caller]
    fn throttle_by<K, F>(
        self,
        window: Duration,
        keys: impl Into<crate::Size>,
        key: F,
    ) -> Self::Piped<ThrottleBy<Self::Item, K, F>>
    where
        Self::Item: 'static,
        K: Ord + Clone + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(ThrottleBy::both(window, keys, key))
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
}

impl<C: Chain> Timing for C {}
