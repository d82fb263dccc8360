//! [`Autocorrelation`]: how much each value of a window is like the one before it.

use super::parts::{Parts, Summary};
use super::variance::count_of;
use crate::measure::{Float, Number};
use crate::state::saves;
use crate::storage::InPlace;

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// The autocorrelation at lag 1 of the values in the window: near 1 for a value that changes slowly, near 0 for noise, below 0 for one that
/// swings. The sum of the products of the distances of neighbours from the mean, over the sum of the squares of all
/// distances. Of fewer than two values there is none, nor while all are the same. A NaN is left out. Where the squares are beyond the range
/// of the float it is a NaN.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Autocorrelation;
/// let swings = from_iter([1.0, -1.0, 1.0, -1.0]);
/// assert_eq!(swings.aggregate(Window::tumbling(4), Autocorrelation::new()).collect_now(), [-0.75]);
/// ```
#[cfg(feature = "alloc")]
#[doc(alias = "autocorr")]
pub type Autocorrelation<V> = Parts<V, OnHeap, Neighbours>;
/// The autocorrelation in a window of up to `N` values, without an allocator. Windows that do not overlap need no room: `N` is 1.
pub type AutocorrelationOf<V, const N: usize> = Parts<V, InPlace<N>, Neighbours>;

/// How [`Autocorrelation`] sums up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Neighbours;

/// What is kept of neighbouring values: distances are those from their mean, and the mean is kept as its distance from the first.
#[derive(Clone, Copy, Debug)]
pub struct Series<F> {
    count: u64,
    mean: F,
    squares: F,
    /// The sum of the products of the distances of neighbours.
    products: F,
    first: F,
    last: F,
}
saves! { [F: Float] Series<F> { count, mean, squares, products, first, last } }

impl<F: Float> Series<F> {
    /// The sum of the products of distances from another mean, from which the own one is `moved`.
    fn products_from(&self, moved: F) -> F {
        let ends = (self.last - self.first) - self.mean - self.mean; // the others add up to its opposite
        self.products - moved * ends + count_of::<F>(self.count.saturating_sub(1)) * moved * moved
    }
}

impl<V: Number> Summary<V> for Neighbours {
    type Part = Series<V::Mean>;
    type Out = V::Mean;
    fn part(&self, value: &V) -> Option<Self::Part> {
        let (x, zero) = (value.to_mean(), V::Mean::from_count(0));
        (!value.is_nan()).then_some(Series { count: 1, mean: zero, squares: zero, products: zero, first: x, last: x })
    }
    fn join(&self, older: Self::Part, newer: Self::Part) -> Self::Part {
        let count = older.count.wrapping_add(newer.count); // a restored count may be anything
        let (a, b, all) = (count_of(older.count), count_of(newer.count), count_of::<V::Mean>(count));
        let step = newer.first - older.first;
        let distance = step + (newer.mean - older.mean);
        let mean = older.mean + distance * b / all;
        let squares = older.squares + newer.squares + distance * distance * a * b / all;
        let between = ((older.last - older.first) - mean) * (step - mean);
        let products = older.products_from(older.mean - mean) + newer.products_from(step + newer.mean - mean) + between;
        Series { count, mean, squares, products, first: older.first, last: newer.last }
    }
    fn value(&self, all: Self::Part) -> Option<V::Mean> {
        let quotient = || if all.squares.is_finite() { all.products / all.squares } else { V::Mean::NAN };
        (all.squares != V::Mean::from_count(0)).then(quotient)
    }
}
