//! [`Median`] and [`Quantile`]: the value below which a share of the values in a window lies.

use core::fmt::Debug;

use super::ranks::{Ranks, Row, fraction, place};
use super::{Aggregate, replace_apart};
use crate::measure::{Float, Number};
use crate::state::{Saved, SavedItems, StateVisitor};
use crate::windows::Merge;

#[cfg(feature = "alloc")]
use super::ranks::Heaps;

/// The median of the values in the window: the middle one, or the mean of the middle two. It holds the values, in their order.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Median, Window};
/// let spiky = from_iter([9.0, 1.0, 2.0, f64::NAN, 4.0]);
/// assert_eq!(spiky.aggregate(Window::sliding(3), Median::new()).collect_now(), [2.0, 1.5, 3.0]);
/// ```
#[cfg(feature = "alloc")]
pub type Median<V> = Ranked<V, Heaps<V>, Middle>;
/// The median in a window of up to `N` values, without an allocator.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::MedianOf;
/// let mut seen = Vec::new();
/// let calm = pipe::<f32>().aggregate(Window::sliding_of::<3>(), MedianOf::<_, 3>::new());
/// calm.to(call(|median| seen.push(median))).feed([1.0, 90.0, 2.0, 3.0])?;
/// assert_eq!(seen, [2.0, 3.0]);
/// # Ok::<(), RunError>(())
/// ```
pub type MedianOf<V, const N: usize> = Ranked<V, Row<V, N>, Middle>;
/// A quantile of the values in the window, between two values by linear interpolation: `Quantile::at(0.95)`. It holds the values,
/// in their order.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Quantile, Window};
/// let waits = from_iter([10, 20, 30, 40, 50]).aggregate(Window::tumbling(5), Quantile::at(0.9));
/// assert_eq!(waits.collect_now(), [46.0]);
/// ```
#[cfg(feature = "alloc")]
#[doc(alias = "percentile")]
pub type Quantile<V> = Ranked<V, Heaps<V>, Part>;
/// A quantile in a window of up to `N` values, without an allocator.
pub type QuantileOf<V, const N: usize> = Ranked<V, Row<V, N>, Part>;

/// Which share of the values lies below the result of a [`Ranked`].
pub trait Share: Clone + Debug {
    /// From 0 to 1.
    fn share(&self) -> f64;
}

/// One half.
#[derive(Clone, Copy, Debug, Default)]
pub struct Middle;
impl Share for Middle {
    fn share(&self) -> f64 {
        0.5
    }
}

/// Any share.
#[derive(Clone, Copy, Debug)]
pub struct Part(f64);
impl Share for Part {
    fn share(&self) -> f64 {
        self.0
    }
}

/// What [`Median`] and [`Quantile`] are made of.
///
/// On the heap a value that comes or goes costs time in proportion to the logarithm of their number; in place it is moved to where
/// it belongs, in proportion to their number, though little of it.
#[derive(Clone, Debug)]
pub struct Ranked<V, S, P> {
    values: S,
    share: P,
    value: core::marker::PhantomData<V>,
}

impl<V, S: Ranks<V>> Ranked<V, S, Middle> {
    /// Begins with no value.
    pub fn new() -> Self {
        Self { values: S::default(), share: Middle, value: core::marker::PhantomData }
    }
}

impl<V, S: Ranks<V>> Default for Ranked<V, S, Middle> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V, S: Ranks<V>> Ranked<V, S, Part> {
    /// Begins with no value; `share` of the values lie below the result.
    ///
    /// # Panics
    /// If the share is below 0 or above 1.
    #[track_caller]
    pub fn at(share: f64) -> Self {
        assert!((0.0..=1.0).contains(&share), "Quantile::at({share}): a share of the values is from 0 to 1");
        Self { values: S::default(), share: Part(share), value: core::marker::PhantomData }
    }
}

impl<V: Number, S: Ranks<V>, P: Share> Aggregate<V> for Ranked<V, S, P> {
    type Out = V::Mean;
    const ROOM: usize = S::ROOM;
    fn add(&mut self, value: &V) {
        if !value.is_nan() {
            self.values.insert(*value, self.share.share());
        }
    }
    fn remove(&mut self, value: &V) {
        if !value.is_nan() {
            self.values.remove(value, self.share.share());
        }
    }
    fn replace(&mut self, oldest: &V, newest: &V) {
        if oldest.is_nan() || newest.is_nan() {
            return replace_apart(self, oldest, newest);
        }
        self.values.replace(oldest, *newest, self.share.share());
    }
    fn value(&self) -> Option<V::Mean> {
        let (low, high) = self.values.around(self.share.share())?;
        let place = place(self.share.share(), self.values.len());
        let (low, into) = (low.to_mean(), fraction(place));
        let Some(high) = high.filter(|_| into != 0.0) else { return Some(low) };
        let into = V::Mean::from_f64(into);
        Some(low * (V::Mean::from_count(1) - into) + high.to_mean() * into) // the way that cannot overflow
    }
    fn is_missing(&self, value: &V) -> bool {
        value.is_nan()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let held = core::mem::take(&mut self.values);
        let mut items = SavedItems::of("values", held.len(), state);
        let mut values = held.values();
        while items.another(state) {
            let mut value = values.next().unwrap_or_else(V::blank);
            value.on_state("value", state);
            if self.values.len() < S::ROOM {
                self.add(&value);
            }
        }
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        value.on_state("value", state);
    }
}

/// As many values as there is [room](Ranks::ROOM) for.
impl<V: Number, S: Ranks<V>, P: Share> Merge for Ranked<V, S, P> {
    fn merge(&mut self, later: Self) {
        later.values.values().for_each(|value| self.add(&value));
    }
}
