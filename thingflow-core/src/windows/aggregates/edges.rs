//! [`First`] and [`Last`]: the oldest and the newest value in a window.

use super::Aggregate;
use crate::state::{Saved, StateVisitor};
use crate::storage::{InPlace, Room, Store};
use crate::windows::Merge;

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// The oldest value in the window. A NaN is left out; without any other value there is none.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{First, Last, Max, Min};
/// let prices = from_iter([3.0, f64::NAN, 7.0, 1.0, 4.0]);
/// let bars = prices.aggregate(Window::tumbling(5), (First::new(), Max::new(), Min::new(), Last::new()));
/// assert_eq!(bars.collect_now(), [(3.0, 7.0, 1.0, 4.0)]); // open, high, low, close
/// ```
#[cfg(feature = "alloc")]
pub type First<V> = Edge<V, <OnHeap as Room>::Store<V>>;
/// The oldest value in a window of up to `N`, without an allocator. Windows that do not overlap need no room: `N` is 1.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::FirstOf;
/// let mut seen = Vec::new();
/// let oldest = pipe::<i16>().aggregate(Window::sliding_of::<2>(), FirstOf::<_, 2>::new());
/// oldest.to(call(|first| seen.push(first))).feed([1, 2, 3])?;
/// assert_eq!(seen, [1, 2]);
/// # Ok::<(), RunError>(())
/// ```
pub type FirstOf<V, const N: usize> = Edge<V, <InPlace<N> as Room>::Store<V>>;

/// What [`First`] is made of. It holds the values of windows that overlap.
#[derive(Clone, Debug)]
pub struct Edge<V, S> {
    held: S,
    /// The first of those that stay for ever.
    first: Option<V>,
}

impl<V, S: Store<V>> Edge<V, S> {
    /// Begins with no value.
    pub fn new() -> Self {
        Self { held: S::default(), first: None }
    }

    /// Begins with a value that was kept from an earlier run, and stays.
    pub fn starting_at(value: V) -> Self {
        Self { first: Some(value), ..Self::new() }
    }
}

impl<V, S: Store<V>> Default for Edge<V, S> {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(clippy::eq_op)] // a NaN alone differs from itself
fn is_nan<V: PartialEq>(value: &V) -> bool {
    value != value
}

impl<V: Clone + PartialEq + Saved, S: Store<V>> Aggregate<V> for Edge<V, S> {
    type Out = V;
    const ROOM: usize = S::ROOM;
    #[inline]
    fn add(&mut self, value: &V) {
        if !is_nan(value) {
            let _ = self.held.push_back(value.clone()); // windows are checked against `ROOM` when they are made
        }
    }
    #[inline]
    fn remove(&mut self, value: &V) {
        if !is_nan(value) {
            self.held.pop_front();
        }
    }
    #[inline]
    fn value(&self) -> Option<V> {
        self.first.as_ref().or_else(|| self.held.front()).cloned()
    }
    #[inline]
    fn absorb(&mut self, value: &V) {
        if self.first.is_none() && !is_nan(value) {
            self.first = Some(value.clone());
        }
    }
    fn is_missing(&self, value: &V) -> bool {
        is_nan(value)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.first.on_state("first", state);
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        value.on_state("value", state);
    }
}

/// The newest value in the window. A NaN is left out; without any other value there is none.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Last;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([3.0, 7.0, f64::NAN]).aggregate(Window::tumbling(3), Last::new()).collect_now(), [7.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Last<V> {
    last: Option<V>,
    /// How many are in the window.
    count: u64,
}

impl<V> Last<V> {
    /// Begins with no value.
    pub const fn new() -> Self {
        Self { last: None, count: 0 }
    }

    /// Begins with a value that was kept from an earlier run, and stays until there is another one.
    pub const fn starting_at(value: V) -> Self {
        Self { last: Some(value), count: 1 }
    }
}

impl<V> Default for Last<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Clone + PartialEq + Saved> Aggregate<V> for Last<V> {
    type Out = V;
    #[inline]
    fn add(&mut self, value: &V) {
        if !is_nan(value) {
            self.last = Some(value.clone());
            self.count = self.count.saturating_add(1);
        }
    }
    #[inline]
    fn remove(&mut self, value: &V) {
        if !is_nan(value) {
            self.count = self.count.saturating_sub(1);
        }
    }
    #[inline]
    fn value(&self) -> Option<V> {
        self.last.clone().filter(|_| self.count > 0)
    }
    fn is_missing(&self, value: &V) -> bool {
        is_nan(value)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.last.on_state("last", state);
        self.count.on_state("count", state);
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        value.on_state("value", state);
    }
}

impl<V, S> Merge for Edge<V, S> {
    fn merge(&mut self, later: Self) {
        self.first = self.first.take().or(later.first);
    }
}

impl<V> Merge for Last<V> {
    fn merge(&mut self, later: Self) {
        self.count = self.count.saturating_add(later.count);
        self.last = later.last.or_else(|| self.last.take());
    }
}
