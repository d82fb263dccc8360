//! [`Rate`] and [`Increase`] of counters, [`Derivative`], [`Integral`] and [`TimeMean`]: of values with their times.

use core::marker::PhantomData;
use core::time::Duration;

use super::parts::{Parts, Summary};
use super::trend::Axis;
use crate::measure::{Float, Number};
use crate::state::saves;
use crate::storage::{InPlace, Room};

#[cfg(feature = "alloc")]
use crate::storage::OnHeap;

/// How much a counter rises a second, between the first and the last pair `(time, count)` in the window. Of fewer than two pairs
/// there is none, nor of no time.
///
/// A count that is below the one before says that the counter was reset and has counted from 0 since, or, with
/// [`rolls_over_at`](Parts::rolls_over_at), that it has rolled over; either way it is no fall. What was counted between the last
/// reading and the reset is not known, and not counted. A count that is a NaN is left out.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Rate;
/// let meter = [(0, 90), (10, 100), (20, 5), (30, 15)]; // pulses; the meter was replaced
/// let meter = || from_iter(meter).map(|(s, pulses)| (Timestamp::from_secs(s), pulses));
/// let rates = meter().aggregate(Window::sliding(2), Rate::new());
/// assert_eq!(rates.collect_now(), [1.0, 0.5, 1.0]);
/// let rolled = meter().aggregate(Window::sliding(2), Rate::new().rolls_over_at(105)); // it counts to 104, then from 0
/// assert_eq!(rolled.collect_now(), [1.0, 1.0, 1.0]);
/// ```
#[cfg(feature = "alloc")]
#[doc(alias = "counter")]
pub type Rate<T, V> = Parts<(T, V), OnHeap, Counted<V, PerSecond>>;
/// The rate of a counter in a window of up to `N` pairs, without an allocator.
pub type RateOf<T, V, const N: usize> = Parts<(T, V), InPlace<N>, Counted<V, PerSecond>>;
/// How much a counter has risen in the window, as [`Rate`] counts; 0 of one pair.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Increase;
/// let energy = from_iter([(0.0, 7.5), (1.0, 8.0), (2.0, 0.25)]); // kWh, and then the meter was reset
/// assert_eq!(energy.aggregate(Window::cumulative(), Increase::new()).collect_now(), [0.0, 0.5, 0.75]);
/// ```
#[cfg(feature = "alloc")]
pub type Increase<T, V> = Parts<(T, V), OnHeap, Counted<V, InAll>>;
/// How much a counter has risen in a window of up to `N` pairs, without an allocator.
pub type IncreaseOf<T, V, const N: usize> = Parts<(T, V), InPlace<N>, Counted<V, InAll>>;
/// How much a value has changed a second, between the first and the last pair `(time, value)` in the window; it may fall. Of
/// fewer than two pairs there is none, nor of no time. For a value that is noisy there is [`Trend`](super::Trend).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Derivative;
/// let level = from_iter([(0.0, 10.0), (2.0, 6.0), (4.0, 7.0)]);
/// assert_eq!(level.aggregate(Window::sliding(2), Derivative::new()).collect_now(), [-2.0, 0.5]);
/// ```
#[cfg(feature = "alloc")]
pub type Derivative<T, V> = Parts<(T, V), OnHeap, Between<Change>>;
/// How much a value has changed a second in a window of up to `N` pairs, without an allocator.
pub type DerivativeOf<T, V, const N: usize> = Parts<(T, V), InPlace<N>, Between<Change>>;
/// The integral of the pairs `(time, value)` in the window over their time in seconds, straight from each value to the next: W s of
/// watts. 0 of one pair. With [`longest_gap`](Parts::longest_gap) a longer silence counts nothing.
///
/// Where times go back the way back is taken away again, so what is measured twice counts once.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use core::time::Duration;
/// # use thingflow_core::windows::Integral;
/// let power = || from_iter([(0.0, 100.0), (10.0, 200.0), (500.0, 200.0)]); // W
/// assert_eq!(power().aggregate(Window::cumulative(), Integral::new()).collect_now(), [0.0, 1500.0, 99_500.0]); // W s
/// let minute = Integral::new().longest_gap(Duration::from_secs(60));
/// assert_eq!(power().aggregate(Window::cumulative(), minute).collect_now(), [0.0, 1500.0, 1500.0]);
/// ```
#[cfg(feature = "alloc")]
#[doc(alias = "trapezoid")]
pub type Integral<T, V> = Parts<(T, V), OnHeap, Between<Area>>;
/// The integral of a window of up to `N` pairs, without an allocator.
pub type IntegralOf<T, V, const N: usize> = Parts<(T, V), InPlace<N>, Between<Area>>;
/// The mean of the pairs `(time, value)` in the window over time: each value counts for as long as it was the case, straight from
/// one to the next. The mean for readings that do not come evenly. Of no time there is none.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::TimeMean;
/// let tank = [(0.0, 20.0), (99.0, 20.0), (100.0, 30.0)]; // °C, sent when it changes
/// let mean = from_iter(tank).aggregate(Window::tumbling(3), TimeMean::new()).collect_now()[0];
/// assert_eq!(mean, 20.05);
/// ```
#[cfg(feature = "alloc")]
#[doc(alias = "time_weighted_average")]
pub type TimeMean<T, V> = Parts<(T, V), OnHeap, Between<Level>>;
/// The mean over time in a window of up to `N` pairs, without an allocator.
pub type TimeMeanOf<T, V, const N: usize> = Parts<(T, V), InPlace<N>, Between<Level>>;

