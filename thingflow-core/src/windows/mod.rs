//! Windows: operators over the last events, or over groups of them.

mod running_avg;

pub use running_avg::RunningAvg;

use crate::chain::Chain;
use crate::measure::Measured;

/// The windows as methods of every [`Chain`].
pub trait Windows: Chain {
    /// Sends the mean of the last `n` events for each event, from the first on (so of fewer, at the beginning).
    ///
    /// A sensor event keeps its id and time. `N` is a constant: `running_avg_of::<5>()` needs no allocator.
    fn running_avg_of<const N: usize>(self) -> Self::Piped<RunningAvg<Self::Item, [<Self::Item as Measured>::Value; N]>>
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
    fn running_avg(self, n: impl Into<crate::Size>) -> Self::Piped<RunningAvg<Self::Item, alloc::boxed::Box<[<Self::Item as Measured>::Value]>>>
    where
        Self::Item: Measured + 'static,
    {
        self.pipe(RunningAvg::new(alloc::vec![Default::default(); n.into().get()].into_boxed_slice()))
    }
}

impl<C: Chain> Windows for C {}
