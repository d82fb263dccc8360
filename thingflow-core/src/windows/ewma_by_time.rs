//! `ewma_by_time(half_life, time)`: send an average in which an event counts the less the longer ago it was.
//!
//! Holds three values.

use core::time::Duration;

use super::ewma::exp2_m1;
use crate::clock::Timestamp;
use crate::measure::{Float, Measured};
use crate::state::{Saved, StateVisitor};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`ewma_by_time`](super::Smoothing::ewma_by_time) and [`ewma_by_time_corrected`](super::Smoothing::ewma_by_time_corrected).
#[derive(Clone, Copy, Debug)]
pub struct EwmaByTime<V, F> {
    half_life: Duration,
    time: F,
    /// The weight of all numbers so far, where one of now has 1; without correction there is none.
    weight: Option<f64>,
    last: Option<(Timestamp, V)>,
}

impl<V: Float, F> EwmaByTime<V, F> {
    #[track_caller]
    pub(super) fn new(half_life: Duration, time: F, is_corrected: bool) -> Self {
        assert!(!half_life.is_zero(), "ewma_by_time(0 s, ..): a half-life is above 0");
        Self { half_life, time, weight: is_corrected.then_some(0.0), last: None }
    }

    fn next(&mut self, at: Timestamp, value: V) -> V {
        let Some((before, average)) = self.last else {
            self.weight = self.weight.map(|_| 1.0);
            self.last = Some((at, value));
            return value;
        };
        // What counts of now, if all before were of the last time: an event of an earlier time counts as of that.
        let mut share = -exp2_m1(-((at - before).as_secs_f64() / self.half_life.as_secs_f64()));
        if let Some(weight) = &mut self.weight {
            *weight = *weight * (1.0 - share) + 1.0;
            share = 1.0 / *weight;
        }
        let (share, rest) = (V::from_f64(share), V::from_f64(1.0 - share));
        let step = value - average;
        let next = if step.is_finite() { average + share * step } else { share * value + rest * average };
        self.last = Some((at.max(before), next));
        next
    }
}

impl<T: Measured, F: FnMut(&T) -> Timestamp> Filter<T> for EwmaByTime<T::Value, F> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let value = event.value();
        if value.is_finite() {
            let at = (self.time)(&event);
            self.next(at, value);
        }
        let average = self.last.map_or(T::Value::NAN, |(_, average)| average);
        out.next(event.with_value(average))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if let Some(weight) = &mut self.weight {
            weight.on_state("weight", state);
        }
        self.last.on_state("average", state);
        let is_whole = self.last.is_none_or(|(_, average)| average.is_finite());
        if !is_whole || self.weight.is_some_and(|weight| !weight.is_finite()) {
            state.refuse("average"); // a NaN would stay for ever
            (self.weight, self.last) = (self.weight.map(|_| 0.0), None);
        }
    }
}
