//! [`Median`] and [`Quantile`]: the value below which a share of the values in a window lies.

use core::fmt::Debug;

use super::Aggregate;
use crate::measure::{Float, Number};
use crate::storage::{InPlace, Room, Store};

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// The median of the values in the window: the middle one, or the mean of the middle two. It holds the values, in their order.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Median, Window};
/// let spiky = from_iter([9.0, 1.0, 2.0, f64::NAN, 4.0]);
/// assert_eq!(spiky.aggregate(Window::sliding(3), Median::new()).collect_now(), [2.0, 1.5, 3.0]);
/// ```
#[cfg(feature = "alloc")]
pub type Median<V> = Ranked<V, <OnHeap as Room>::Store<V>, Middle>;
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
pub type MedianOf<V, const N: usize> = Ranked<V, <InPlace<N> as Room>::Store<V>, Middle>;
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
pub type Quantile<V> = Ranked<V, <OnHeap as Room>::Store<V>, Part>;
/// A quantile in a window of up to `N` values, without an allocator.
pub type QuantileOf<V, const N: usize> = Ranked<V, <InPlace<N> as Room>::Store<V>, Part>;

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
/// A new value is moved to its place, so it costs time in proportion to the values in the window, though little of it.
#[derive(Clone, Debug)]
pub struct Ranked<V, S, P> {
    /// In their order, and in one row.
    values: S,
    share: P,
    value: core::marker::PhantomData<V>,
}

impl<V, S: Store<V>> Ranked<V, S, Middle> {
    /// Begins with no value.
    pub fn new() -> Self {
        Self { values: S::default(), share: Middle, value: core::marker::PhantomData }
    }
}

impl<V, S: Store<V>> Default for Ranked<V, S, Middle> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V, S: Store<V>> Ranked<V, S, Part> {
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

impl<V: Number, S: Store<V>, P: Share> Aggregate<V> for Ranked<V, S, P> {
    type Out = V::Mean;
    const ROOM: usize = S::ROOM;
    fn add(&mut self, value: &V) {
        if value.is_nan() || self.values.push_back(*value).is_err() {
            return; // there is room: windows are checked against `ROOM` when they are made
        }
        let row = self.values.make_contiguous();
        let at = row[..row.len() - 1].partition_point(|other| other.order(value).is_le());
        row[at..].rotate_right(1);
    }
    fn remove(&mut self, value: &V) {
        let row = self.values.make_contiguous();
        let at = row.partition_point(|other| other.order(value).is_lt());
        if row.get(at).is_some_and(|found| found.order(value).is_eq()) {
            row[at..].rotate_left(1);
            self.values.pop_back();
        }
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // a place in the row
    fn value(&self) -> Option<V::Mean> {
        let row = self.values.as_slice();
        let place = self.share.share() * row.len().checked_sub(1)? as f64;
        let low = row[place as usize].to_mean();
        let into = place - f64::from(place as u32);
        if into == 0.0 {
            return Some(low);
        }
        let high = row[place as usize + 1].to_mean();
        let into = V::Mean::from_f64(into);
        Some(low * (V::Mean::from_count(1) - into) + high * into) // the way that cannot overflow
    }
}
