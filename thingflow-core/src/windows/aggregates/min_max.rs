//! [`Min`] and [`Max`]: the smallest and the largest value in a window.

use core::cmp::Ordering;
use core::fmt::Debug;
use core::marker::PhantomData;

use super::Aggregate;
use crate::measure::Number;
use crate::state::{Saved, StateVisitor};
use crate::storage::{InPlace, Room, Store};
use crate::windows::Merge;

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// The smallest value in the window. A NaN is left out; without any other value there is none.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Max, Min, Window};
/// let extremes = from_iter([3, 1, 4, 1, 5]).aggregate(Window::sliding(3), (Min::new(), Max::new()));
/// assert_eq!(extremes.collect_now(), [(1, 4), (1, 4), (1, 5)]);
/// ```
#[cfg(feature = "alloc")]
pub type Min<V> = Extreme<V, <OnHeap as Room>::Store<V>, Smallest>;
/// The largest value in the window. A NaN is left out; without any other value there is none.
#[cfg(feature = "alloc")]
pub type Max<V> = Extreme<V, <OnHeap as Room>::Store<V>, Largest>;
/// The smallest value in a window of up to `N`, without an allocator.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{MinOf, Window};
/// let mut smallest = Vec::new();
/// let lows = pipe::<f32>().aggregate(Window::sliding_of::<2>(), MinOf::<_, 2>::new());
/// lows.to(call(|low| smallest.push(low))).feed([3.0, 1.0, 4.0])?;
/// assert_eq!(smallest, [1.0, 1.0]);
/// # Ok::<(), RunError>(())
/// ```
pub type MinOf<V, const N: usize> = Extreme<V, <InPlace<N> as Room>::Store<V>, Smallest>;
/// The largest value in a window of up to `N`, without an allocator.
pub type MaxOf<V, const N: usize> = Extreme<V, <InPlace<N> as Room>::Store<V>, Largest>;

/// Which of two values an [`Extreme`] keeps.
pub trait Preference: Clone + Debug {
    /// How the value that is kept stands to the others.
    const ORDER: Ordering;
}

/// Keeps the smallest.
#[derive(Clone, Copy, Debug)]
pub struct Smallest;
impl Preference for Smallest {
    const ORDER: Ordering = Ordering::Less;
}

/// Keeps the largest.
#[derive(Clone, Copy, Debug)]
pub struct Largest;
impl Preference for Largest {
    const ORDER: Ordering = Ordering::Greater;
}

/// What [`Min`] and [`Max`] are made of.
///
/// It holds the values that may still become the extreme one when older ones have left: each is beaten by those before
/// it, and none by those after. An event costs constant time on average.
#[derive(Clone, Debug)]
pub struct Extreme<V, R, P> {
    candidates: R,
    /// The best of those that stay for ever.
    best: Option<V>,
    preference: PhantomData<P>,
}

impl<V, R: Store<V>, P> Extreme<V, R, P> {
    /// Begins with no value.
    pub fn new() -> Self {
        Self { candidates: R::default(), best: None, preference: PhantomData }
    }

    /// Begins with a value that was kept from an earlier run, and stays.
    pub fn starting_at(value: V) -> Self {
        Self { best: Some(value), ..Self::new() }
    }
}

impl<V, R: Store<V>, P> Default for Extreme<V, R, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Number, R: Store<V>, P: Preference> Aggregate<V> for Extreme<V, R, P> {
    type Out = V;
    const ROOM: usize = R::ROOM;
    #[inline]
    fn add(&mut self, value: &V) {
        if value.is_nan() {
            return;
        }
        while self.candidates.back().is_some_and(|last| value.order(last) == P::ORDER) {
            self.candidates.pop_back();
        }
        let _ = self.candidates.push_back(*value); // windows are checked against `ROOM` when they are made
    }
    #[inline]
    fn remove(&mut self, value: &V) {
        // The oldest candidate is this value, unless this one was beaten long ago.
        if self.candidates.front().is_some_and(|first| first.order(value).is_eq()) {
            self.candidates.pop_front();
        }
    }
    #[inline]
    fn value(&self) -> Option<V> {
        match (self.candidates.front(), &self.best) {
            (Some(first), Some(best)) if first.order(best) != P::ORDER => Some(*best),
            (Some(value), _) | (None, Some(value)) => Some(*value),
            (None, None) => None,
        }
    }
    #[inline]
    fn absorb(&mut self, value: &V) {
        if !value.is_nan() && self.best.is_none_or(|best| value.order(&best) == P::ORDER) {
            self.best = Some(*value);
        }
    }
    fn is_missing(&self, value: &V) -> bool {
        value.is_nan()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.best.on_state("best", state);
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        value.on_state("value", state);
    }
}

impl<V: Number, R: Store<V>, P: Preference> Merge for Extreme<V, R, P> {
    fn merge(&mut self, later: Self) {
        if let Some(best) = later.best {
            self.absorb(&best);
        }
    }
}
