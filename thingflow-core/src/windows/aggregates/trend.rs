//! [`Trend`]: the straight line through the values in a window.

use super::pairs::CoMoments;
use super::parts::{Parts, Summary};
use super::variance::count_of;
use crate::clock::{Instant, Timestamp};
use crate::measure::{Float, Number};
use crate::state::{Saved, saves};
use crate::storage::InPlace;

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// What values are plotted over: a time, in seconds, or a float.
pub trait Axis: Copy + core::fmt::Debug + Saved {
    /// How far it is beyond an origin: seconds of times, negative if it is before. Exact to what a float can hold.
    fn beyond(self, origin: Self) -> f64;
}

impl Axis for Timestamp {
    #[inline]
    #[allow(clippy::cast_precision_loss)] // the nearest float is meant
    fn beyond(self, origin: Self) -> f64 {
        (i128::from(self.as_nanos()) - i128::from(origin.as_nanos())) as f64 / 1e9
    }
}

impl Axis for Instant {
    #[inline]
    #[allow(clippy::cast_precision_loss)] // the nearest float is meant
    fn beyond(self, origin: Self) -> f64 {
        (self.signed_nanos() - origin.signed_nanos()) as f64 / 1e9
    }
}

impl Axis for f64 {
    #[inline]
    fn beyond(self, origin: Self) -> f64 {
        self - origin
    }
}

impl Axis for f32 {
    #[inline]
    fn beyond(self, origin: Self) -> f64 {
        f64::from(self) - f64::from(origin)
    }
}

/// The straight line through the pairs `(x, y)` in the window with the least squares of distances in `y`, as a [`Line`]: how fast a value
/// rises, how sure that is, and what it will be. `x` is a time or a number.
///
/// Of fewer than two pairs there is none, nor while all `x` are the same. A pair in which either is a NaN is left out. Times are
/// taken from the first one in the window, so that they cost no digits. Where the squares of distances in `x` are beyond the range of the
/// float the slope is a NaN.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Trend;
/// let level = [(0, 2.0), (60, 5.0), (120, 8.0)].map(|(s, cm)| (Timestamp::from_secs(s), cm)); // of a tank
/// let trend = from_iter(level).aggregate(Window::sliding(3), Trend::new()).collect_now()[0];
/// assert_eq!(trend.slope * 60.0, 3.0); // cm a minute
/// assert_eq!(trend.at(Timestamp::from_secs(180)), 11.0);
/// # #[cfg(any(feature = "std", feature = "libm"))]
/// assert_eq!(trend.slope_error(), Some(0.0));
/// ```
#[cfg(feature = "alloc")]
#[doc(alias = "linear_regression")]
#[doc(alias = "slope")]
pub type Trend<T, V> = Parts<(T, V), OnHeap, LeastSquares>;
/// The line through up to `N` pairs, without an allocator. Windows that do not overlap need no room: `N` is 1.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::TrendOf;
/// let mut slopes = Vec::new();
/// let lines = pipe::<(f32, f32)>().aggregate(Window::sliding_of::<2>(), TrendOf::<_, _, 2>::new());
/// lines.to(call(|line: thingflow_core::windows::Line<f32, f32>| slopes.push(line.slope))).feed([(0.0, 1.0), (2.0, 2.0)])?;
/// assert_eq!(slopes, [0.5]);
/// # Ok::<(), RunError>(())
/// ```
pub type TrendOf<T, V, const N: usize> = Parts<(T, V), InPlace<N>, LeastSquares>;

/// A straight line. Made by [`Trend`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line<T, F> {
    /// The first `x` in the window.
    pub origin: T,
    /// The line's value there.
    pub start: F,
    /// How much it rises for each 1 of `x`: for each second of a time.
    pub slope: F,
    /// Through how many pairs it is laid.
    pub count: u64,
    /// The square of the standard error of the slope; of two pairs there is none.
    pub slope_variance: Option<F>,
}

impl<T: Axis, F: Float> Line<T, F> {
    /// The line's value at `x`, which may be in the future.
    pub fn at(&self, x: T) -> F {
        self.start + self.slope * F::from_f64(x.beyond(self.origin))
    }

    /// The standard error of the slope, by what is left of the values' distances from the line over their count minus two. Of two
    /// pairs there is none.
    #[cfg(any(feature = "std", feature = "libm"))]
    pub fn slope_error(&self) -> Option<F> {
        self.slope_variance.map(Float::sqrt)
    }
}

/// How [`Trend`] sums up.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastSquares;

/// Pairs of values, `x` as distances from an origin.
#[derive(Clone, Copy, Debug)]
pub struct Points<T, F> {
    origin: T,
    moments: CoMoments<F>,
}
saves! { [T: Axis, F: Float] Points<T, F> { origin, moments } }

impl<T: Axis + PartialEq, V: Number> Summary<(T, V)> for LeastSquares {
    type Part = Points<T, V::Mean>;
    type Out = Line<T, V::Mean>;
    #[inline]
    #[allow(clippy::eq_op)] // a NaN alone differs from itself
    fn part(&self, (x, y): &(T, V)) -> Option<Self::Part> {
        let zero = V::Mean::from_count(0);
        (x == x && !y.is_nan()).then(|| Points { origin: *x, moments: CoMoments::one(zero, y.to_mean()) })
    }
    #[inline]
    fn join(&self, older: Self::Part, newer: Self::Part) -> Self::Part {
        let mut moved = newer.moments;
        moved.means[0] = moved.means[0] + V::Mean::from_f64(newer.origin.beyond(older.origin));
        Points { origin: older.origin, moments: older.moments.and(moved) }
    }
    fn value(&self, all: Self::Part) -> Option<Self::Out> {
        let CoMoments { count, xx, yy, xy, .. } = all.moments;
        let [x, y] = all.moments.center();
        let zero = V::Mean::from_count(0);
        if count < 2 || xx == zero {
            return None;
        }
        let slope = if xx.is_finite() { xy / xx } else { V::Mean::NAN };
        let rest = yy - slope * xy;
        let rest = if rest < zero { zero } else { rest }; // by rounding
        let slope_variance = (count > 2).then(|| rest / count_of(count - 2) / xx);
        Some(Line { origin: all.origin, start: y - slope * x, slope, count, slope_variance })
    }
}
