//! [`Covariance`] and `Correlation` of pairs of values.

use core::fmt::Debug;
use core::marker::PhantomData;

use super::parts::{Parts, Summary};
use super::variance::count_of;
use crate::measure::{Float, Number};
use crate::state::saves;
use crate::storage::{InPlace, Room};

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// The covariance of the pairs `(x, y)` in the window: the sum of the products of their distances from their means, over
/// their count minus one. Of fewer than two pairs there is none; [`of_all`](Parts::of_all) divides by the count itself.
///
/// A pair in which either is a NaN is left out. As of a [`Variance`](super::Variance) nothing is ever taken away, so values far
/// from 0 cost no digits.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Covariance;
/// let pairs = from_iter([(1.0, 10.0), (2.0, 20.0), (3.0, 30.0)]);
/// assert_eq!(pairs.aggregate(Window::sliding(3), Covariance::new()).collect_now(), [10.0]);
/// ```
#[cfg(feature = "alloc")]
#[doc(alias = "cov")]
pub type Covariance<V> = Parts<(V, V), OnHeap, Together<Joint>>;
/// The covariance in a window of up to `N` pairs, without an allocator.
pub type CovarianceOf<V, const N: usize> = Parts<(V, V), InPlace<N>, Together<Joint>>;
/// Pearson's correlation of the pairs `(x, y)` in the window, from -1 to 1. Of fewer than two pairs there is none, nor while all
/// `x` or all `y` are the same. Where the squares of distances are beyond the range of the float it is a NaN.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Correlation;
/// # #[cfg(any(feature = "std", feature = "libm"))] {
/// let pairs = from_iter([(1.0, 30.0), (2.0, 20.0), (3.0, 10.0), (4.0, 20.0)]);
/// assert_eq!(pairs.aggregate(Window::sliding(3), Correlation::new()).collect_now(), [-1.0, 0.0]);
/// # }
/// ```
#[cfg(all(feature = "alloc", any(feature = "std", feature = "libm")))]
#[doc(alias = "corr")]
#[doc(alias = "pearson")]
pub type Correlation<V> = Parts<(V, V), OnHeap, Together<Scaled>>;
/// The correlation in a window of up to `N` pairs, without an allocator.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::CorrelationOf;
/// # #[cfg(any(feature = "std", feature = "libm"))] {
/// let mut seen = Vec::new();
/// let both = pipe::<(f32, f32)>().aggregate(Window::sliding_of::<2>(), CorrelationOf::<_, 2>::new());
/// both.to(call(|r| seen.push(r))).feed([(1.0, 5.0), (2.0, 6.0), (2.0, 7.0)])?;
/// assert_eq!(seen, [1.0]); // of the second window there is none: all `x` are the same
/// # }
/// # Ok::<(), RunError>(())
/// ```
#[cfg(any(feature = "std", feature = "libm"))]
pub type CorrelationOf<V, const N: usize> = Parts<(V, V), InPlace<N>, Together<Scaled>>;

/// How many pairs there are, their means, and the sums of the squares and products of their distances from these. The means are kept as
/// distances from the first pair, so that they have all their digits where values are far from 0 and near each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoMoments<F> {
    pub(super) count: u64,
    first: [F; 2],
    /// From the first pair.
    pub(super) means: [F; 2],
    /// Of x with x, of y with y, of x with y.
    pub(super) xx: F,
    pub(super) yy: F,
    pub(super) xy: F,
}
saves! { [F: Float] CoMoments<F> { count, first, means, xx, yy, xy } }

impl<F: Float> CoMoments<F> {
    pub(super) fn one(x: F, y: F) -> Self {
        let zero = F::from_count(0);
        Self { count: 1, first: [x, y], means: [zero; 2], xx: zero, yy: zero, xy: zero }
    }

    /// The means themselves.
    pub(super) fn center(&self) -> [F; 2] {
        [self.first[0] + self.means[0], self.first[1] + self.means[1]]
    }

    /// Of both together.
    pub(super) fn and(self, other: Self) -> Self {
        let count = self.count.wrapping_add(other.count); // a restored count may be anything
        let (a, b, all) = (count_of::<F>(self.count), count_of::<F>(other.count), count_of::<F>(count));
        let [x, y] = [0, 1].map(|i| (other.first[i] - self.first[i]) + (other.means[i] - self.means[i]));
        Self {
            count,
            first: self.first,
            means: [self.means[0] + x * b / all, self.means[1] + y * b / all],
            xx: self.xx + other.xx + x * x * a * b / all,
            yy: self.yy + other.yy + y * y * a * b / all,
            xy: self.xy + other.xy + x * y * a * b / all,
        }
    }
}

/// How [`Covariance`] and `Correlation` sum up: by [`CoMoments`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Together<M> {
    of_all: bool,
    measure: PhantomData<M>,
}

/// What is made of the sums of squares and products of pairs.
pub trait Relation<F: Float>: Clone + Debug {
    /// The result, if there is one; the sums are to be divided by `divisor`.
    fn of(all: CoMoments<F>, divisor: F) -> Option<F>;
}

/// The covariance.
#[derive(Clone, Copy, Debug, Default)]
pub struct Joint;
impl<F: Float> Relation<F> for Joint {
    fn of(all: CoMoments<F>, divisor: F) -> Option<F> {
        Some(all.xy / divisor)
    }
}

/// The correlation.
#[cfg(any(feature = "std", feature = "libm"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct Scaled;
#[cfg(any(feature = "std", feature = "libm"))]
impl<F: Float> Relation<F> for Scaled {
    fn of(all: CoMoments<F>, _: F) -> Option<F> {
        let (zero, one) = (F::from_count(0), F::from_count(1));
        let product = all.xx * all.yy;
        // The product of large squares may be beyond the range of the float, that of small ones below it.
        let is_at_hand = product.is_finite() && product > zero;
        let size = if is_at_hand { product.sqrt() } else { all.xx.sqrt() * all.yy.sqrt() };
        let r = if size.is_finite() { all.xy / size } else { F::NAN };
        // Rounding may lead beyond the ends; a NaN is neither above nor below.
        let r = if r > one { one } else { r };
        let r = if r < zero - one { zero - one } else { r };
        (size != zero).then_some(r)
    }
}

impl<V: Number, R: Room> Parts<(V, V), R, Together<Joint>> {
    /// Divides by the count, not by the count minus one: the pairs are all there are, not a sample of more.
    #[doc(alias = "population")]
    #[doc(alias = "ddof")]
    #[must_use]
    pub fn of_all(self) -> Self {
        self.with(|together| Together { of_all: true, ..together })
    }
}

impl<V: Number, M: Relation<V::Mean>> Summary<(V, V)> for Together<M> {
    type Part = CoMoments<V::Mean>;
    type Out = V::Mean;
    #[inline]
    fn part(&self, (x, y): &(V, V)) -> Option<Self::Part> {
        (!x.is_nan() && !y.is_nan()).then(|| CoMoments::one(x.to_mean(), y.to_mean()))
    }
    #[inline]
    fn join(&self, older: Self::Part, newer: Self::Part) -> Self::Part {
        older.and(newer)
    }
    #[inline]
    fn value(&self, all: Self::Part) -> Option<V::Mean> {
        let divisor = if self.of_all { all.count } else { all.count.saturating_sub(1) };
        if divisor == 0 { None } else { M::of(all, count_of(divisor)) }
    }
}
