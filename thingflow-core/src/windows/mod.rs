//! Windows: several events taken together. *Who assigns* the events to windows is a [`Window`]: by their number, by the time at
//! which they arrive, by a key. *What gathers* them is an [`Aggregate`] of their values, or a [`List`] of the events.
//!
//! [`Windows::aggregate`] and [`Windows::window`] put any of the one to any of the other; the other methods are short names for
//! what is often wanted.

mod aggregates;
mod bounds;
#[cfg(feature = "alloc")]
mod by_event_time;
#[cfg(feature = "alloc")]
mod by_key;
mod cumulative;
#[cfg(feature = "alloc")]
mod event_window;
mod ewm_variance;
mod ewma;
#[cfg(any(feature = "std", feature = "libm"))]
mod ewma_by_time;
mod forms;
#[cfg(feature = "alloc")]
mod framing;
mod gather;
mod groups;
#[cfg(feature = "alloc")]
mod keyed;
mod merge;
#[cfg(feature = "alloc")]
mod per_key;
mod recent;
mod running_avg;
mod running_sum;
mod running_variance;
mod sliding;
mod smoothing;
mod total;
mod window;

pub use aggregates::*;
pub use bounds::{Bare, Bounds, Pane, Stamp, Tally, Windowed};
pub use cumulative::Cumulative;
pub use ewm_variance::EwmVariance;
pub use ewma::{Alpha, Ewma};
#[cfg(any(feature = "std", feature = "libm"))]
pub use ewma_by_time::EwmaByTime;
pub use forms::{Fixed, MediansOf};
pub use gather::{Gather, Limited, Peek, Slide, Unlimited, Values};
pub use groups::Groups;
pub use merge::Merge;
pub use recent::Recent;
pub use running_avg::{Places, RunningAvg};
pub use running_sum::RunningSum;
pub use running_variance::RunningVariance;
pub use sliding::Sliding;
pub use smoothing::Smoothing;
pub use total::{FixedPointSum, IntegerSum, PairSum, Total};
pub use window::{
    AnyNumber, Assigner, AtMost, CountWindow, CumulativeWindow, EachWindow, TimeWindow, TumblingWindow, Window,
    WithBounds,
};
#[cfg(feature = "alloc")]
pub use {
    by_event_time::{ByEventTime, Gathered},
    by_key::{ByKey, KeyedBy, Keying, SavedKey, Starting, Unkeyed},
    event_window::EventWindow,
    forms::{Boxed, KeyedLists, Lists, Medians, RecentLists, SlidingLists},
    framing::{Calendar, Frame, Framing, Hops, OpenWindows, Periods, Sessions, Spans, UtcMonths},
    gather::{DistinctList, List},
    keyed::Keyed,
    per_key::{Overlapping, PerKey},
    running_avg::Grown,
};

pub use crate::measure::{Carrier, Number};

use crate::chain::Chain;
use crate::measure::Measured;

#[cfg(feature = "alloc")]
use {crate::limit::Limit, crate::size::Size, core::time::Duration};

