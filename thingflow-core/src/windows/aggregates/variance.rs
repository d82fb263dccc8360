//! [`Variance`] and `StdDev`: how far the values in a window are apart.

use core::fmt::Debug;
use core::marker::PhantomData;

use super::Aggregate;
use crate::measure::{Float, Number};
use crate::storage::{InPlace, Room, Store};

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// The variance of the values in the window: the sum of the squares of their distances from their mean, over their count
/// minus one. Of fewer than two values there is none. [`of_all`](Spread::of_all) divides by the count itself.
///
/// It is made of the means and squares of parts of the window, put together as Chan, Golub and LeVeque do. Nothing is ever
/// taken away, so values far from 0 cost no digits, and a huge value or an infinity leaves no trace when it leaves the window; a NaN is
/// left out. It holds the values of windows that overlap; a new value costs constant time on average.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Variance;
/// let far = from_iter([4.0, 7.0, 13.0, 16.0].map(|x| x + 1e9));
/// assert_eq!(far.aggregate(Window::sliding(4), Variance::new()).collect_now(), [30.0]);
/// let all = from_iter([2, 4]).aggregate(Window::running(), Variance::new().of_all());
/// assert_eq!(all.collect_now(), [0.0, 1.0]);
/// ```
#[cfg(feature = "alloc")]
#[doc(alias = "var")]
#[doc(alias = "welford")]
pub type Variance<V> = Spread<V, OnHeap, Squared>;
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
pub type VarianceOf<V, const N: usize> = Spread<V, InPlace<N>, Squared>;
/// The standard deviation: the square root of the [`Variance`].
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::StdDev;
/// let lux = from_iter([4.0, 7.0, 10.0]).aggregate(Window::tumbling(3), StdDev::new());
/// assert_eq!(lux.collect_now(), [3.0]);
/// ```
#[cfg(feature = "std")]
#[doc(alias = "standard_deviation")]
pub type StdDev<V> = Spread<V, OnHeap, Root>;

/// What a [`Spread`] makes of a variance.
pub trait Measure<F>: Clone + Debug {
    /// The result.
    fn of(variance: F) -> F;
}

/// The variance itself.
#[derive(Clone, Copy, Debug)]
pub struct Squared;
impl<F> Measure<F> for Squared {
    fn of(variance: F) -> F {
        variance
    }
}

/// Its square root.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct Root;
#[cfg(feature = "std")]
impl Measure<f64> for Root {
    fn of(variance: f64) -> f64 {
        variance.sqrt()
    }
}
#[cfg(feature = "std")]
impl Measure<f32> for Root {
    fn of(variance: f32) -> f32 {
        variance.sqrt()
    }
}

/// How many values there are, their mean, and the sum of the squares of their distances from it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments<F> {
    count: usize,
    mean: F,
    squares: F,
}

impl<F: Float> Moments<F> {
    fn one(value: F) -> Self {
        Self { count: 1, mean: value, squares: F::default() }
    }

    /// Of both together.
    fn and(self, other: Self) -> Self {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let count = self.count + other.count;
        let (a, b, all) = (F::from_count(self.count), F::from_count(other.count), F::from_count(count));
        let distance = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + distance * b / all,
            squares: self.squares + other.squares + distance * distance * a * b / all,
        }
    }
}

/// What [`Variance`] and `StdDev` are made of.
pub struct Spread<V: Number, R: Room, M> {
    /// The newest values, and what they are together.
    new: R::Store<V>,
    newest: Moments<V::Mean>,
    /// The older values: at the end all of them together, before that all but the oldest, and so on.
    old: R::Store<Moments<V::Mean>>,
    of_all: bool,
    measure: PhantomData<M>,
}

impl<V: Number, R: Room, M> Spread<V, R, M> {
    /// Begins with no value.
    pub fn new() -> Self {
        Self {
            new: Default::default(),
            newest: Moments::default(),
            old: Default::default(),
            of_all: false,
            measure: PhantomData,
        }
    }

    /// Divides by the count, not by the count minus one: the values are all there are, and no sample of more.
    #[doc(alias = "population")]
    #[doc(alias = "ddof")]
    #[must_use]
    pub fn of_all(self) -> Self {
        Self { of_all: true, ..self }
    }
}

impl<V: Number, R: Room, M> Default for Spread<V, R, M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Number, R: Room, M: Measure<V::Mean>> Aggregate<V> for Spread<V, R, M> {
    type Out = V::Mean;
    const ROOM: usize = R::Store::<V>::ROOM;
    #[inline]
    fn add(&mut self, value: &V) {
        if !value.is_nan() {
            self.absorb(value);
            let _ = self.new.push_back(*value); // windows are checked against `ROOM` when they are made
        }
    }
    fn remove(&mut self, value: &V) {
        if value.is_nan() {
            return;
        }
        if self.old.is_empty() {
            let mut sum = Moments::default();
            while let Some(value) = self.new.pop_back() {
                sum = Moments::one(value.to_mean()).and(sum);
                let _ = self.old.push_back(sum); // as many as there were values
            }
            self.newest = Moments::default();
        }
        self.old.pop_back();
    }
    #[inline]
    fn value(&self) -> Option<V::Mean> {
        let all = self.old.back().map_or(self.newest, |old| old.and(self.newest));
        let divisor = if self.of_all { all.count } else { all.count.saturating_sub(1) };
        (divisor > 0).then(|| M::of(all.squares / V::Mean::from_count(divisor)))
    }
    #[inline]
    fn absorb(&mut self, value: &V) {
        if !value.is_nan() {
            self.newest = self.newest.and(Moments::one(value.to_mean()));
        }
    }
}

impl<V: Number, R: Room, M> Clone for Spread<V, R, M>
where
    R::Store<V>: Clone,
    R::Store<Moments<V::Mean>>: Clone,
{
    fn clone(&self) -> Self {
        let Self { new, newest, old, of_all, measure } = self;
        Self { new: new.clone(), newest: *newest, old: old.clone(), of_all: *of_all, measure: *measure }
    }
}

impl<V: Number, R: Room, M> Debug for Spread<V, R, M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Spread").field("newest", &self.newest).field("of_all", &self.of_all).finish_non_exhaustive()
    }
}