/// How [`Rate`] and [`Increase`] sum up.
#[derive(Clone, Copy, Debug)]
pub struct Counted<V, M> {
    rolls_over_at: Option<V>,
    measure: PhantomData<M>,
}

impl<V, M> Default for Counted<V, M> {
    fn default() -> Self {
        Self { rolls_over_at: None, measure: PhantomData }
    }
}

/// A second's share of an increase.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerSecond;
/// The whole increase.
#[derive(Clone, Copy, Debug, Default)]
pub struct InAll;

/// What is made of an increase.
pub trait Growth: Clone {
    /// The result for an increase over so many seconds.
    fn of<F: Float>(increase: F, secs: F) -> Option<F>;
}

impl Growth for PerSecond {
    fn of<F: Float>(increase: F, secs: F) -> Option<F> {
        (secs > F::from_count(0)).then(|| increase / secs)
    }
}

impl Growth for InAll {
    fn of<F: Float>(increase: F, _: F) -> Option<F> {
        Some(increase)
    }
}

impl<T: Axis + PartialEq, V: Number, R: Room, M: Growth> Parts<(T, V), R, Counted<V, M>> {
    /// Says at which count the counter goes on from 0: 65,536 of one with 16 bits.
    #[must_use]
    pub fn rolls_over_at(self, count: V) -> Self {
        self.with(|counted| Counted { rolls_over_at: Some(count), ..counted })
    }
}

/// What is kept of a part of a window of values with times.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<T, V, F> {
    first: (T, V),
    last: (T, V),
    /// The increase of a counter, or the area under values.
    sum: F,
    /// How many seconds are covered.
    secs: F,
}
saves! { [T: Axis, V: Number, F: Float] Stretch<T, V, F> { first, last, sum, secs } }

impl<T: Axis + PartialEq, V: Number> Stretch<T, V, V::Mean> {
    #[allow(clippy::eq_op)] // a NaN alone differs from itself
    fn one((time, value): (T, V)) -> Option<Self> {
        let (sum, secs) = (V::Mean::from_count(0), V::Mean::from_count(0));
        (time == time && !value.is_nan()).then_some(Self { first: (time, value), last: (time, value), sum, secs })
    }

    /// Of both, with what lies between them.
    fn and(self, newer: Self, sum: V::Mean, secs: V::Mean) -> Self {
        let (sum, secs) = (self.sum + sum + newer.sum, self.secs + secs + newer.secs);
        Self { first: self.first, last: newer.last, sum, secs }
    }