/// The windows as methods of every [`Chain`].
pub trait Windows: Chain {
    /// Sends what an aggregate makes of the values in each window: `aggregate(Window::sliding(5), Max::new())`.
    ///
    /// A result carries the id and time of the last event of its window. A window that the end of the stream cuts short gives
    /// a last result, also before an error; those that overlap give full ones only. With [`bounds`](TumblingWindow::bounds) a
    /// result says from when to when its window was, and of how many events.
    ///
    /// Holds what the window and the aggregate hold. Sends `A::Out`, with the id and time of a sensor event. Options: those of
    /// the window, `partial`, `aligned`, `from_start`, `at_most`, `by_key`, `send_empty`, `drop_on_error`, `bounds`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// use thingflow_core::windows::{Max, Mean, Window};
    /// let lux = [3.0, 5.0, 7.0].map(|lux| SensorEvent::new("lux", Timestamp::from_secs(1), lux));
    /// let seen = from_iter(lux).aggregate(Window::sliding(2), (Mean::new(), Max::new())).collect_now();
    /// assert_eq!(seen[1], SensorEvent::new("lux", Timestamp::from_secs(1), (6.0, 7.0)));
    ///
    /// let mean = |start| from_iter([50.0, 100.0, 200.0]).aggregate(Window::cumulative(), start).collect_now();
    /// assert_eq!(mean(Mean::new())[..2], [50.0, 75.0]);
    /// assert_eq!(mean(Mean::starting_at(10.0, 2)).last(), Some(&72.0)); // goes on from an earlier run
    /// # }
    /// ```
    ///
    /// Windows of time, with their bounds:
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// # use core::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::{Recorder, timed};
    /// # use thingflow_core::windows::{Max, Sum};
    /// let (mut scheduler, seen, spans) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    /// let rain = timed([(3.0, 2_u32), (9.0, 1), (12.0, 1), (24.0, 5)]).output(); // ticks of a gauge
    /// let tens = Window::each(Duration::from_secs(10));
    /// rain.aggregate(tens, Sum::new()).connect(seen.clone());
    /// let bounds = rain.aggregate(tens.aligned().bounds(), Max::new());
    /// bounds.map(|w| (w.start.as_secs_f64(), w.end.as_secs_f64(), w.count, w.value)).connect(spans.clone());
    /// scheduler.schedule_recurring(rain)?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), "4@13 5@24 |@24");
    /// assert_eq!(spans.timed_text(), "(0.0, 10.0, 2, 2)@10 (10.0, 20.0, 1, 1)@20 (20.0, 30.0, 1, 5)@24 |@24");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "rolling")]
    #[doc(alias = "map_window")]
    #[doc(alias = "cumsum")]
    #[doc(alias = "tumbling_time")]
    #[doc(alias = "timed_window")]
    #[doc(alias = "windowCount")]
    #[doc(alias = "windowTime")]
    #[track_caller]
    fn aggregate<W, A>(self, window: W, aggregate: A) -> Self::Piped<W::Filter>
    where
        Self::Item: Carrier,
        A: Aggregate<<Self::Item as Carrier>::Value> + Clone,
        W: Assigner<Self::Item, Values<A>>,
        W::Filter: 'static,
    {
        self.pipe(window.assign(Values::new(aggregate)))
    }

    /// Sends what gathers the events of each window, a list of them: `window(Window::sliding(5).partial(), List::new())`.
    ///
    /// The short names `chunks`, `sliding`, `chunks_timeout` … are this with the options that are most often wanted. A window of
    /// time has as many events as come, so its list needs a [limit](List::within).
    ///
    /// Holds the events of one window. Sends `Vec<T>`. Options: those of the window, as of [`aggregate`](Self::aggregate).
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// use thingflow_core::windows::List;
    /// let begun = from_iter(1..=3).window(Window::sliding(2).partial(), List::new());
    /// assert_eq!(begun.collect_now(), [vec![1], vec![1, 2], vec![2, 3]]);
    /// # }
    /// ```
    #[track_caller]
    fn window<W, G>(self, window: W, gather: G) -> Self::Piped<W::Filter>
    where
        G: Gather<Self::Item>,
        W: Assigner<Self::Item, G>,
        W::Filter: 'static,
    {
        self.pipe(window.assign(gather))
    }

    /// Sends the mean of the last `n` events for each event, from the first on (so of fewer, at the beginning).
    ///
    /// A sensor event keeps its id and time. A NaN is left out; of a window that has nothing else the mean is a NaN.
    ///
    /// Holds up to `n` values. Sends events as they came, with the mean in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([1.0, 2.0, 6.0, 7.0]).running_avg(3).collect_now(), [1.0, 1.5, 3.0, 5.0]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "sensor_sliding_mean")]
    #[doc(alias = "moving_average")]
    #[doc(alias = "rolling_mean")]
    #[track_caller]
    fn running_avg(self, n: impl Into<Size>) -> Self::Piped<RunningAvg<Self::Item, Boxed<Self::Item>>>
    where
        Self::Item: Measured + 'static,
    {
        self.pipe(RunningAvg::new(Grown::new(n.into())))
    }

    /// As [`running_avg`](Self::running_avg), of a constant number of events: `running_avg_of::<5>()` needs no allocator.
    ///
    /// Holds `N` values. Sends events as they came, with the mean in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let mut means = Vec::new();
    /// pipe::<f32>().running_avg_of::<2>().to(call(|mean| means.push(mean))).feed([1.0, 2.0, 4.0])?;
    /// assert_eq!(means, [1.0, 1.5, 3.0]);
    /// # Ok::<(), RunError>(())
    /// ```
    fn running_avg_of<const N: usize>(self) -> Self::Piped<RunningAvg<Self::Item, Fixed<Self::Item, N>>>
    where
        Self::Item: Measured + 'static,
    {
        const { assert!(N > 0, "running_avg_of::<0>(): a window needs at least one event") };
        self.pipe(RunningAvg::new([Default::default(); N]))
    }

