//! The [`Aggregate`] trait: what a window makes of the events in it; and the aggregates at hand.

mod autocorrelation;
mod count;
#[cfg(feature = "alloc")]
mod counts;
mod describe;
mod each;
mod edges;
#[cfg(feature = "alloc")]
mod grouped;
mod histogram;
#[cfg(feature = "alloc")]
mod in_order;
mod mean;
mod min_max;
mod of;
mod or_none;
mod over_time;
mod pairs;
mod parts;
mod quantile;
mod ranks;
#[cfg(feature = "alloc")]
mod reservoir;
mod sum;
mod trend;
mod variance;

#[cfg(feature = "alloc")]
pub use autocorrelation::Autocorrelation;
pub use autocorrelation::{AutocorrelationOf, Neighbours, Series};
pub use count::Count;
#[cfg(feature = "alloc")]
pub use counts::{Mode, ValueCounts};
#[cfg(feature = "alloc")]
pub use describe::Describe;
pub use describe::{DescribeBy, DescribeOf, Description};
pub use each::Each;
#[cfg(feature = "alloc")]
pub use edges::First;
pub use edges::{Edge, FirstOf, Last};
#[cfg(feature = "alloc")]
pub use grouped::Grouped;
pub use histogram::{Bins, Histogram};
#[cfg(feature = "alloc")]
pub use in_order::InOrder;
pub use mean::{ExactMean, Mean, MeanBy};
pub use min_max::{Extreme, Largest, MaxOf, MinOf, Preference, Smallest};
#[cfg(feature = "alloc")]
pub use min_max::{Max, Min};
pub use of::Of;
pub use or_none::OrNone;
pub use over_time::{
    Area, Between, Change, Counted, Course, DerivativeOf, Filled, Growth, InAll, IncreaseOf, IntegralOf, Level,
    PerSecond, RateOf, Stretch, TimeMeanOf,
};
#[cfg(feature = "alloc")]
pub use over_time::{Derivative, Increase, Integral, Rate, TimeMean};
#[cfg(all(feature = "alloc", any(feature = "std", feature = "libm")))]
pub use pairs::Correlation;
#[cfg(feature = "alloc")]
pub use pairs::Covariance;
pub use pairs::{CoMoments, CovarianceOf, Joint, Relation, Together};
#[cfg(any(feature = "std", feature = "libm"))]
pub use pairs::{CorrelationOf, Scaled};
pub use parts::{Parts, Summary};
#[cfg(feature = "alloc")]
pub use quantile::{Median, Quantile};
pub use quantile::{MedianOf, Middle, Part, QuantileOf, Ranked, Share};
#[cfg(feature = "alloc")]
pub use ranks::Heaps;
pub use ranks::{Ranks, Row};
#[cfg(feature = "alloc")]
pub use reservoir::Reservoir;
pub use sum::{ExactSum, Sum, SumBy};
#[cfg(feature = "alloc")]
pub use trend::Trend;
pub use trend::{Axis, LeastSquares, Line, Points, TrendOf};
pub(super) use variance::Held;
pub use variance::{Measure, Moments, Squared, Variance, VarianceBy};
#[cfg(any(feature = "std", feature = "libm"))]
pub use variance::{Root, StdDev};

use crate::state::{StateVisitor, shown_or_unsaved};

/// What a window makes of the values in it. An aggregate of your own works in every [`Window`](super::Window):
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::windows::{Aggregate, Window};
/// /// The share of switches that are on.
/// #[derive(Clone, Default)]
/// struct ShareOn { on: u32, all: u32 }
/// impl Aggregate<bool> for ShareOn {
///     type Out = f32;
///     fn add(&mut self, on: &bool) {
///         self.on += u32::from(*on);
///         self.all += 1;
///     }
///     fn remove(&mut self, on: &bool) {
///         self.on -= u32::from(*on);
///         self.all -= 1;
///     }
///     fn value(&self) -> Option<f32> {
///         (self.all > 0).then(|| self.on as f32 / self.all as f32)
///     }
/// }
/// # #[cfg(feature = "alloc")] {
/// let door = || from_iter([true, true, false, false]);
/// assert_eq!(door().aggregate(Window::sliding(2), ShareOn::default()).collect_now(), [1.0, 0.5, 0.0]);
/// assert_eq!(door().aggregate(Window::tumbling(4), ShareOn::default()).collect_now(), [0.5]);
/// # }
/// ```
///
/// A NaN is a reading that is missing: the aggregates at hand leave it out, and make of a window what they make of its other
/// values. Of a window that has none they make what they make of nothing. Only `Count` counts it.
///
/// A tuple of aggregates is an aggregate, too: it sends what each of them makes of the same values; `(A, B)` sends
/// nothing as long as one has no value. An array of `N` aggregates works on arrays of `N` values, place by place.
pub trait Aggregate<V> {
    /// What the window sends.
    type Out;

    /// The most values that fit in at once: a larger window is refused when it is made. Without a bound by default.
    const ROOM: usize = usize::MAX;

    /// Takes the newest value in.
    fn add(&mut self, value: &V);

    /// Lets the oldest value go: values go in the order in which they came.
    fn remove(&mut self, value: &V);

