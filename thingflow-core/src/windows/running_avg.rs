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
    at: usize,
    /// Whether the ring has been filled once.
    full: bool,
    count: T::Value,
    sum: T::Value,
    /// The sum since the ring's start: at its end that of the whole window, free of what rounding left behind.
    fresh: T::Value,
    item: PhantomData<fn(T)>,
}

impl<T: Measured, B> RunningAvg<T, B> {
    pub(super) fn new(ring: B) -> Self {
        let zero = T::Value::default();
        Self { ring, at: 0, full: false, count: zero, sum: zero, fresh: zero, item: PhantomData }
    }
}

impl<T: Measured, B: AsMut<[T::Value]>> Filter<T> for RunningAvg<T, B> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let ring = self.ring.as_mut();
        let value = event.value();
        if self.at == ring.len() {
            self.at = 0;
            self.full = true;
            self.sum = core::mem::take(&mut self.fresh);
        }
        self.sum = self.sum + (value - ring[self.at]); // the ring begins with zeros
        self.fresh = self.fresh + value;
        ring[self.at] = value;
        self.at += 1;
        if !self.full {
            self.count = T::Value::from_count(self.at);
        }
        out.next(event.with_value(self.sum / self.count))
    }
}