    /// Sends the sum of the last `n` events for each event, from the first on (so of fewer, at the beginning).
    ///
    /// A sensor event keeps its id and time. A NaN is left out; of a window that has nothing else the sum is 0. Values are added up in blocks
    /// and never subtracted, so a huge one leaves no trace; a sum that has to be the nearest float is [`Sum`] in a window.
    ///
    /// Holds up to `n` values. Sends events as they came, with the sum in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([1.0, 2.0, 6.0, 7.0]).running_sum(3).collect_now(), [1.0, 3.0, 9.0, 15.0]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "rolling_sum")]
    #[track_caller]
    fn running_sum(self, n: impl Into<Size>) -> Self::Piped<RunningSum<Self::Item, Boxed<Self::Item>>>
    where
        Self::Item: Measured + 'static,
    {
        self.pipe(RunningSum::new(Grown::new(n.into())))
    }

    /// As [`running_sum`](Self::running_sum), of a constant number of events: `running_sum_of::<5>()` needs no allocator.
    ///
    /// Holds `N` values. Sends events as they came, with the sum in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let mut sums = Vec::new();
    /// pipe::<f32>().running_sum_of::<2>().to(call(|sum| sums.push(sum))).feed([1.0, 2.0, 4.0])?;
    /// assert_eq!(sums, [1.0, 3.0, 6.0]);
    /// # Ok::<(), RunError>(())
    /// ```
    fn running_sum_of<const N: usize>(self) -> Self::Piped<RunningSum<Self::Item, Fixed<Self::Item, N>>>
    where
        Self::Item: Measured + 'static,
    {
        const { assert!(N > 0, "running_sum_of::<0>(): a window needs at least one event") };
        self.pipe(RunningSum::new([Default::default(); N]))
    }

    /// Sends the variance of the last `n` events for each event: how restless a value is. It divides by the count less one.
    ///
    /// A sensor event keeps its id and time. A NaN is left out; of fewer than two values there is no variance, and it is a NaN. It has as many
    /// digits as [`Variance`] has, also far from 0 and after a huge value.
    ///
    /// Holds up to `n` values. Sends events as they came, with the variance in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([4.0, 7.0, 10.0, 7.0]).running_variance(3).collect_now()[1..], [4.5, 9.0, 3.0]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "moving_variance")]
    #[doc(alias = "rolling_var")]
    #[track_caller]
    fn running_variance(self, n: impl Into<Size>) -> Self::Piped<RunningVariance<Self::Item, Boxed<Self::Item>>>
    where
        Self::Item: Measured + 'static,
    {
        self.pipe(RunningVariance::new(Grown::new(n.into())))
    }

    /// As [`running_variance`](Self::running_variance), of a constant number of events: `running_variance_of::<5>()` needs no allocator.
    ///
    /// Holds `N` values. Sends events as they came, with the variance in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let mut variances = Vec::new();
    /// pipe::<f32>().running_variance_of::<2>().to(call(|variance| variances.push(variance))).feed([1.0, 3.0, 3.0])?;
    /// assert_eq!(variances[1..], [2.0, 0.0]);
    /// # Ok::<(), RunError>(())
    /// ```
    fn running_variance_of<const N: usize>(self) -> Self::Piped<RunningVariance<Self::Item, Fixed<Self::Item, N>>>
    where
        Self::Item: Measured + 'static,
    {
        const { assert!(N > 0, "running_variance_of::<0>(): a window needs at least one event") };
        self.pipe(RunningVariance::new([Default::default(); N]))
    }

