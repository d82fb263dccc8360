//! [`Count`]: how many values are in a window.

use super::Aggregate;
use crate::state::{Saved, StateVisitor};
use crate::windows::Merge;

/// How many values are in the window. Works on values of any kind, and counts a NaN, too: each event has one.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Count, Window};
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter("abc".chars()).aggregate(Window::cumulative(), Count::new()).collect_now(), [1, 2, 3]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Count(u64);

impl Count {
    /// Begins at 0.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Begins at a count that was kept from an earlier run.
    pub const fn starting_at(count: u64) -> Self {
        Self(count)
    }
}

impl<V> Aggregate<V> for Count {
    type Out = u64;
    #[inline]
    fn add(&mut self, _: &V) {
        self.0 = self.0.wrapping_add(1); // a restored count may be anything
    }
    #[inline]
    fn remove(&mut self, _: &V) {
        self.0 = self.0.wrapping_sub(1);
    }
    #[inline]
    fn value(&self) -> Option<u64> {
        Some(self.0)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state("count", state);
    }
}

impl Merge for Count {
    fn merge(&mut self, later: Self) {
        self.0 = self.0.wrapping_add(later.0);
    }
}
