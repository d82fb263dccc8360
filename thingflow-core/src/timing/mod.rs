//! Operators that work with time. Their timers start when the graph starts to run, never when it is built, and they
//! read the time of the scheduler: in real time and on a virtual clock they do the same.
//!
//! An event that comes at the very instant at which a timer is due comes after it. A wake-up that is late changes when
//! something is sent, and not what; of repetitions that are missed altogether only one is made up for. What is held back
//! goes out when the stream ends, also by an error.

mod coalesce;
mod dated;
mod debounce;
mod delay;
mod future_to;
mod heartbeat;
#[cfg(feature = "alloc")]
mod hold_until_clock_is_set;
mod on_timeout;
mod pace;
mod sample_every;
mod stamped;
mod throttle;
#[cfg(feature = "alloc")]
mod throttle_by;
mod time_to_live;
mod timeout;
mod watermarks;

pub use coalesce::Coalesce;
pub use dated::Date;
pub use debounce::Debounce;
pub use delay::Delay;
pub use future_to::FutureTo;
pub use heartbeat::Heartbeat;
#[cfg(feature = "alloc")]
pub use hold_until_clock_is_set::HoldUntilClockIsSet;
pub use on_timeout::{OnTimeout, Repeat, Watcher};
pub use pace::Pace;
pub use sample_every::SampleEvery;
pub use stamped::{Stamp, Stamped};
pub use throttle::Throttle;
#[cfg(feature = "alloc")]
pub use throttle_by::ThrottleBy;
pub use time_to_live::{Aged, TimeToLive};
pub use timeout::Timeout;
pub use watermarks::Watermarked;

use core::time::Duration;

use heapless::Deque;

use crate::chain::Chain;
use crate::clock::Instant;
use crate::limit::Limit;
use crate::thing::InputThing;

#[cfg(feature = "alloc")]
use crate::storage::Growing;

/// What a [`Delay`] holds: when it is due, and the event.
pub type Waiting<T> = (Instant, T);
/// A [`Delay`] within a limit.
#[cfg(feature = "alloc")]
pub type DelayWithin<T> = Delay<T, Growing<Waiting<T>>>;
/// A [`Delay`] of at most `N` events, without an allocator.
pub type DelayOf<T, const N: usize> = Delay<T, Deque<Waiting<T>, N>>;
/// A [`Pace`] of at most `N` events, without an allocator.
pub type PaceOf<T, const N: usize> = Pace<T, Deque<T, N>>;
/// Tells whether two events count as equal, for a [`Heartbeat`].
pub type Same<T> = fn(&T, &T) -> bool;

/// The operators with time as methods of every [`Chain`].
pub trait Timing: Chain {
    /// Says after each event how far the stream has come in the time that `time` reads from it: to the latest time so far less
    /// `lateness`. What follows takes it that no event of an earlier time comes: [windows](crate::windows::Window::event_time) by that time
    /// are complete, and what does come is late.
    ///
    /// So `lateness` is how far events may be out of order; what is later by more is lost to the windows, and a longer wait has them sent
    /// later. An event from the future takes the watermark with it: [`future_to`](Self::future_to) in front of it keeps such events away.
    ///
    /// Holds two times. Sends the same events, and watermarks.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::windows::Count;
    /// # #[cfg(feature = "alloc")] {
    /// let seconds = [1, 4, 2, 11, 9, 21].map(Timestamp::from_secs);
    /// let tens = Window::event_time(Duration::from_secs(10), |at: &Timestamp| *at);
    /// let marked = from_iter(seconds).watermarks(|at| *at, Duration::from_secs(5));
    /// assert_eq!(marked.aggregate(tens, Count::new()).map(|window| window.value).collect_now(), [4, 1, 1]);
    /// # }
    /// ```
    fn watermarks<F>(self, time: F, lateness: Duration) -> Self::Piped<Watermarked<F>>
    where
        Self::Item: 'static,
        F: FnMut(&Self::Item) -> crate::Timestamp + 'static,
    {
        self.pipe(Watermarked::new(time, lateness, None))
    }

