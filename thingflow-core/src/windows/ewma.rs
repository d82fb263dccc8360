//! `ewma(alpha)`, `ewma_corrected(alpha)`: send an average in which older events count less and less.
//!
//! Holds two values.

use crate::measure::{Float, Measured};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`ewma`](super::Windows::ewma) and [`ewma_corrected`](super::Windows::ewma_corrected).
#[derive(Clone, Copy, Debug)]
pub struct Ewma<V> {
    alpha: V,
    /// The weight of all numbers so far, where the newest has 1; without correction that of a stream that has always been.
    weight: Option<V>,
    average: Option<V>,
}

impl<V: Float> Ewma<V> {
    #[track_caller]
    pub(super) fn new(alpha: V, is_corrected: bool) -> Self {
        let (none, all) = (V::from_count(0), V::from_count(1));
        assert!(alpha > none && alpha <= all, "ewma({alpha:?}): the share of the newest event is above 0, at most 1");
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
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let value = event.value();
        if value.is_finite() {
            self.average = Some(self.next(value));
        }
        out.next(event.with_value(self.average.unwrap_or(T::Value::NAN)))
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