    fn length(&self) -> V::Mean {
        V::Mean::from_f64(self.last.0.beyond(self.first.0))
    }
}

impl<T: Axis + PartialEq, V: Number, M: Growth> Summary<(T, V)> for Counted<V, M> {
    type Part = Stretch<T, V, V::Mean>;
    type Out = V::Mean;
    #[inline]
    fn part(&self, pair: &(T, V)) -> Option<Self::Part> {
        Stretch::one(*pair)
    }
    #[inline]
    fn join(&self, older: Self::Part, newer: Self::Part) -> Self::Part {
        let (before, after) = (older.last.1, newer.first.1);
        let increase = match self.rolls_over_at {
            _ if after.order(&before).is_ge() => after.change_from(&before),
            Some(end) => end.change_from(&before) + after.to_mean(),
            None => after.to_mean(),
        };
        older.and(newer, increase, V::Mean::from_count(0))
    }
    fn value(&self, all: Self::Part) -> Option<V::Mean> {
        M::of(all.sum, all.length())
    }
}

/// How [`Derivative`], [`Integral`] and [`TimeMean`] sum up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Between<M> {
    longest_gap: Option<Duration>,
    measure: PhantomData<M>,
}

/// The change a second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change;
/// The integral.
#[derive(Clone, Copy, Debug, Default)]
pub struct Area;
/// The mean over time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Level;

/// What is made of values with times.
pub trait Course: Clone {
    /// The result of a stretch.
    fn of<T: Axis + PartialEq, V: Number>(all: Stretch<T, V, V::Mean>) -> Option<V::Mean>;
}

impl Course for Change {
    fn of<T: Axis + PartialEq, V: Number>(all: Stretch<T, V, V::Mean>) -> Option<V::Mean> {
        let secs = all.length();
        (secs > V::Mean::from_count(0)).then(|| all.last.1.change_from(&all.first.1) / secs)
    }
}

impl Course for Area {
    fn of<T: Axis + PartialEq, V: Number>(all: Stretch<T, V, V::Mean>) -> Option<V::Mean> {
        Some(all.sum)
    }
}

impl Course for Level {
    fn of<T: Axis + PartialEq, V: Number>(all: Stretch<T, V, V::Mean>) -> Option<V::Mean> {
        (all.secs > V::Mean::from_count(0)).then(|| all.sum / all.secs)
    }
}

/// What is summed up between values.
pub trait Filled: Course {}
impl Filled for Area {}
impl Filled for Level {}

impl<T: Axis + PartialEq, V: Number, R: Room, M: Filled> Parts<(T, V), R, Between<M>> {
    /// Counts nothing between two values that are further apart than this: a longer silence is not filled, not even in part. On an
    /// axis of numbers a second is 1.
    #[must_use]
    pub fn longest_gap(self, gap: Duration) -> Self {
        self.with(|between| Between { longest_gap: Some(gap), ..between })
    }
}

impl<T: Axis + PartialEq, V: Number, M: Course> Summary<(T, V)> for Between<M> {
    type Part = Stretch<T, V, V::Mean>;
    type Out = V::Mean;
    #[inline]
    fn part(&self, pair: &(T, V)) -> Option<Self::Part> {
        Stretch::one(*pair)
    }
    #[inline]
    fn join(&self, older: Self::Part, newer: Self::Part) -> Self::Part {
        let (before, after) = (older.last, newer.first);
        let secs = after.0.beyond(before.0);
        let is_silence = self.longest_gap.is_some_and(|gap| secs > gap.as_secs_f64());
        let secs = V::Mean::from_f64(if is_silence { 0.0 } else { secs });
        let half = V::Mean::from_f64(0.5);
        let mean = before.1.to_mean() * half + after.1.to_mean() * half;
        let zero = V::Mean::from_count(0);
        let area = if secs == zero { zero } else { mean * secs }; // of an infinite value, too
        older.and(newer, area, secs)
    }
    fn value(&self, all: Self::Part) -> Option<V::Mean> {
        M::of(all)
    }
}
