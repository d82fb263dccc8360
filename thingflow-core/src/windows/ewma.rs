//! `ewma(alpha)`, `ewma_corrected(alpha)`: send an average in which older events count less and less. [`Alpha`]: how much less.
//!
//! Holds two values.

use crate::measure::{Float, Measured};
use crate::state::{Saved, StateVisitor};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`ewma`](super::Smoothing::ewma) and [`ewma_corrected`](super::Smoothing::ewma_corrected).
#[derive(Clone, Copy, Debug)]
pub struct Ewma<V> {
    alpha: V,
    /// The weight of all numbers so far, where the newest has 1; without correction that of a stream that has always been.
    weight: Option<V>,
    average: Option<V>,
}

/// The share of the newest event in an exponential average, by other ways to say it. Each gives the `alpha` for
/// [`ewma`](super::Smoothing::ewma) and the like.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Alpha;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([8.0, 16.0, 0.0]).ewma(Alpha::span(3.0)).collect_now(), [8.0, 12.0, 6.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Alpha;

impl Alpha {
    /// As smooth as a mean of the last `span` events: `2 / (span + 1)`.
    ///
    /// # Panics
    /// If the span is below 1.
    #[track_caller]
    pub fn span<V: Float>(span: V) -> V {
        let one = V::from_count(1);
        assert!(span >= one, "Alpha::span({span:?}): a span is 1 event or more");
        V::from_count(2) / (span + one)
    }

    /// The events are as old on average as this: `1 / (1 + center)`.
    ///
    /// # Panics
    /// If it is below 0.
    #[doc(alias = "com")]
    #[track_caller]
    pub fn center_of_mass<V: Float>(center: V) -> V {
        assert!(center >= V::from_count(0), "Alpha::center_of_mass({center:?}): a number of events, 0 or more");
        V::from_count(1) / (V::from_count(1) + center)
    }

    /// After so many events one counts half as much: `1 - 2^(-1 / events)`.
    ///
    /// # Panics
    /// If it is not above 0.
    #[cfg(any(feature = "std", feature = "libm"))]
    #[doc(alias = "halflife")]
    #[track_caller]
    pub fn half_life<V: Float>(events: V) -> V {
        assert!(events > V::from_count(0), "Alpha::half_life({events:?}): a number of events above 0");
        V::from_f64(-exp2_m1(-1.0 / events.to_f64()))
    }
}

/// `2^x - 1`, with all digits also for small `x`.
#[cfg(any(feature = "std", feature = "libm"))]
pub(super) fn exp2_m1(x: f64) -> f64 {
    #[cfg(feature = "std")]
    return (x * core::f64::consts::LN_2).exp_m1();
    #[cfg(not(feature = "std"))]
    libm::expm1(x * core::f64::consts::LN_2)
}

#[track_caller]
pub(super) fn check_alpha<V: Float>(operator: &str, alpha: V) {
    let (none, all) = (V::from_count(0), V::from_count(1));
    assert!(alpha > none && alpha <= all, "{operator}({alpha:?}): the share of the newest event is above 0, at most 1");
}

impl<V: Float> Ewma<V> {
    #[track_caller]
    pub(super) fn new(alpha: V, is_corrected: bool) -> Self {
        check_alpha("ewma", alpha);
        let none = V::from_count(0);
        Self { alpha, weight: is_corrected.then_some(none), average: None }
    }

    /// The average with one number more.
    #[inline]
    fn next(&mut self, value: V) -> V {
        let all = V::from_count(1);
        let mut share = self.alpha;
        if let Some(weight) = &mut self.weight {
            let before = (all - self.alpha) * *weight;
            *weight = before + all;
            share = all / *weight;
            let sum = self.average.map_or(value, |average| before * average + value);
            if sum.is_finite() && self.average != Some(value) {
                return sum / *weight;
            }
        }
        let Some(average) = self.average else { return value };
        let step = value - average;
        if step.is_finite() {
            return average + share * step;
        }
        share * value + (all - share) * average // the numbers are too far apart for their difference
    }
}

impl<T: Measured> Filter<T> for Ewma<T::Value> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let value = event.value();
        if value.is_finite() {
            self.average = Some(self.next(value));
        }
        out.next(event.with_value(self.average.unwrap_or(T::Value::NAN)))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if let Some(weight) = &mut self.weight {
            weight.on_state("weight", state);
        }
        self.average.on_state("average", state);
        if !self.weight.iter().chain(&self.average).all(|number| number.is_finite()) {
            state.refuse("average"); // a NaN would stay for ever
            (self.weight, self.average) = (self.weight.map(|_| T::Value::from_count(0)), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    #[should_panic(expected = "above 0, at most 1")]
    fn a_share_of_nothing() {
        let _ = pipe::<f64>().ewma(0.0);
    }
}