    /// Sends the events in lists of `n`; what is left over at the end goes out as a shorter list.
    ///
    /// It does so before an error, too. There is never an empty list.
    ///
    /// Holds up to `n` events. Sends `Vec<T>`. Options: by [`window`](Self::window) with `Window::tumbling(n)`, `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// assert_eq!(from_iter(1..=5).chunks(2).collect_now(), [vec![1, 2], vec![3, 4], vec![5]]);
    /// let broken = try_from_iter([Ok(1), Ok(2), Ok(3), Err("no more")]);
    /// assert_eq!(broken.chunks(2).try_collect_now().0, [vec![1, 2], vec![3]]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "buffer_with_count")]
    #[doc(alias = "bufferCount")]
    #[doc(alias = "partition")]
    #[track_caller]
    fn chunks(self, n: impl Into<Size>) -> Self::Piped<Lists<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.window(Window::tumbling(n), List::new())
    }

    /// Sends the last `n` events as a list, for each event from the `n`th on.
    ///
    /// Only full windows are sent, none at the end.
    ///
    /// Holds up to `n` events. Sends `Vec<T>`. Options: by [`window`](Self::window) with `Window::sliding(n)`, `partial`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// assert_eq!(from_iter(1..=4).sliding(3).collect_now(), [[1, 2, 3], [2, 3, 4]]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "sliding_window")]
    #[track_caller]
    fn sliding(self, n: impl Into<Size>) -> Self::Piped<SlidingLists<Self::Item>>
    where
        Self::Item: Clone + 'static,
    {
        self.window(Window::sliding(n), List::new())
    }

    /// Sends the last `size` events as a list, every `step` events.
    ///
    /// With a `step` below `size` windows overlap: only full ones are sent. With a `step` above `size` the events between are
    /// left out. Where windows do not overlap, the events of one that the end cuts short go out as a shorter list, also
    /// before an error.
    ///
    /// Holds up to `size` events. Sends `Vec<T>`. Options: by [`window`](Self::window) with `Window::every(size, step)`, `partial`,
    /// `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// assert_eq!(from_iter(1..=6).windows(3, 2).collect_now(), [[1, 2, 3], [3, 4, 5]]);
    /// assert_eq!(from_iter(1..=7).windows(2, 3).collect_now(), [vec![1, 2], vec![4, 5], vec![7]]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "map_window")]
    #[doc(alias = "window_with_count")]
    #[doc(alias = "buffer_with_count_and_skip")]
    #[track_caller]
    fn windows(self, size: impl Into<Size>, step: impl Into<Size>) -> Self::Piped<SlidingLists<Self::Item>>
    where
        Self::Item: Clone + 'static,
    {
        self.window(Window::every(size, step), List::new())
    }

    /// Sends the events of the last `span` as a list, for each event.
    ///
    /// The window is (now - span, now]: an event that is exactly `span` old has left it. Nothing is sent when events leave it,
    /// only when one comes.
    ///
    /// Holds the events of one window, up to `limit`. Sends `Vec<T>`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().sliding_time(Duration::from_nanos(10), Limit::drop_oldest(100)).to(seen.clone());
    /// for time in [0, 5, 10, 30] {
    ///     chain.next(time, &mut Context::detached(Instant::from_nanos(time)))?;
    /// }
    /// assert_eq!(seen.text(), "[0] [0, 5] [5, 10] [30]");
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "rolling_time")]
    fn sliding_time(self, span: Duration, limit: Limit) -> Self::Piped<RecentLists<Self::Item>>
    where
        Self::Item: Clone + 'static,
    {
        self.window(Window::last(span, limit), List::new())
    }

    /// Sends the events in lists of `n` of one key; of more than `keys` keys at once, the list that began first goes out early.
    ///
    /// What is left over at the end goes out as shorter lists, in the order in which they began, also before an error.
    ///
    /// Holds up to `n` events a key, of up to `keys` keys. Sends `Vec<T>`. Options: by [`window`](Self::window) with
    /// `Window::tumbling(n).by_key(keys, key)`, `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let words = from_iter(["ant", "bee", "asp", "bug", "ape", "cat"]).chunks_by(2, 100, |word| word.chars().next());
    /// assert_eq!(words.collect_now(), [vec!["ant", "asp"], vec!["bee", "bug"], vec!["ape"], vec!["cat"]]);
    /// let few = from_iter([1, 2, 3, 1]).chunks_by(2, 2, |x| *x);
    /// assert_eq!(few.collect_now(), [vec![1], vec![2], vec![3], vec![1]]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "partition")]
    #[track_caller]
    fn chunks_by<K, F>(
        self,
        n: impl Into<Size>,
        keys: impl Into<Size>,
        key: F,
    ) -> Self::Piped<KeyedLists<Self::Item, F>>
    where
        Self::Item: 'static,
        K: Ord + Clone + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.window(Window::tumbling(n).by_key(keys, key), List::new())
    }

    /// Sends the events in lists of `n` with different keys; of those with the same key it keeps the first.
    ///
    /// What is left over at the end goes out as a shorter list, also before an error.
    ///
    /// Holds up to `n` events. Sends `Vec<T>`. Options: by [`window`](Self::window) with `Window::tumbling(n)` and
    /// `DistinctList::by(key)`, `keep_last`, `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let readings = from_iter([("door", 1), ("door", 2), ("window", 3), ("door", 4)]);
    /// let first = readings.chunks_distinct(2, |(sensor, _)| *sensor).collect_now();
    /// assert_eq!(first, [vec![("door", 1), ("window", 3)], vec![("door", 4)]]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "partition_unique")]
    #[track_caller]
    #[allow(clippy::type_complexity)] // the window and the list, spelt out
    fn chunks_distinct<K, F>(
        self,
        n: impl Into<Size>,
        key: F,
    ) -> Self::Piped<Groups<Self::Item, DistinctList<Self::Item, K, F>, Bare>>
    where
        Self::Item: 'static,
        K: Ord + 'static,
        F: FnMut(&Self::Item) -> K + Clone + 'static,
    {
        self.window(Window::tumbling(n), DistinctList::by(key))
    }

    /// Sends the events of each interval as a list; nothing for an interval without events.
    ///
    /// The first interval begins when the graph starts to run; each includes its start and not its end. What is held at the end
    /// goes out, also before an error.
    ///
    /// Holds the events of one interval, up to `limit`. Sends `Vec<T>`. Options: by [`window`](Self::window) with
    /// `Window::each(interval).from_start()`, `send_empty`, `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().chunks_timeout(Duration::from_nanos(10), Limit::drop_oldest(100)).to(seen.clone());
    /// let at = |nanos| Context::detached(Instant::from_nanos(nanos));
    /// chain.notice(Notice::Start, &mut at(0))?;
    /// for time in [3, 7, 12, 45] {
    ///     chain.next(time, &mut at(time))?;
    /// }
    /// chain.notice(Notice::Completed, &mut at(46))?;
    /// assert_eq!(seen.events(), [vec![3, 7], vec![12], vec![45]]);
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    ///
    /// # Panics
    /// If the interval is zero.
    #[cfg(feature = "alloc")]
    #[doc(alias = "buffer_with_time")]
    #[doc(alias = "bufferTime")]
    #[doc(alias = "timed_window")]
    #[track_caller]
    fn chunks_timeout(self, interval: Duration, limit: Limit) -> Self::Piped<Lists<Self::Item, Limit>>
    where
        Self::Item: 'static,
    {
        self.window(Window::each(interval).from_start(), List::within(limit))
    }

    /// As [`chunks_timeout`](Self::chunks_timeout), with the first event of each key only.
    ///
    /// The events of a list stand in the order in which they came.
    ///
    /// Holds one event a key, for up to `limit` keys. Sends `Vec<T>`. Options: by [`window`](Self::window) with
    /// `Window::each(interval).from_start()` and `DistinctList::within(limit, key)`, `keep_last`, `send_empty`, `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// # let second = Duration::from_secs(1);
    /// let seen = Recorder::new();
    /// let first = pipe().chunks_timeout_distinct(second, Limit::drop_newest(100), |x| *x);
    /// first.to(seen.clone()).feed([1, 2, 1, 3, 1, 3, 3, 2])?;
    /// assert_eq!(seen.text(), "[1, 2, 3] |");
    /// # Ok::<(), RunError>(())
    /// ```
    ///
    /// # Panics
    /// If the interval is zero.
    #[cfg(feature = "alloc")]
    #[doc(alias = "timed_window_unique")]
    #[track_caller]
    #[allow(clippy::type_complexity)] // the window and the list, spelt out
    fn chunks_timeout_distinct<K, F>(
        self,
        interval: Duration,
        limit: Limit,
        key: F,
    ) -> Self::Piped<Groups<Self::Item, DistinctList<Self::Item, K, F, Limit>, Bare>>
    where
        Self::Item: 'static,
        K: Ord + 'static,
        F: FnMut(&Self::Item) -> K + Clone + 'static,
    {
        self.window(Window::each(interval).from_start(), DistinctList::within(limit, key))
    }

    /// Sends the events in lists of `n`, or of fewer when `time` has passed since the first of them.
    ///
    /// So no event waits for longer than `time`, and there is no timer while nothing waits. What is held at the end goes out,
    /// also before an error. There is never an empty list.
    ///
    /// Holds up to `n` events. Sends `Vec<T>`. Options: by [`window`](Self::window) with `Window::each(time).at_most(n)`,
    /// `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().chunks_within(3, Duration::from_nanos(10)).to(seen.clone());
    /// for time in [1, 2, 3, 4, 15] {
    ///     chain.next(time, &mut Context::detached(Instant::from_nanos(time)))?;
    /// }
    /// assert_eq!(seen.events(), [vec![1, 2, 3], vec![4]]);
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    ///
    /// # Panics
    /// If the time is zero.
    #[cfg(feature = "alloc")]
    #[doc(alias = "buffer_with_time_or_count")]
    #[doc(alias = "partition")]
    #[track_caller]
    fn chunks_within(self, n: impl Into<Size>, time: Duration) -> Self::Piped<Lists<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.window(Window::each(time).at_most(n), List::new())
    }

    /// As [`chunks_within`](Self::chunks_within), with a list for each key; of more than `keys` keys at once, the list that began
    /// first goes out early.
    ///
    /// The time of a list begins with its first event. What is held at the end goes out in the order in which the lists were
    /// begun, also before an error.
    ///
    /// Holds up to `n` events a key, of up to `keys` keys. Sends `Vec<T>`. Options: by [`window`](Self::window) with
    /// `Window::each(time).at_most(n).by_key(keys, key)`, `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use core::time::Duration;
    /// # use thingflow_core::testing::Recorder;
    /// let seen = Recorder::new();
    /// let mut chain = pipe().chunks_within_by(2, Duration::from_nanos(10), 100, |x: &u64| x % 2).to(seen.clone());
    /// for time in [1, 2, 3, 15] {
    ///     chain.next(time, &mut Context::detached(Instant::from_nanos(time)))?;
    /// }
    /// assert_eq!(seen.events(), [vec![1, 3], vec![2]]);
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    ///
    /// # Panics
    /// If the time is zero.
    #[cfg(feature = "alloc")]
    #[doc(alias = "partition")]
    #[track_caller]
    fn chunks_within_by<K, F>(
        self,
        n: impl Into<Size>,
        time: Duration,
        keys: impl Into<Size>,
        key: F,
    ) -> Self::Piped<KeyedLists<Self::Item, F>>
    where
        Self::Item: 'static,
        K: Ord + Clone + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.window(Window::each(time).at_most(n).by_key(keys, key), List::new())
    }

    /// Sends one median for every `n` events; what is left over at the end gives one, too.
    ///
    /// A sensor event keeps its id, and the time of the last of its group. A group of an even size gives the mean of the middle
    /// two. A NaN is left out; a group that has nothing else sends nothing.
    ///
    /// Holds up to `n` values. Sends a float, with the id and time of a sensor event. Options: by [`aggregate`](Self::aggregate) with
    /// `Window::tumbling(n)` and `Median::new()`, `drop_on_error`.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([9.0, 1.0, 2.0, 4.0, 7.0]).chunk_median(3).collect_now(), [2.0, 5.5]);
    /// ```
    #[cfg(feature = "alloc")]
    #[doc(alias = "periodic_median")]
    #[doc(alias = "PeriodicMedianTransducer")]
    #[track_caller]
    fn chunk_median(self, n: impl Into<Size>) -> Self::Piped<Medians<Self::Item>>
    where
        Self::Item: Carrier<Value: Number + 'static, Rest: 'static> + 'static,
    {
        self.aggregate(Window::tumbling(n), Median::new())
    }

    /// As [`chunk_median`](Self::chunk_median), of a constant number of events: `chunk_median_of::<5>()` needs no allocator.
    ///
    /// Holds `N` values. Sends a float, with the id and time of a sensor event.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// let mut medians = Vec::new();
    /// pipe::<f32>().chunk_median_of::<3>().to(call(|median| medians.push(median))).feed([9.0, 1.0, 2.0])?;
    /// assert_eq!(medians, [2.0]);
    /// # Ok::<(), RunError>(())
    /// ```
    fn chunk_median_of<const N: usize>(self) -> Self::Piped<MediansOf<Self::Item, N>>
    where
        Self::Item: Carrier<Value: Number + 'static, Rest: 'static> + 'static,
    {
        const { assert!(N > 0, "chunk_median_of::<0>(): a group needs at least one event") };
        self.aggregate(Window::tumbling(N), MedianOf::new())
    }
}

impl<C: Chain> Windows for C {}
