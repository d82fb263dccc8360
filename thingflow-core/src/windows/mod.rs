//! Windows: operators over the last events, or over groups of them.
//!
//! A window sends either its events as a list, or what an [`Aggregate`] makes of their values.

mod aggregates;
mod by_count;
mod by_time;
mod chunk_median;
#[cfg(feature = "alloc")]
mod chunks;
#[cfg(feature = "alloc")]
mod chunks_by;
#[cfg(feature = "alloc")]
mod chunks_distinct;
mod each_time;
mod ewma;
mod ring;
mod running;
mod running_avg;
#[cfg(feature = "alloc")]
mod sliding;
#[cfg(feature = "alloc")]
mod sliding_time;
#[cfg(feature = "alloc")]
mod stepped;
mod total;
mod window;

pub use aggregates::*;
pub use by_count::ByCount;
pub use by_time::ByTime;
pub use chunk_median::ChunkMedian;
pub use each_time::EachTime;
pub use ewma::Ewma;
#[cfg(feature = "alloc")]
pub use ring::{Growing, OnHeap};
pub use ring::{InPlace, Place, Ring, Room};
pub use running::Running;
pub use running_avg::RunningAvg;
pub use total::{ExactSum, IntegerSum, Total};
pub use window::{CountWindow, EachWindow, RunningWindow, TimeWindow, Window, Windowed};
#[cfg(feature = "alloc")]
pub use {
    chunks::Chunks, chunks_by::ChunksBy, chunks_distinct::ChunksDistinct, sliding::Sliding, sliding_time::SlidingTime,
    stepped::Stepped,
};

pub use crate::measure::{Carrier, Number};

#[cfg(feature = "alloc")]
use core::time::Duration;

use crate::chain::Chain;
use crate::measure::Measured;

/// Where a window of `N` events keeps its values without an allocator.
pub type Fixed<T, const N: usize> = [<T as Measured>::Value; N];
/// Where a window keeps its values when its size is known at run time only.
#[cfg(feature = "alloc")]
pub type Boxed<T> = alloc::boxed::Box<[<T as Measured>::Value]>;

/// The windows as methods of every [`Chain`].
pub trait Windows: Chain {
    /// Sends the mean of the last `n` events for each event, from the first on (so of fewer, at the beginning).
    ///
    /// A sensor event keeps its id and time. `N` is a constant: `running_avg_of::<5>()` needs no allocator.
    fn running_avg_of<const N: usize>(self) -> Self::Piped<RunningAvg<Self::Item, Fixed<Self::Item, N>>>
    where
        Self::Item: Measured + 'static,
    {
        const { assert!(N > 0, "running_avg_of::<0>(): a window needs at least one event") };
        self.pipe(RunningAvg::new([Default::default(); N]))
    }

    /// As [`running_avg_of`](Self::running_avg_of), with a size that is known at run time only.
    #[cfg(feature = "alloc")]
    #[doc(alias = "sensor_sliding_mean")]
    #[doc(alias = "moving_average")]
    #[doc(alias = "rolling_mean")]
    #[track_caller]
    fn running_avg(self, n: impl Into<crate::Size>) -> Self::Piped<RunningAvg<Self::Item, Boxed<Self::Item>>>
    where
        Self::Item: Measured + 'static,
    {
        self.pipe(RunningAvg::new(alloc::vec![Default::default(); n.into().get()].into_boxed_slice()))
    }

    /// Sends an average in which the newest event has the share `alpha` and all before it the rest: exponential smoothing.
    ///
    /// # Panics
    /// If `alpha` is not above 0, or above 1.
    #[doc(alias = "exponential_smoothing")]
    #[doc(alias = "low_pass")]
    #[doc(alias = "ema")]
    #[track_caller]
    fn ewma(self, alpha: <Self::Item as Measured>::Value) -> Self::Piped<Ewma<<Self::Item as Measured>::Value>>
    where
        Self::Item: Measured<Value: 'static> + 'static,
    {
        self.pipe(Ewma::new(alpha))
    }

