//! Windows: operators over the last events, or over groups of them.

mod chunk_median;
#[cfg(feature = "alloc")]
mod chunks;
mod running_avg;
#[cfg(feature = "alloc")]
mod sliding;

pub use chunk_median::ChunkMedian;
#[cfg(feature = "alloc")]
pub use chunks::Chunks;
pub use running_avg::RunningAvg;
#[cfg(feature = "alloc")]
pub use sliding::Sliding;

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
    #[track_caller]
    fn running_avg(self, n: impl Into<crate::Size>) -> Self::Piped<RunningAvg<Self::Item, Boxed<Self::Item>>>
    where
        Self::Item: Measured + 'static,
    {
        self.pipe(RunningAvg::new(alloc::vec![Default::default(); n.into().get()].into_boxed_slice()))
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