    /// As [`watermarks`](Self::watermarks), and after a silence of `idle_after` the watermark goes on with the scheduler's clock: windows
    /// close although nothing comes, and an input that sleeps holds back none that it is joined with.
    ///
    /// Where nobody knows how long a machine was off, the silence begins with the restart. When the input wakes, what it sends of a time behind
    /// the watermark is late. By this the result depends on the time of arrival: over a recording
    /// it is the same as live if that is replayed [as recorded](crate::Flow::as_recorded).
    ///
    /// Holds two times. Sends the same events, and watermarks.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::Recorder;
    /// # use thingflow_core::windows::Count;
    /// let rows = [1, 2, 100].map(Timestamp::from_secs);
    /// let marked = from_iter(rows).at_times(|at| *at).watermarks_or_idle(|at| *at, Duration::ZERO, Duration::from_secs(4));
    /// let tens = Window::event_time(Duration::from_secs(10), |at: &Timestamp| *at);
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// let counts = marked.aggregate(tens, Count::new()).map(|window| window.value);
    /// scheduler.schedule_recurring(counts.connect(seen.clone()))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), "2@9 1@99 |@99"); // the first event comes at 0, so this is second 10 of the recording
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If `idle_after` is zero.
    #[track_caller]
    fn watermarks_or_idle<F>(self, time: F, lateness: Duration, idle_after: Duration) -> Self::Piped<Watermarked<F>>
    where
        Self::Item: 'static,
        F: FnMut(&Self::Item) -> crate::Timestamp + 'static,
    {
        assert!(!idle_after.is_zero(), "idle after no time: use 1 ns or more");
        self.pipe(Watermarked::new(time, lateness, Some(idle_after)))
    }

    /// Sends events whose time is later than now by more than `skew` to another Thing, a port for instance: a sensor with a wrong
    /// clock then moves no watermark. They are counted, and reported at most every ten seconds.
    ///
    /// Now is the wall clock of the scheduler; over a recording that is the time at which it is replayed, unless the
    /// [clock](crate::Flow::begins_at) starts when the recording did.
    ///
    /// Holds nothing. Sends the other events.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::Recorder;
    /// let (good, future) = (Recorder::new(), Recorder::new());
    /// let minute = Duration::from_secs(60);
    /// let mut chain = pipe().future_to(|at: &Timestamp| *at, minute, future.clone()).to(good.clone());
    /// let cx = &mut Context::detached(Instant::ZERO + minute); // a minute after 1970
    /// chain.next(Timestamp::from_secs(100), cx)?;
    /// chain.next(Timestamp::from_secs(1_000_000), cx)?;
    /// assert_eq!((good.events().len(), future.events().len()), (1, 1));
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[doc(alias = "skew")]
    fn future_to<F, N>(self, time: F, skew: Duration, future: N) -> Self::Piped<FutureTo<F, N>>
    where
        Self::Item: 'static,
        F: FnMut(&Self::Item) -> crate::Timestamp + 'static,
        N: InputThing<Self::Item> + 'static,
    {
        self.pipe(FutureTo::new(time, skew, future))
    }

