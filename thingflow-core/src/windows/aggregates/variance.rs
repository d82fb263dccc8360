//! [`Variance`] and `StdDev`: how far the values in a window are apart.

use core::fmt::Debug;
use core::marker::PhantomData;

use super::parts::{Parts, Summary};
use crate::measure::{Float, Number};
use crate::state::saves;
use crate::storage::{InPlace, Room};

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// The variance of the values in the window: the sum of the squares of their distances from their mean, over their count
/// minus one. Of fewer than two values there is none. [`of_all`](Parts::of_all) divides by the count itself.
///
/// It is made of the means and squares of [parts](Parts) of the window, put together as Chan, Golub and LeVeque do. Nothing is ever
/// taken away, so values far from 0 cost no digits, and a huge value or an infinity leaves no trace when it leaves the window; a NaN is
/// left out. It holds the values of windows that overlap; a new value costs constant time on average.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Moments, Variance};
/// let far = from_iter([4.0, 7.0, 13.0, 16.0].map(|x| x + 1e9));
/// assert_eq!(far.aggregate(Window::sliding(4), Variance::new()).collect_now(), [30.0]);
/// let all = from_iter([2, 4]).aggregate(Window::running(), Variance::new().of_all());
/// assert_eq!(all.collect_now(), [0.0, 1.0]);
/// let start = Variance::starting_at(Moments::of(2, 3.0, 1.0)); // two values of an earlier run: their mean, their variance of all
/// assert_eq!(from_iter([6.0]).aggregate(Window::running(), start).collect_now(), [4.0]); // of 2, 4 and 6
/// ```
#[cfg(feature = "alloc")]
#[doc(alias = "var")]
#[doc(alias = "welford")]
pub type Variance<V> = Parts<V, OnHeap, Spread<Squared>>;
/// The variance in a window of up to `N` values, without an allocator. Windows that do not overlap need no room: `N` is 1.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::VarianceOf;
/// let mut seen = Vec::new();
/// let spread = pipe::<f32>().aggregate(Window::sliding_of::<2>(), VarianceOf::<_, 2>::new());
/// spread.to(call(|variance| seen.push(variance))).feed([1.0, 3.0, 3.0])?;
/// assert_eq!(seen, [2.0, 0.0]);
/// # Ok::<(), RunError>(())
/// ```
pub type VarianceOf<V, const N: usize> = Parts<V, InPlace<N>, Spread<Squared>>;
/// The standard deviation: the square root of the [`Variance`].
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::StdDev;
/// # #[cfg(any(feature = "std", feature = "libm"))] {
/// let lux = from_iter([4.0, 7.0, 10.0]).aggregate(Window::tumbling(3), StdDev::new());
/// assert_eq!(lux.collect_now(), [3.0]);
/// # }
/// ```
#[cfg(all(feature = "alloc", any(feature = "std", feature = "libm")))]
#[doc(alias = "standard_deviation")]
pub type StdDev<V> = Parts<V, OnHeap, Spread<Root>>;
/// The standard deviation in a window of up to `N` values, without an allocator.
#[cfg(any(feature = "std", feature = "libm"))]
pub type StdDevOf<V, const N: usize> = Parts<V, InPlace<N>, Spread<Root>>;

/// What a [`Spread`] makes of a variance.
pub trait Measure<F>: Clone + Debug {
    /// The result.
    fn of(variance: F) -> F;
}

/// The variance itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Squared;
impl<F> Measure<F> for Squared {
    fn of(variance: F) -> F {
        variance
    }
}

/// Its square root.
#[cfg(any(feature = "std", feature = "libm"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct Root;
#[cfg(any(feature = "std", feature = "libm"))]
impl<F: Float> Measure<F> for Root {
    fn of(variance: F) -> F {
        variance.sqrt()
    }
}

/// How many values there are, their mean, and the sum of the squares of their distances from it. The mean is kept as its distance from the
/// first value, so that it has all its digits where values are far from 0 and near each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments<F> {
    count: u64,
    first: F,
    mean: F,
    squares: F,
}
saves! { [F: Float] Moments<F> { count, first, mean, squares } }

impl<F: Float> Moments<F> {
    /// Of so many values with the given mean and variance; the variance divides by the count itself.
    pub fn of(count: u64, mean: F, variance_of_all: F) -> Self {
        Self { count, first: mean, mean: F::from_count(0), squares: variance_of_all * count_of(count) }
    }

    /// Of both together.
    pub(super) fn and(self, other: Self) -> Self {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let count = self.count.wrapping_add(other.count); // a restored count may be anything
        let (a, b, all) = (count_of::<F>(self.count), count_of::<F>(other.count), count_of::<F>(count));
        let distance = (other.first - self.first) + (other.mean - self.mean);
        Self {
            count,
            first: self.first,
            mean: self.mean + distance * b / all,
            squares: self.squares + other.squares + distance * distance * a * b / all,
        }
    }
}

/// The float nearest to a count.
pub(super) fn count_of<F: Float>(count: u64) -> F {
    F::from_count(usize::try_from(count).unwrap_or(usize::MAX))
}

/// How [`Variance`] and `StdDev` sum up: by [`Moments`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread<M> {
    of_all: bool,
    measure: PhantomData<M>,
}

impl<V: Number, R: Room, M: Measure<V::Mean>> Parts<V, R, Spread<M>> {
    /// Divides by the count, not by the count minus one: the values are all there are, not a sample of more.
    #[doc(alias = "population")]
    #[doc(alias = "ddof")]
    #[must_use]
    pub fn of_all(self) -> Self {
        self.with(|spread| Spread { of_all: true, ..spread })
    }
}

impl<V: Number, M: Measure<V::Mean>> Summary<V> for Spread<M> {
    type Part = Moments<V::Mean>;
    type Out = V::Mean;
    #[inline]
    fn part(&self, value: &V) -> Option<Self::Part> {
        let zero = V::Mean::from_count(0);
        (!value.is_nan()).then(|| Moments { count: 1, first: value.to_mean(), mean: zero, squares: zero })
    }
    #[inline]
    fn join(&self, older: Self::Part, newer: Self::Part) -> Self::Part {
        older.and(newer)
    }
    #[inline]
    fn value(&self, all: Self::Part) -> Option<V::Mean> {
        let divisor = if self.of_all { all.count } else { all.count.saturating_sub(1) };
        (divisor > 0).then(|| M::of(all.squares / count_of(divisor)))
    }
}
