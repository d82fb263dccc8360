//! [`Variance`] and `StdDev`: how far the values in a window are apart.

use core::fmt::Debug;
use core::marker::PhantomData;

use super::{Aggregate, replace_apart};
use crate::measure::{Float, Number};
use crate::state::{Saved, StateVisitor, saves};
use crate::windows::Merge;
use crate::windows::total::two_sum;

/// The variance of the values in the window: the sum of the squares of their distances from their mean, over their count
/// minus one. Of fewer than two values there is none. [`of_all`](VarianceBy::of_all) divides by the count itself.
///
/// Distances are counted from the first value, and from the mean when that has gone far from there, so values far from 0 cost no digits. In
/// a window that slides, values come and go by their distances; it is made anew of the values that are left when these have become small
/// beside what has gone, and after four times as many values as there are in the window. So a huge value or an infinity leaves no trace, rounding errors do not grow, and a
/// value costs constant time on average. A NaN is left out. Where the squares of values are beyond
/// the range of the float the variance is infinite. It holds no values of its own, and needs no allocator.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Moments, Variance};
/// # #[cfg(feature = "alloc")] {
/// let far = from_iter([4.0, 7.0, 13.0, 16.0].map(|x| x + 1e9));
/// assert_eq!(far.aggregate(Window::sliding(4), Variance::new()).collect_now(), [30.0]);
/// let all = from_iter([2, 4]).aggregate(Window::cumulative(), Variance::new().of_all());
/// assert_eq!(all.collect_now(), [0.0, 1.0]);
/// let start = Variance::starting_at(Moments::of(2, 3.0, 1.0)); // two values of an earlier run: their mean, their variance of all
/// assert_eq!(from_iter([6.0]).aggregate(Window::cumulative(), start).collect_now(), [4.0]); // of 2, 4 and 6
/// # }
/// ```
#[doc(alias = "var")]
#[doc(alias = "welford")]
pub type Variance<V> = VarianceBy<V, Squared>;
/// The standard deviation: the square root of the [`Variance`].
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::StdDev;
/// # #[cfg(all(feature = "alloc", any(feature = "std", feature = "libm")))] {
/// let lux = from_iter([4.0, 7.0, 10.0]).aggregate(Window::tumbling(3), StdDev::new());
/// assert_eq!(lux.collect_now(), [3.0]);
/// # }
/// ```
#[cfg(any(feature = "std", feature = "libm"))]
#[doc(alias = "standard_deviation")]
pub type StdDev<V> = VarianceBy<V, Root>;

