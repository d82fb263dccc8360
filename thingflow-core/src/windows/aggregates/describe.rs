//! [`Describe`]: count, smallest, largest, mean and deviation of the values in a window, at once.

use super::Aggregate;
use super::min_max::{Extreme, Largest, Smallest};
use super::variance::{Held, count_of};
use crate::measure::{Float, Number};
use crate::state::StateVisitor;
use crate::storage::{InPlace, Room, Store};
use crate::windows::Merge;

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// What the values in a window are like: their count, the smallest and the largest one, their mean and their variance. Of no values
/// there is nothing to say. It takes fewer instructions than a tuple of aggregates that say the same. A NaN is left out.
///
/// The mean is that of the [`Variance`](super::Variance): of values of very different size [`Mean`](super::Mean) keeps more digits.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Describe;
/// let lux = from_iter([4.0, 7.0, f64::NAN, 10.0]).aggregate(Window::tumbling(4), Describe::new());
/// let described = lux.collect_now()[0];
/// assert_eq!((described.count, described.min, described.max), (3, 4.0, 10.0));
/// assert_eq!((described.mean, described.variance), (7.0, Some(9.0)));
/// # #[cfg(any(feature = "std", feature = "libm"))]
/// assert_eq!(described.std_dev(), Some(3.0));
/// ```
#[cfg(feature = "alloc")]
#[doc(alias = "summary")]
#[doc(alias = "stats")]
pub type Describe<V> = DescribeBy<V, <OnHeap as Room>::Store<V>>;
/// As [`Describe`], in a window of up to `N` values, without an allocator. Windows that do not overlap need no room: `N` is 1.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::DescribeOf;
/// let mut ranges = Vec::new();
/// let lux = pipe::<f32>().aggregate(Window::sliding_of::<2>(), DescribeOf::<_, 2>::new());
/// lux.to(call(|lux: thingflow_core::windows::Description<f32, f32>| ranges.push(lux.max - lux.min))).feed([3.0, 1.0, 4.0])?;
/// assert_eq!(ranges, [2.0, 3.0]);
/// # Ok::<(), RunError>(())
/// ```
pub type DescribeOf<V, const N: usize> = DescribeBy<V, <InPlace<N> as Room>::Store<V>>;

/// What values are like. Made by [`Describe`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Description<V, F> {
    /// How many there are.
    pub count: u64,
    /// The smallest.
    pub min: V,
    /// The largest.
    pub max: V,
    /// Their mean.
    pub mean: F,
    /// Their variance, as that of a sample: over the count minus one. Of a single value there is none.
    pub variance: Option<F>,
}

impl<V, F: Float> Description<V, F> {
    /// The standard deviation, in the unit of the values. Of a single one there is none.
    #[cfg(any(feature = "std", feature = "libm"))]
    pub fn std_dev(&self) -> Option<F> {
        self.variance.map(Float::sqrt)
    }
}

/// What [`Describe`] is made of.
#[derive(Clone, Debug)]
pub struct DescribeBy<V: Number, R> {
    min: Extreme<V, R, Smallest>,
    max: Extreme<V, R, Largest>,
    held: Held<V::Mean>,
}

impl<V: Number, R: Store<V>> DescribeBy<V, R> {
    /// Begins with no value.
    pub fn new() -> Self {
        Self { min: Extreme::new(), max: Extreme::new(), held: Held::new() }
    }
}

impl<V: Number, R: Store<V>> Default for DescribeBy<V, R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Number, R: Store<V>> Aggregate<V> for DescribeBy<V, R> {
    type Out = Description<V, V::Mean>;
    const ROOM: usize = R::ROOM;
    #[inline]
    fn add(&mut self, value: &V) {
        if !value.is_nan() {
            self.min.add(value);
            self.max.add(value);
            self.held.add(value.to_mean());
        }
    }
    #[inline]
    fn remove(&mut self, value: &V) {
        if !value.is_nan() {
            self.min.remove(value);
            self.max.remove(value);
            self.held.remove(value.to_mean());
        }
    }
    #[inline]
    fn value(&self) -> Option<Self::Out> {
        let (min, max) = (self.min.value()?, self.max.value()?);
        let (count, mean, squares) = self.held.described();
        let variance = (count > 1).then(|| squares / count_of(count - 1));
        Some(Description { count, min, max, mean, variance })
    }
    #[inline]
    fn is_stale(&self) -> bool {
        self.held.is_stale()
    }
    #[inline]
    fn absorb(&mut self, value: &V) {
        if !value.is_nan() {
            self.min.absorb(value);
            self.max.absorb(value);
            self.held.add(value.to_mean());
        }
    }
    fn is_missing(&self, value: &V) -> bool {
        value.is_nan()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.min.on_state(state);
        self.max.on_state(state);
        self.held.on_state(state);
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        Extreme::<V, R, Smallest>::on_value(value, state);
    }
}

impl<V: Number, R: Store<V>> Merge for DescribeBy<V, R> {
    fn merge(&mut self, later: Self) {
        self.min.merge(later.min);
        self.max.merge(later.max);
        self.held.merge(&later.held);
    }
}
