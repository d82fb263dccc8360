//! [`Sum`]: the sum of the values in a window.

use core::marker::PhantomData;

use super::{Aggregate, replace_apart};
use crate::measure::Number;
use crate::state::{Saved, StateVisitor};
use crate::windows::{Merge, Total};

/// The sum of the values in the window, 0 for none.
///
/// A sum of integers is exact; one that is out of their range is the nearest integer in it. A sum of floats is kept with twice
/// the digits of a float ([`PairSum`](crate::windows::PairSum)), so that rounding does not show, however long the stream is, and
/// what has left the window leaves no trace. One beyond the range of the float is infinite. For sums of values that are of very
/// different size see [`ExactSum`].
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Sum, Window};
/// # #[cfg(feature = "alloc")] {
/// assert_eq!(from_iter(1..=6).aggregate(Window::tumbling(3), Sum::new()).collect_now(), [6, 15]);
/// let rough = from_iter([1e300, 0.1, 0.25, 0.5]);
/// assert_eq!(rough.aggregate(Window::sliding(2), Sum::new()).collect_now(), [1e300, 0.35, 0.75]);
/// # }
/// ```
pub type Sum<N> = SumBy<N, <N as Number>::Total>;
/// As [`Sum`], of floats the one nearest to the true sum, whatever they are. It takes 320 bytes for `f64` and 88 for `f32`.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{ExactSum, Window};
/// # #[cfg(feature = "alloc")] {
/// let rough = from_iter([1e300, 0.5, 1e-300, -1e300, -0.5]);
/// assert_eq!(rough.aggregate(Window::tumbling(5), ExactSum::new()).collect_now(), [1e-300]);
/// # }
/// ```
pub type ExactSum<N> = SumBy<N, <N as Number>::Exact>;

/// What [`Sum`] and [`ExactSum`] are made of: a total of the kind `T`.
#[derive(Clone, Debug)]
pub struct SumBy<N, T> {
    total: T,
    number: PhantomData<fn(N)>,
}

impl<N: Number, T: Total<N> + Default> SumBy<N, T> {
    /// Begins at 0.
    pub fn new() -> Self {
        Self { total: T::default(), number: PhantomData }
    }

    /// Begins at a sum that was kept from an earlier run.
    pub fn starting_at(sum: N) -> Self {
        let mut begun = Self::new();
        begun.total.add(sum);
        begun
    }
}

impl<N: Number, T: Total<N> + Default> Default for SumBy<N, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<N: Number, T: Total<N> + Saved> Aggregate<N> for SumBy<N, T> {
    type Out = N;
    #[inline]
    fn add(&mut self, value: &N) {
        if !value.is_nan() {
            self.total.add(*value);
        }
    }
    #[inline]
    fn remove(&mut self, value: &N) {
        if !value.is_nan() {
            self.total.remove(*value);
        }
    }
    #[inline]
    fn replace(&mut self, oldest: &N, newest: &N) {
        if !self.total.replace(*oldest, *newest) {
            replace_apart(self, oldest, newest);
        }
    }
    #[inline]
    fn value(&self) -> Option<N> {
        Some(self.total.sum())
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
    }
    fn on_value(value: &mut Option<N>, state: &mut dyn StateVisitor) {
        value.on_state("value", state);
    }
}

impl<N: Number, T: Total<N>> Merge for SumBy<N, T> {
    fn merge(&mut self, later: Self) {
        self.total.merge(&later.total);
    }
}