/// What a [`VarianceBy`] makes of a variance.
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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

    /// Of both together. Squares that are infinite stay so: of them, and not of a mean that is a NaN, it is seen what has been too large.
    fn and(self, other: Self) -> Self {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let count = self.count.wrapping_add(other.count); // a restored count may be anything
        let (a, b, all) = (count_of::<F>(self.count), count_of::<F>(other.count), count_of::<F>(count));
        let distance = (other.first - self.first) + (other.mean - self.mean);
        if !distance.is_finite() {
            let mean = (self.first + self.mean) * (a / all) + (other.first + other.mean) * (b / all);
            return Self { count, first: F::default(), mean, squares: F::INFINITY };
        }
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

/// The sum, and what it lacks of the true one; of an infinite sum nothing.
fn carry<F: Float>(a: F, b: F) -> (F, F) {
    let (sum, error) = two_sum(a, b);
    (sum, if error.is_finite() { error } else { F::default() })
}

/// The values of a window, none of which is a NaN: the sums of their distances from what was their mean, and of the squares of these. What
/// is taken away leaves its rounding errors, so all is made anew of the values that are left when that has become too much.
#[derive(Clone, Copy, Debug)]
pub(in crate::windows) struct Held<F> {
    count: u64,
    /// The count, to calculate with.
    numbers: F,
    from: F,
    sum: F,
    squares: F,
    /// What has been rounded away of both, to be added with the next value: see [`Float::IS_SHORT`]. 0 as soon as values have gone.
    carried: [F; 2],
    /// Whether values have gone since all was made anew. Until then the distances may be counted from elsewhere at any time.
    has_shed: bool,
    /// The largest `squares` so far: what has been rounded away is a part of it.
    largest: F,
    /// How many values may still go before all is made anew.
    left: u64,
    is_stale: bool,
}

/// The share of the largest squares below which what is left of them has lost too many digits.
const SMALL: f64 = 1.0 / 16.0;
/// All is made anew when so many times as many values have gone as there were, so that this costs little.
const OFTEN: u64 = 4;
/// As few values as these count as so many.
const FEW: u64 = 16;
/// Where squares are too large in sum, one of them is too large when taken so many times: four for each value of a very large window.
const MANY: f64 = (1_u64 << 34) as f64;

impl<F: Float> Held<F> {
    pub(in crate::windows) fn new() -> Self {
        Self::of(Moments::default())
    }

    /// The values with these moments, counted from their mean.
    fn of(moments: Moments<F>) -> Self {
        let Moments { count, first, mean, squares } = moments;
        let (numbers, left) = (count_of(count), count.max(FEW).saturating_mul(OFTEN));
        let (from, rest, squares) = if squares.is_finite() {
            let rest = (first - (first + mean)) + mean;
            (first + mean, rest, squares + rest * rest * numbers)
        } else {
            (F::default(), first + mean, squares) // from 0 the distance of what was too large is, too, and that of nothing else
        };
        let (sum, carried) = (rest * numbers, [F::default(); 2]);
        Self { count, numbers, from, sum, squares, carried, has_shed: false, largest: squares, left, is_stale: false }
    }

    #[inline]
    pub(in crate::windows) fn add(&mut self, value: F) {
        if self.count == 0 {
            return self.begin(value);
        }
        let distance = value - self.from;
        self.count = self.count.wrapping_add(1); // a restored count may be anything
        if F::IS_SHORT && !self.has_shed {
            let [of_sum, of_squares] = &mut self.carried;
            self.numbers = count_of(self.count);
            (self.sum, *of_sum) = carry(self.sum, distance + *of_sum);
            (self.squares, *of_squares) = carry(self.squares, distance * distance + *of_squares);
        } else {
            self.numbers = self.numbers + F::from_count(1);
            self.sum = self.sum + distance;
            self.squares = self.squares + distance * distance;
        }
        if self.has_shed {
            if self.squares > self.largest {
                self.largest = self.squares;
            }
        } else if self.spread() < self.numbers * self.squares * F::from_f64(SMALL) {
            self.count_from_the_mean();
        }
    }

    fn begin(&mut self, first: F) {
        let squares = if first.is_finite() { F::default() } else { F::INFINITY };
        *self = Self::of(Moments { count: 1, first, mean: F::default(), squares });
    }

    /// The mean has gone far from where the distances are counted from, which would cost digits.
    #[cold]
    fn count_from_the_mean(&mut self) {
        *self = Self::of(self.moments());
    }

    /// The squares of the distances from the mean, times the count: for that no quotient is needed.
    #[inline]
    fn spread(&self) -> F {
        self.numbers * self.squares - self.sum * self.sum
    }

    #[inline]
    pub(in crate::windows) fn remove(&mut self, value: F) {
        if !self.has_shed {
            *self = Self { has_shed: true, ..Self::of(self.moments()) };
        }
        let distance = value - self.from;
        self.count = self.count.saturating_sub(1);
        self.numbers = self.numbers - F::from_count(1);
        self.sum = self.sum - distance;
        self.squares = self.squares - distance * distance;
        self.left = self.left.saturating_sub(1);
        let is_large = self.spread() > self.numbers * self.largest * F::from_f64(SMALL);
        if !is_large || self.left == 0 {
            self.is_stale = self.is_lost(distance);
        }
    }

    /// Takes a value in for one that goes, in the usual case that nothing is to be made anew: the variance of the values, which is that of a
    /// sample. Otherwise, and if one of them is a NaN, nothing is changed.
    #[inline]
    pub(in crate::windows) fn replace(&mut self, old: F, new: F) -> Option<F> {
        if !self.has_shed {
            return None;
        }
        let (old, new) = (old - self.from, new - self.from);
        let sum = self.sum + (new - old);
        let squares = self.squares + (new - old) * (new + old);
        let largest = if squares > self.largest { squares } else { self.largest };
        let spread = self.numbers * squares - sum * sum;
        let left = self.left.checked_sub(2)?;
        let is_large = spread > self.numbers * largest * F::from_f64(SMALL);
        if !is_large {
            return None;
        }
        (self.sum, self.squares, self.largest, self.left) = (sum, squares, largest, left + 1);
        Some(spread / (self.numbers * (self.numbers - F::from_count(1))))
    }

    /// Whether too many digits have gone with a value at this distance.
    #[cold]
    fn is_lost(&self, distance: F) -> bool {
        let is_old = self.left == 0 || self.count == 0;
        if self.squares.is_finite() && self.largest.is_finite() {
            return is_old || self.about_mean() < self.largest * F::from_f64(SMALL);
        }
        // As long as what was too large is in, there is nothing to be mended. Which that is, distances from 0 tell.
        is_old || self.from != F::default() || !(distance * distance * F::from_f64(MANY)).is_finite()
    }

    /// The squares of the distances from the mean, over their count, or over one less for a `sample`: `None` over nothing.
    #[inline]
    fn variance(&self, is_sample: bool) -> Option<F> {
        let divisor = if is_sample { self.numbers - F::from_count(1) } else { self.numbers };
        let spread = self.spread();
        if divisor > F::default() && spread > F::default() && spread.is_finite() {
            return Some(spread / (self.numbers * divisor));
        }
        self.rare_variance(divisor)
    }

    /// By way of the mean, where nothing is out of range.
    #[cold]
    fn rare_variance(&self, divisor: F) -> Option<F> {
        (divisor > F::default()).then(|| self.about_mean() / divisor)
    }

    /// The squares of the distances from the mean.
    #[inline]
    fn about_mean(&self) -> F {
        self.without(self.sum / self.numbers)
    }

    /// The squares without what a mean at this distance has in them.
    #[inline]
    fn without(&self, mean: F) -> F {
        let about_mean = self.squares - mean * self.sum;
        if about_mean >= F::default() {
            return about_mean;
        }
        if self.squares.is_finite() { F::default() } else { F::INFINITY }
    }

    /// Whether all is to be made anew of the values that are left.
    #[inline]
    pub(in crate::windows) fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// How many there are, and the squares of their distances from their mean.
    #[inline]
    pub(in crate::windows) fn squares(&self) -> (u64, F) {
        (self.count, self.about_mean())
    }

    /// The values, if there are so many.
    #[inline]
    pub(in crate::windows) fn full(&mut self, count: usize) -> Option<&mut Self> {
        (self.count == count as u64).then_some(self)
    }

    /// How far their mean is from where the distances are counted from, and the squares of the distances from it.
    #[inline]
    fn about(&self) -> (F, F) {
        let mean = if self.count == 0 { F::default() } else { self.sum / count_of(self.count) };
        (mean, self.without(mean))
    }

    /// Their count, their mean, and the squares of their distances from it.
    #[inline]
    pub(super) fn described(&self) -> (u64, F, F) {
        let (mean, squares) = self.about();
        (self.count, self.from + mean, squares)
    }

    fn moments(&self) -> Moments<F> {
        let (mean, squares) = self.about();
        Moments { count: self.count, first: self.from, mean, squares }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        *self = Self::of(self.moments().and(other.moments()));
    }

    pub(super) fn on_state(&mut self, state: &mut dyn StateVisitor) {
        // As they are, since none has gone: a walk that rounded something would leave its trace in what goes on.
        let Self { mut count, mut from, mut sum, mut squares, mut carried, .. } = *self;
        count.on_state("count", state);
        from.on_state("from", state);
        sum.on_state("sum", state);
        squares.on_state("squares", state);
        if F::IS_SHORT {
            carried.on_state("carried", state);
        }
        *self = Self { count, numbers: count_of(count), from, sum, squares, carried, ..Self::new() };
    }
}

/// What [`Variance`] and `StdDev` are made of, which differ in their [`Measure`].
#[derive(Clone, Debug)]
pub struct VarianceBy<V: Number, M> {
    held: Held<V::Mean>,
    /// What was kept of an earlier run; it stays.
    start: Moments<V::Mean>,
    of_all: bool,
    measure: PhantomData<fn(V) -> M>,
}

impl<V: Number, M: Measure<V::Mean>> VarianceBy<V, M> {
    /// Begins with no value.
    pub fn new() -> Self {
        Self::starting_at(Moments::default())
    }

    /// Begins with the moments of values of an earlier run, which stay.
    pub fn starting_at(start: Moments<V::Mean>) -> Self {
        Self { held: Held::new(), start, of_all: false, measure: PhantomData }
    }

    /// Divides by the count, not by the count minus one: the values are all there are, not a sample of more.
    #[doc(alias = "population")]
    #[doc(alias = "ddof")]
    #[must_use]
    pub fn of_all(self) -> Self {
        Self { of_all: true, ..self }
    }

    /// Of the values and of those of an earlier run.
    fn with_start(&self) -> Option<V::Mean> {
        let all = self.start.and(self.held.moments());
        let divisor = if self.of_all { all.count } else { all.count.saturating_sub(1) };
        (divisor > 0).then(|| all.squares / count_of(divisor))
    }
}

impl<V: Number, M: Measure<V::Mean>> Default for VarianceBy<V, M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Number, M: Measure<V::Mean>> Aggregate<V> for VarianceBy<V, M> {
    type Out = V::Mean;
    #[inline]
    fn add(&mut self, value: &V) {
        if !value.is_nan() {
            self.held.add(value.to_mean());
        }
    }
    #[inline]
    fn remove(&mut self, value: &V) {
        if !value.is_nan() {
            self.held.remove(value.to_mean());
        }
    }
    #[inline]
    fn replace(&mut self, oldest: &V, newest: &V) {
        if self.held.replace(oldest.to_mean(), newest.to_mean()).is_none() {
            replace_apart(self, oldest, newest);
        }
    }
    #[inline]
    fn value(&self) -> Option<V::Mean> {
        let variance = if self.start.count > 0 { self.with_start() } else { self.held.variance(!self.of_all) };
        variance.map(M::of)
    }
    #[inline]
    fn is_stale(&self) -> bool {
        self.held.is_stale()
    }
    fn is_missing(&self, value: &V) -> bool {
        value.is_nan()
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.held.on_state(state);
    }
    fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
        value.on_state("value", state);
    }
}

impl<V: Number, M: Measure<V::Mean>> Merge for VarianceBy<V, M> {
    fn merge(&mut self, later: Self) {
        self.held.merge(&later.held);
    }
}