    /// Sends each event `by` after it has come. What exceeds `limit` is treated as it says.
    ///
    /// The distances between the events stay as they are; use [`pace`](Self::pace) to spread a burst. When the
    /// stream completes the end waits until the last event has gone in its time; an error does not wait: what is held
    /// goes out at once, before it. So it does at any end [where nobody wakes](crate::Context::drains). A delay that is
    /// full does with one more event what its limit says. While those downstream are full it keeps what is due.
    ///
    /// Holds up to `limit` events. Sends `T`. Options, of [`Delay`]: `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().delay(Duration::from_secs(2), Limit::block(100)).to(seen.clone());
    /// let at = |secs| Context::detached(Instant::ZERO + Duration::from_secs(secs));
    /// chain.next('a', &mut at(1))?;
    /// chain.next('b', &mut at(2))?;
    /// chain.notice(Notice::Wake, &mut at(3))?;
    /// chain.notice(Notice::Wake, &mut at(4))?;
    /// chain.next('c', &mut at(5))?;
    /// chain.notice(Notice::Completed, &mut at(6))?;
    /// assert_eq!(seen.timed_text(), "'a'@3 'b'@4 'c'@6 |@6"); // at once, for no scheduler would wake it
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    fn delay(self, by: Duration, limit: Limit) -> Self::Piped<DelayWithin<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Delay::new(by, limit))
    }

    /// As [`delay`](Self::delay), for at most `N` events at a time: `delay_of::<8>(d)` needs no allocator.
    ///
    /// The source is asked to pause when all `N` places are taken; one event more ends the stream with an error.
    ///
    /// Holds up to `limit` events. Sends `T`. Options, of [`Delay`]: `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().delay_of::<2>(Duration::from_secs(2)).to(seen.clone());
    /// let at = |secs| Context::detached(Instant::ZERO + Duration::from_secs(secs));
    /// chain.next('a', &mut at(1))?;
    /// chain.notice(Notice::Wake, &mut at(3))?;
    /// assert_eq!(seen.timed_text(), "'a'@3");
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    fn delay_of<const N: usize>(self, by: Duration) -> Self::Piped<DelayOf<Self::Item, N>>
    where
        Self::Item: 'static,
    {
        const { assert!(N > 0, "delay_of::<0>(): a delay needs room for one event at least") };
        self.pipe(Delay::within(by, Limit::block(N)))
    }

    /// Leaves at least `gap` between two events: those that come sooner wait, and the source is paused when `limit` is
    /// reached.
    ///
    /// The first event, and one that comes after an idle time, goes on at once. Events that come sooner wait in the
    /// queue, and a source that can pause is paused when it is full: with `Limit::block(1)` it is asked for the next
    /// event when the last one has been sent. Nothing is lost, unless the limit says so; to drop what is too much use
    /// [`throttle`](Self::throttle). While those downstream are full it sends nothing. When the stream
    /// completes the end waits until the last event has gone in its time; an error does not wait: what is held goes out
    /// at once, before it. So it does at any end [where nobody wakes](crate::Context::drains).
    ///
    /// Holds up to `limit` events. Sends `T`. Options, of [`Pace`]: `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "std")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// let flow = from_iter(["a", "b", "c"]).pace(Duration::from_secs(2), Limit::block(1));
    /// scheduler.schedule_recurring(flow.connect(seen.clone()))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), r#""a"@0 "b"@2 "c"@4 |@4"#);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// The source is asked to pause when all `N` places are taken; one event more ends the stream with an error.
    ///
    /// Holds up to `limit` events. Sends `T`. Options, of [`Pace`]: `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().pace_of::<2>(Duration::from_secs(2)).to(seen.clone());
    /// let at = |secs| Context::detached(Instant::ZERO + Duration::from_secs(secs));
    /// chain.next('a', &mut at(1))?;
    /// chain.next('b', &mut at(1))?;
    /// chain.notice(Notice::Wake, &mut at(3))?;
    /// assert_eq!(seen.timed_text(), "'a'@1 'b'@3");
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    fn pace_of<const N: usize>(self, gap: Duration) -> Self::Piped<PaceOf<Self::Item, N>>
    where
        Self::Item: 'static,
    {
        const { assert!(N > 0, "pace_of::<0>(): a pace needs room for one event at least") };
        self.pipe(Pace::within(gap, Limit::block(N)))
    }

    /// Sends the first event of a burst at once, then at most one each `window`, the latest.
    ///
    /// The first event goes on at once and begins a time `d`. Of those that come within it, the last goes out at its
    /// end and begins the next one; the others are dropped, and [`on_dropped`](Throttle::on_dropped) sees them. An event
    /// that comes exactly at the end of the time is the first after it. What waits at the end is sent first, also
    /// before an error.
    ///
    /// Use [`pace`](Self::pace) to hold the source instead, [`debounce`](Self::debounce) to wait for
    /// quiet, [`sample_every`](Self::sample_every) for fixed times.
    ///
    /// Holds one event. Sends `T`. Options, of [`Throttle`]: `on_dropped`, `drop_on_error`, `both`, `leading`,
    /// `trailing`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// # use thingflow_core::timing::Throttle;
    /// let sent = |filter: Throttle<u64>| {
    ///     let seen = Recorder::new();
    ///     let mut chain = pipe().pipe(filter).to(seen.clone());
    ///     for at in [1, 3, 5, 40] {
    ///         chain.next(at, &mut Context::detached(Instant::from_nanos(at)))?;
    ///     }
    ///     Ok::<_, thingflow_core::FatalError>(seen.events())
    /// };
    /// let d = Duration::from_nanos(10);
    /// assert_eq!(sent(Throttle::both(d))?, [1, 5, 40]);
    /// assert_eq!(sent(Throttle::leading(d))?, [1, 40]);
    /// assert_eq!(sent(Throttle::trailing(d))?, [5]); // 40 waits
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[doc(alias = "throttle_first")]
    #[doc(alias = "throttle_latest")]
    #[doc(alias = "throttleTime")]
    #[doc(alias = "audit")]
    #[doc(alias = "rate_limit")]
    fn throttle(self, window: Duration) -> Self::Piped<Throttle<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Throttle::both(window))
    }

    /// As [`throttle`](Self::throttle), for the events of each key on their own; of more than `keys` keys at once, the time of the
    /// one that began first is over early.
    ///
    /// A key is forgotten when its time is over, so the keys may be without number as long as few of them come within `window`.
    /// What waits at the end is sent in the order of its times.
    ///
    /// Holds one event a key, for up to `keys` keys. Sends `T`. Options, of [`ThrottleBy`]: `on_dropped`,
    /// `drop_on_error`, `both`, `leading`, `trailing`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().throttle_by(Duration::from_secs(60), 100, |e: &(&str, i32)| e.0).to(seen.clone());
    /// chain.feed([("lux", 1), ("co2", 400), ("lux", 2), ("lux", 3)])?;
    /// assert_eq!(seen.events(), [("lux", 1), ("co2", 400), ("lux", 3)]);
    /// # Ok::<(), RunError>(())
    /// ```
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
    ///
    /// An event waits for `d`; if another one comes meanwhile, that one waits instead. One that comes exactly after `d`
    /// is the first of another burst. What waits at the end is sent first, also before an error.
    ///
    /// Holds one event. Sends `T`. Options, of [`Debounce`]: `leading`, `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// # use thingflow_core::timing::Debounce;
    /// let pressed = |filter: Debounce<i32>| {
    ///     let seen = Recorder::new();
    ///     let mut button = pipe().pipe(filter).to(seen.clone());
    ///     for (at, level) in [(100, 1), (105, 0), (110, 2), (200, 0)] {
    ///         button.next(level, &mut Context::detached(Instant::from_nanos(at)))?;
    ///     }
    ///     Ok::<_, thingflow_core::FatalError>(seen.events())
    /// };
    /// let quiet = Duration::from_nanos(20);
    /// assert_eq!(pressed(Debounce::new(quiet))?, [2]); // of the burst, only the last
    /// assert_eq!(pressed(Debounce::new(quiet).leading())?, [1, 2, 0]); // and the first, without waiting
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[doc(alias = "throttle_with_timeout")]
    fn debounce(self, quiet: Duration) -> Self::Piped<Debounce<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Debounce::new(quiet))
    }

    /// Sends the latest event of each interval; nothing for an interval without events.
    ///
    /// The first interval begins when the graph starts to run; each includes its start and not its end. An interval
    /// without events sends nothing: for the last value again see [`heartbeat`](Self::heartbeat). What waits
    /// at the end is sent first, also before an error.
    ///
    /// Holds one event. Sends `T`. Options, of [`SampleEvery`]: `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().sample_every(Duration::from_nanos(10)).to(seen.clone());
    /// let at = |nanos| Context::detached(Instant::from_nanos(nanos));
    /// chain.notice(Notice::Start, &mut at(0))?;
    /// for time in [3, 7, 12, 45] {
    ///     chain.next(time, &mut at(time))?;
    /// }
    /// chain.notice(Notice::Completed, &mut at(46))?;
    /// assert_eq!(seen.events(), [7, 12, 45]);
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[doc(alias = "sample_time")]
    #[doc(alias = "sampleTime")]
    #[doc(alias = "throttle_last")]
    #[track_caller]
    fn sample_every(self, interval: Duration) -> Self::Piped<SampleEvery<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(SampleEvery::new(interval))
    }

    /// Passes an event that differs from the one before, and sends the latest again when nothing has gone out for
    /// `interval`.
    ///
    /// An event that differs from the one before goes on at once. If nothing has gone out for `d`, the latest event
    /// does, so that a receiver can tell a value that does not change from a sensor that is dead. Nothing goes out
    /// before the first event; the end sends nothing, since an event that waits is no news.
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut door = pipe().heartbeat(Duration::from_secs(60)).to(seen.clone());
    /// let at = |secs| Context::detached(Instant::ZERO + Duration::from_secs(secs));
    /// for (secs, state) in [(0, "shut"), (10, "shut"), (20, "open"), (30, "open")] {
    ///     door.next(state, &mut at(secs))?;
    /// }
    /// door.notice(Notice::Wake, &mut at(60))?; // too early
    /// door.notice(Notice::Wake, &mut at(80))?;
    /// assert_eq!(seen.timed_text(), r#""shut"@0 "open"@20 "open"@80"#);
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[track_caller]
    fn heartbeat(self, interval: Duration) -> Self::Piped<Heartbeat<Self::Item, Same<Self::Item>>>
    where
        Self::Item: Clone + PartialEq + 'static,
    {
        self.pipe(Heartbeat::new(interval, PartialEq::eq))
    }

    /// As [`heartbeat`](Self::heartbeat), where `same` tells whether two events count as equal: their values without
    /// their times, or numbers that are near enough.
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let near = |a: &f64, b: &f64| (a - b).abs() < 0.5;
    /// pipe().heartbeat_by(Duration::from_secs(60), near).to(seen.clone()).feed([20.0, 20.1, 21.0])?;
    /// assert_eq!(seen.events(), [20.0, 21.0]);
    /// # }
    /// # Ok::<(), RunError>(())
    /// ```
    #[track_caller]
    fn heartbeat_by<F>(self, interval: Duration, same: F) -> Self::Piped<Heartbeat<Self::Item, F>>
    where
        Self::Item: Clone + 'static,
        F: FnMut(&Self::Item, &Self::Item) -> bool + 'static,
    {
        self.pipe(Heartbeat::new(interval, same))
    }

    /// Sends only the last of the events that come in one turn of the scheduler, in the next one.
    ///
    /// An event waits for the next turn of the scheduler, in no time; of those that come meanwhile only the last goes
    /// out. So what follows acts once however many events came together: one drawing for a hundred new values, one
    /// answer to a message that changes ten ports. Another timed filter of the same chain that is woken in this turn
    /// may cut the burst in two. What waits at the end is sent first, also before an error.
    ///
    /// Holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().coalesce().to(seen.clone());
    /// let at = |nanos| Context::detached(Instant::from_nanos(nanos));
    /// chain.next(1, &mut at(5))?;
    /// chain.next(2, &mut at(5))?;
    /// chain.notice(Notice::Wake, &mut at(5))?;
    /// chain.next(3, &mut at(9))?;
    /// chain.notice(Notice::Completed, &mut at(9))?;
    /// assert_eq!(seen.text(), "2 3 |");
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
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
    ///
    /// An event whose [age](Aged) is `d` or more is dropped. A [`SensorEvent`](crate::SensorEvent) has its age from its own timestamp; to
    /// count only the time for which the graph held an event, mark it by [`stamped`](Self::stamped) before the
    /// place that holds it.
    ///
    /// Holds nothing. Sends `T`. Options, of [`TimeToLive`]: `on_dropped`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let second = Duration::from_secs(1);
    /// let mut chain = pipe().stamped().pace(second * 2, Limit::block(9)).time_to_live(second * 3).to(seen.clone());
    /// let at = |secs| Context::detached(Instant::ZERO + second * secs);
    /// for number in [1, 2, 3] {
    ///     chain.next(number, &mut at(0))?;
    /// }
    /// chain.notice(Notice::Wake, &mut at(2))?;
    /// chain.notice(Notice::Wake, &mut at(4))?; // the last one has waited for too long
    /// assert_eq!(seen.events().iter().map(|e| e.event).collect::<Vec<_>>(), [1, 2]);
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[doc(alias = "ttl")]
    fn time_to_live(self, limit: Duration) -> Self::Piped<TimeToLive<Self::Item>>
    where
        Self::Item: Aged + 'static,
    {
        self.pipe(TimeToLive::new(limit))
    }

    /// Marks each event with the [`Moment`](crate::Moment) at which it came: its wall time, and whether that is known on a
    /// board whose clock may not have been set yet.
    ///
    /// What comes before the clock is set can be [settled](crate::Dated::settled) later in the same boot. To measure
    /// durations use [`stamped`](Self::stamped).
    ///
    /// Holds nothing. Sends `Dated<T>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "std")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::{VirtualClock, testing::Recorder};
    /// let clock = VirtualClock::new().unset();
    /// let (mut scheduler, seen) = (Scheduler::with_clock(clock.clone())?, Recorder::new());
    /// let dated = from_iter(1..=3).also_to(call(move |n| if n == 2 { clock.synchronize() })).dated();
    /// scheduler.schedule_periodic(dated.connect(seen.clone()), Duration::from_secs(1))?;
    /// scheduler.run_forever()?;
    /// let known: Vec<_> = seen.events().iter().map(|dated| dated.moment.is_known()).collect();
    /// assert_eq!(known, [false, true, true]);
    /// # }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    fn dated(self) -> Self::Piped<Date> {
        self.pipe(Date)
    }

    /// Holds events back until the wall clock has been set, so that all that follows knows their times: for at most `longest`
    /// from the first of them. What exceeds `limit` is treated as it says.
    ///
    /// When the clock is set the events go on in their order, each with the [`Moment`](crate::Moment) at which it came, settled:
    /// the wall time is reckoned from the monotonic time that has passed. If it is not set for so long, events go on with a mark
    /// that their time is not known, those held at once and the others as they come, until the clock is set after all.
    /// [`into_event`](crate::Dated::into_event) puts the time of a sensor event right. While the clock is not set it is
    /// looked at each second.
    ///
    /// When the stream completes the end waits with the events; an error does not wait. Where
    /// [nobody wakes](crate::Context::drains) nothing is held.
    ///
    /// Holds up to `limit` events. Sends `Dated<T>`.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::ListSensor;
    /// # #[cfg(feature = "std")] {
    /// # use thingflow_core::{VirtualClock, testing::Recorder};
    /// let clock = VirtualClock::new().unset(); // shows 1970
    /// let (mut scheduler, seen) = (Scheduler::with_clock(clock.clone())?, Recorder::new());
    /// scheduler.schedule_sensor(ListSensor::new("lux", [20, 21, 22]), Duration::from_secs(10), |lux| {
    ///     let dated = lux.hold_until_clock_is_set(Duration::from_secs(3600), Limit::drop_oldest(10_000));
    ///     dated.map(|dated| dated.into_event()).map(|event| event.ts.to_string()).connect(seen.clone());
    /// })?;
    /// scheduler.run_for(Duration::from_secs(25))?;
    /// assert_eq!(seen.text(), "");
    /// clock.set("2026-03-01T12:00:25Z".parse()?);
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.events(), ["2026-03-01T12:00:10Z", "2026-03-01T12:00:20Z", "2026-03-01T12:00:30Z"]);
    /// # }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[cfg(feature = "alloc")]
    fn hold_until_clock_is_set(self, longest: Duration, limit: Limit) -> Self::Piped<HoldUntilClockIsSet<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(HoldUntilClockIsSet::new(longest, limit))
    }

    /// Marks each event with the time at which it came.
    ///
    /// Holds nothing. Sends `Stamped<T>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// let gaps = pipe::<char>().stamped().pairwise().map(|(before, e)| e.at - before.at);
    /// # let seen = thingflow_core::testing::Recorder::new();
    /// let mut chain = gaps.to(seen.clone());
    /// chain.next('a', &mut Context::detached(Instant::from_nanos(10)))?;
    /// chain.next('b', &mut Context::detached(Instant::from_nanos(15)))?;
    /// assert_eq!(seen.events(), [Duration::from_nanos(5)]);
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[doc(alias = "timestamp")]
    fn stamped(self) -> Self::Piped<Stamp> {
        self.pipe(Stamp)
    }

    /// Ends by an error when no event has come for `limit`, from the start on.
    ///
    /// The timer starts when the graph starts to run, and again with each event. An event that comes exactly when it is
    /// over comes too late. For a substitute in place of the error see [`on_timeout`](Self::on_timeout).
    ///
    /// Without the feature `alloc` the error does not say how long.
    ///
    /// Holds nothing. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().timeout(Duration::from_millis(2500)).to(seen.clone());
    /// let at = |secs| Context::detached(Instant::ZERO + Duration::from_secs(secs));
    /// chain.notice(Notice::Start, &mut at(0))?;
    /// chain.next("tick", &mut at(2))?;
    /// chain.notice(Notice::Wake, &mut at(5))?;
    /// assert_eq!(seen.text(), r#""tick" ! no event for 2.5s"#);
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[doc(alias = "TimeoutThing")]
    fn timeout(self, limit: Duration) -> Self::Piped<Timeout> {
        self.pipe(Timeout::new(limit))
    }

    /// Passes the events, and sends what the [`Watcher`] supplies whenever none has come for `interval`.
    ///
    /// The timer starts when the graph starts to run, and again with each event and each timeout. When an event comes
    /// exactly at the end of the time, the substitute is sent before it.
    ///
    /// Holds nothing. A watcher may: `Repeat` holds one event. Sends `T`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// # use thingflow_core::timing::Repeat;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().on_timeout(Duration::from_nanos(10), Repeat::last()).to(seen.clone());
    /// let at = |nanos| Context::detached(Instant::from_nanos(nanos));
    /// chain.notice(Notice::Start, &mut at(0))?;
    /// chain.notice(Notice::Wake, &mut at(10))?; // a timeout, but nothing to repeat
    /// chain.next('a', &mut at(15))?;
    /// chain.notice(Notice::Wake, &mut at(20))?; // too early
    /// chain.notice(Notice::Wake, &mut at(25))?;
    /// assert_eq!(seen.timed_text(), "'a'@0.000000015 'a'@0.000000025");
    /// # }
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
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
