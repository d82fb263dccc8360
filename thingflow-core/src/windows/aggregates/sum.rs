//! [`Sum`]: the sum of the values in a window.

use super::Aggregate;
use crate::measure::Number;
use crate::windows::Total;

/// The sum of the values in the window, 0 for none.
///
/// It is exact: for floats the one nearest to the true sum, however long the stream is and whatever was in the window
/// before. A sum of integers that is out of their range is the nearest integer in it.
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
#[derive(Clone, Debug)]
pub struct Sum<N: Number>(N::Total);

impl<N: Number> Sum<N> {
    /// Begins at 0.
    pub fn new() -> Self {
        Self(N::Total::default())
    }

    /// Begins at a sum that was kept from an earlier run.
    pub fn starting_at(sum: N) -> Self {
        let mut total = N::Total::default();
        total.add(sum);
        Self(total)
    }
}

impl<N: Number> Default for Sum<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<N: Number> Aggregate<N> for Sum<N> {
    type Out = N;
    #[inline]
    fn add(&mut self, value: &N) {
        self.0.add(*value);
    }
    #[inline]
    fn remove(&mut self, value: &N) {
        self.0.remove(*value);
    }
    #[inline]
    fn value(&self) -> Option<N> {
        Some(self.0.sum())
    }
}
