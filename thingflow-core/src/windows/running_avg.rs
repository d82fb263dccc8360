//! `running_avg(n)`: the mean of the last `n` events, for each event.

use core::marker::PhantomData;

use crate::measure::{Float, Measured};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`running_avg`](super::Windows::running_avg) and [`running_avg_of`](super::Windows::running_avg_of).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([1.0, 2.0, 6.0, 7.0]).running_avg(3).collect_now(), [1.0, 1.5, 3.0, 5.0]);
/// ```
///
/// The sum is kept up from event to event and added up afresh once in `n` events, so that rounding errors do not grow
/// and a NaN has gone after at most `2 n` events.
#[derive(Clone, Debug)]
pub struct RunningAvg<T: Measured, B> {
    ring: B,
    /// Where the next value goes; beyond the ring while it has not been filled once.
    at: usize,
    /// How many values are in the ring, also as a float to divide by.
    filled: usize,
    count: T::Value,
    sum: T::Value,
    /// The sum since the ring's start: at its end that of the whole window, free of what rounding left behind.
    fresh: T::Value,
    item: PhantomData<fn(T)>,
}

impl<T: Measured, B: AsMut<[T::Value]>> RunningAvg<T, B> {
    pub(super) fn new(ring: B) -> Self {
        let zero = T::Value::default();
        Self { ring, at: usize::MAX, filled: 0, count: zero, sum: zero, fresh: zero, item: PhantomData }
    }

    /// The steps that are not plain: filling the ring, and beginning it anew.
    #[inline(never)]
    fn turn(&mut self, value: T::Value) {
        let ring = self.ring.as_mut();
        if let Some(free) = ring.get_mut(self.filled) {
            *free = value;
            self.filled += 1;
            self.count = T::Value::from_count(self.filled);
            self.sum = self.sum + value;
            self.fresh = self.sum;
        } else if let Some(oldest) = ring.first_mut() {
            self.sum = self.fresh + (value - *oldest);
            self.fresh = value;
            *oldest = value;
            self.at = 1;
        }
    }
}

impl<T: Measured, B: AsMut<[T::Value]>> Filter<T> for RunningAvg<T, B> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let value = event.value();
        if let Some(oldest) = self.ring.as_mut().get_mut(self.at) {
            self.sum = self.sum + (value - *oldest);
            self.fresh = self.fresh + value;
            *oldest = value;
            self.at += 1;
        } else {
            self.turn(value);
        }
        out.next(event.with_value(self.sum / self.count))
    }
}
