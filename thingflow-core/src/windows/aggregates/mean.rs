//! [`Mean`]: the mean of the values in a window.

use core::marker::PhantomData;

use super::{Aggregate, replace_apart};
use crate::measure::Number;
use crate::state::{Saved, StateVisitor};
use crate::windows::{Merge, Total};

/// The mean of the values in the window; of none there is no mean. It is the [`Sum`](super::Sum) over the count, a float also
/// for integers.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Mean, Window};
/// # #[cfg(feature = "alloc")] {
/// assert_eq!(from_iter(1..=4).aggregate(Window::tumbling(2), Mean::new()).collect_now(), [1.5, 3.5]);
/// assert_eq!(from_iter([1.0, f64::NAN, 3.0]).aggregate(Window::cumulative(), Mean::new()).collect_now(), [1.0, 1.0, 2.0]);
/// # }
/// ```
///
/// For a mean of the last `n` alone, [`running_avg`](crate::Windows::running_avg) takes fewer instructions.
pub type Mean<N> = MeanBy<N, <N as Number>::Total>;
/// As [`Mean`], of the [exact sum](super::ExactSum): larger, and slower where values are of very different size.
pub type ExactMean<N> = MeanBy<N, <N as Number>::Exact>;

/// What [`Mean`] and [`ExactMean`] are made of: the number of values, and a total of the kind `T`.
#[derive(Clone, Debug)]
pub struct MeanBy<N, T> {
    total: T,
    count: u64,
    number: PhantomData<fn(N)>,
}

impl<N: Number, T: Total<N> + Default> MeanBy<N, T> {
    /// Begins with no value.
    pub fn new() -> Self {
        Self { total: T::default(), count: 0, number: PhantomData }
    }

    /// Begins with `count` values of the given sum, kept from an earlier run.
    pub fn starting_at(sum: N, count: u64) -> Self {
        let mut mean = Self::new();
        mean.total.add(sum);
        mean.count = count;
        mean
    }
}

impl<N: Number, T: Total<N> + Default> Default for MeanBy<N, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<N: Number, T: Total<N> + Saved> Aggregate<N> for MeanBy<N, T> {
    type Out = N::Mean;
    #[inline]
    fn add(&mut self, value: &N) {
        if !value.is_nan() {
            self.total.add(*value);
            self.count = self.count.wrapping_add(1); // a restored count may be anything
        }
    }
    #[inline]
    fn remove(&mut self, value: &N) {
        if !value.is_nan() {
            self.total.remove(*value);
            self.count = self.count.wrapping_sub(1);
        }
    }
    #[inline]
    fn replace(&mut self, oldest: &N, newest: &N) {
        if !self.total.replace(*oldest, *newest) {
            replace_apart(self, oldest, newest);
        }
    }
    #[inline]
    fn value(&self) -> Option<N::Mean> {
        (self.count > 0).then(|| self.total.mean(self.count))
    }
    #[inline]
    fn is_stale(&self) -> bool {
        self.total.is_stale()
    }
    fn is_missing(&self, value: &N) -> bool {
        value.is_nan()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.total.on_state("total", state);
        self.count.on_state("count", state);
    }
    fn on_value(value: &mut Option<N>, state: &mut dyn StateVisitor) {
        value.on_state("value", state);
    }
}

impl<N: Number, T: Total<N>> Merge for MeanBy<N, T> {
    fn merge(&mut self, later: Self) {
        self.total.merge(&later.total);
        self.count = self.count.wrapping_add(later.count);
    }
}
