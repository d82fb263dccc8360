//! [`Mean`]: the mean of the values in a window.

use super::Aggregate;
use crate::measure::Number;
use crate::windows::Total;

/// The mean of the values in the window; of none there is no mean. It is the exact [`Sum`](super::Sum) over the count, a
/// float also for integers.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Mean, Window};
/// # #[cfg(feature = "alloc")] {
/// assert_eq!(from_iter(1..=4).aggregate(Window::tumbling(2), Mean::new()).collect_now(), [1.5, 3.5]);
/// # }
/// ```
///
/// For a mean of the last `n` alone, [`running_avg`](crate::Windows::running_avg) takes fewer instructions.
#[derive(Clone, Debug)]
pub struct Mean<N: Number> {
    total: N::Total,
    count: u64,
}

impl<N: Number> Mean<N> {
    /// Begins with no value.
    pub fn new() -> Self {
        Self { total: N::Total::default(), count: 0 }
    }

    /// Begins with `count` values of the given sum, kept from an earlier run.
    pub fn starting_at(sum: N, count: u64) -> Self {
        let mut mean = Self::new();
        mean.total.add(sum);
        mean.count = count;
        mean
    }
}

impl<N: Number> Default for Mean<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<N: Number> Aggregate<N> for Mean<N> {
    type Out = N::Mean;
    #[inline]
    fn add(&mut self, value: &N) {
        self.total.add(*value);
        self.count += 1;
    }
    #[inline]
    fn remove(&mut self, value: &N) {
        self.total.remove(*value);
        self.count -= 1;
    }
    #[inline]
    fn value(&self) -> Option<N::Mean> {
        (self.count > 0).then(|| self.total.mean(self.count))
    }
}