    /// Sends the events in lists of `n`; what is left over at the end goes out as a shorter list.
    #[cfg(feature = "alloc")]
    #[doc(alias = "buffer_with_count")]
    #[doc(alias = "partition")]
    #[track_caller]
    fn chunks(self, n: impl Into<crate::Size>) -> Self::Piped<Chunks<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(Chunks::new(n))
    }

    /// Sends the last `n` events as a list, for each event from the `n`th on.
    #[cfg(feature = "alloc")]
    #[doc(alias = "sliding_window")]
    #[track_caller]
    fn sliding(self, n: impl Into<crate::Size>) -> Self::Piped<Sliding<Self::Item>>
    where
        Self::Item: Clone + 'static,
    {
        self.pipe(Sliding::new(n))
    }

    /// Sends the last `size` events as a list, every `step` events.
    #[cfg(feature = "alloc")]
    #[doc(alias = "map_window")]
    #[doc(alias = "window_with_count")]
    #[doc(alias = "buffer_with_count_and_skip")]
    #[track_caller]
    fn windows(self, size: impl Into<crate::Size>, step: impl Into<crate::Size>) -> Self::Piped<Stepped<Self::Item>>
    where
        Self::Item: Clone + 'static,
    {
        self.pipe(Stepped::new(size, step))
    }

    /// Sends the events of the last `span` as a list, for each event.
    #[cfg(feature = "alloc")]
    #[doc(alias = "rolling_time")]
    fn sliding_time(self, span: Duration, limit: crate::Limit) -> Self::Piped<SlidingTime<Self::Item>>
    where
        Self::Item: Clone + 'static,
    {
        self.pipe(SlidingTime::new(span, limit))
    }

    /// Sends the events in lists of `n` of one key; of more than `keys` keys at once, the oldest list goes out early.
    #[cfg(feature = "alloc")]
    #[doc(alias = "partition")]
    #[track_caller]
    fn chunks_by<K, F>(
        self,
        n: impl Into<crate::Size>,
        keys: impl Into<crate::Size>,
        key: F,
    ) -> Self::Piped<ChunksBy<Self::Item, K, F>>
    where
        Self::Item: 'static,
        K: Ord + Clone + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(ChunksBy::new(n, keys, key))
    }

    /// Sends the events in lists of `n` with different keys; of those with the same key it keeps the first.
    #[cfg(feature = "alloc")]
    #[doc(alias = "partition_unique")]
    #[track_caller]
    fn chunks_distinct<K, F>(self, n: impl Into<crate::Size>, key: F) -> Self::Piped<ChunksDistinct<Self::Item, K, F>>
    where
        Self::Item: 'static,
        K: PartialEq + 'static,
        F: FnMut(&Self::Item) -> K + 'static,
    {
        self.pipe(ChunksDistinct::new(n, key))
    }

    /// Sends what the aggregate makes of each [`Window`]: `aggregate(Window::sliding(5), Max::new())`.
    #[doc(alias = "rolling")]
    #[doc(alias = "map_window")]
    #[doc(alias = "cumsum")]
    #[doc(alias = "tumbling_time")]
    #[doc(alias = "timed_window")]
    #[track_caller]
    fn aggregate<W, A>(self, window: W, aggregate: A) -> Self::Piped<W::Filter>
    where
        Self::Item: Carrier,
        A: Aggregate<<Self::Item as Carrier>::Value>,
        W: Windowed<Self::Item, A>,
        W::Filter: 'static,
    {
        self.pipe(window.with(aggregate))
    }

    /// Sends one median for every `N` events; what is left over at the end gives one, too.
    ///
    /// A sensor event keeps its id, and the time of the last of its group. `N` is a constant: no allocator is needed.
    fn chunk_median_of<const N: usize>(self) -> Self::Piped<ChunkMedian<Self::Item, Fixed<Self::Item, N>>>
    where
        Self::Item: Measured + 'static,
    {
        const { assert!(N > 0, "chunk_median_of::<0>(): a group needs at least one event") };
        self.pipe(ChunkMedian::new([Default::default(); N]))
    }

    /// As [`chunk_median_of`](Self::chunk_median_of), with a size that is known at run time only.
    #[cfg(feature = "alloc")]
    #[doc(alias = "periodic_median")]
    #[doc(alias = "PeriodicMedianTransducer")]
    #[track_caller]
    fn chunk_median(self, n: impl Into<crate::Size>) -> Self::Piped<ChunkMedian<Self::Item, Boxed<Self::Item>>>
    where
        Self::Item: Measured + 'static,
    {
        self.pipe(ChunkMedian::new(alloc::vec![Default::default(); n.into().get()].into_boxed_slice()))
    }
}

impl<C: Chain> Windows for C {}