    /// Lets the oldest value go and takes the newest one in, which is what a full window that slides does for each event. By default
    /// [`remove`](Self::remove) and then [`add`](Self::add); override it where both together are less work.
    #[inline]
    fn replace(&mut self, oldest: &V, newest: &V) {
        self.remove(oldest);
        self.add(newest);
    }

    /// What the window sends for the values that are in, or `None` for nothing.
    fn value(&self) -> Option<Self::Out>;

    /// Whether values that went have cost so many digits that those in the window are to be added up anew: asked after each
    /// [`remove`](Self::remove) and [`replace`](Self::replace).
    #[inline]
    fn is_stale(&self) -> bool {
        false
    }

    /// Takes a value in that is never removed, as groups and cumulative aggregates do. By default as [`add`](Self::add);
    /// override it where that saves memory.
    #[inline]
    fn absorb(&mut self, value: &V) {
        self.add(value);
    }

    /// Whether a value is none, and left out: a reading that is missing. Asked where a window says how many there were.
    #[inline]
    fn is_missing(&self, _value: &V) -> bool {
        false
    }

    /// Shows what it has made of values that were [absorbed](Self::absorb), to a walk that saves or restores it.
    fn on_state(&mut self, _state: &mut dyn StateVisitor) {}

    /// Shows a value that a window holds: `None` is one that is to be restored. What is not shown is lost when a window that
    /// holds values is restored: it is then empty.
    fn on_value(_value: &mut Option<V>, _state: &mut dyn StateVisitor) {}
}

/// [`Aggregate::replace`] where both together cannot be done: seldom.
#[cold]
fn replace_apart<V, A: Aggregate<V>>(aggregate: &mut A, oldest: &V, newest: &V) {
    aggregate.remove(oldest);
    aggregate.add(newest);
}

macro_rules! tuples {
    ($($name:ident $at:tt),*) => {
        impl<V, $($name: Aggregate<V>),*> Aggregate<V> for ($($name,)*) {
            type Out = ($($name::Out,)*);
            const ROOM: usize = {
                let mut room = usize::MAX;
                $(if $name::ROOM < room { room = $name::ROOM; })*
                room
            };
            #[inline]
            fn add(&mut self, value: &V) {
                $(self.$at.add(value);)*
            }
            #[inline]
            fn remove(&mut self, value: &V) {
                $(self.$at.remove(value);)*
            }
            #[inline]
            fn replace(&mut self, oldest: &V, newest: &V) {
                $(self.$at.replace(oldest, newest);)*
            }
            #[inline]
            fn value(&self) -> Option<Self::Out> {
                Some(($(self.$at.value()?,)*))
            }
            #[inline]
            fn is_stale(&self) -> bool {
                $(self.$at.is_stale())||*
            }
            #[inline]
            fn absorb(&mut self, value: &V) {
                $(self.$at.absorb(value);)*
            }
            fn is_missing(&self, value: &V) -> bool {
                $(self.$at.is_missing(value))||*
            }
            fn on_state(&mut self, state: &mut dyn StateVisitor) {
                // One that shows nothing must not be hidden by the others.
                $(shown_or_unsaved("aggregate", true, |state| self.$at.on_state(state), state);)*
            }
            fn on_value(value: &mut Option<V>, state: &mut dyn StateVisitor) {
                $($name::on_value(value, state);)*
            }
        }
    };
}
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);

impl<V, A: Aggregate<V>, const N: usize> Aggregate<[V; N]> for [A; N] {
    type Out = [A::Out; N];
    const ROOM: usize = A::ROOM;
    fn add(&mut self, values: &[V; N]) {
        self.iter_mut().zip(values).for_each(|(aggregate, value)| aggregate.add(value));
    }
    fn remove(&mut self, values: &[V; N]) {
        self.iter_mut().zip(values).for_each(|(aggregate, value)| aggregate.remove(value));
    }
    fn replace(&mut self, oldest: &[V; N], newest: &[V; N]) {
        let places = self.iter_mut().zip(oldest.iter().zip(newest));
        places.for_each(|(aggregate, (oldest, newest))| aggregate.replace(oldest, newest));
    }
    fn value(&self) -> Option<Self::Out> {
        let places: heapless::Vec<_, N> = self.iter().map_while(Aggregate::value).collect();
        places.into_array().ok() // fewer than `N`, if one has no value
    }
    fn is_stale(&self) -> bool {
        self.iter().any(Aggregate::is_stale)
    }
    fn absorb(&mut self, values: &[V; N]) {
        self.iter_mut().zip(values).for_each(|(aggregate, value)| aggregate.absorb(value));
    }
    fn is_missing(&self, values: &[V; N]) -> bool {
        self.iter().zip(values).all(|(aggregate, value)| aggregate.is_missing(value))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.iter_mut().for_each(|aggregate| aggregate.on_state(state));
    }
    fn on_value(values: &mut Option<[V; N]>, state: &mut dyn StateVisitor) {
        let mut places = values.take().map_or_else(|| [const { None }; N], |values| values.map(Some));
        places.iter_mut().for_each(|place| A::on_value(place, state));
        let places: heapless::Vec<V, N> = places.into_iter().flatten().collect();
        *values = places.into_array().ok();
    }
}
