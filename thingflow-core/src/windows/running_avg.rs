//! `running_avg(n)`, `running_avg_of::<N>()`: the mean of the last `n` events, for each event.
//!
//! Holds up to `n` values.

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
/// Nothing is ever subtracted, so that rounding errors do not grow, and a huge value or a NaN leaves no trace when it
/// leaves the window. Time goes by blocks of `n` events: a place of the ring holds first the sum of all that came after it
/// in the block before, and then the value of this block. An event adds two numbers; a new block adds up the ring once.
#[derive(Clone, Debug)]
pub struct RunningAvg<T: Measured, B> {
    ring: B,
    /// Where the next value goes; beyond the ring when a new block begins, and while the ring is filled for the first time.
    at: usize,
    /// How many values are in the window, also as a float to divide by.
    filled: usize,
    count: T::Value,
    /// The sum of the values of this block.
    block: T::Value,
    item: PhantomData<fn(T)>,
}

impl<T: Measured, B: AsMut<[T::Value]>> RunningAvg<T, B> {
    pub(super) fn new(ring: B) -> Self {
        let zero = T::Value::default();
        Self { ring, at: usize::MAX, filled: 0, count: zero, block: zero, item: PhantomData }
    }

    /// Takes a value that fills the ring for the first time or begins a new block: the sum of the window.
    #[inline(never)]
    fn turn(&mut self, value: T::Value) -> T::Value {
        let ring = self.ring.as_mut();
        if let Some(free) = ring.get_mut(self.filled) {
            *free = value;
            self.filled += 1;
            self.count = T::Value::from_count(self.filled);
            self.block = self.block + value;
            return self.block;
        }
        let mut later = T::Value::default();
        for place in ring.iter_mut().rev() {
            later = later + core::mem::replace(place, later);
        }
        self.at = 1;
        self.block = value;
        ring.first_mut().map_or(value, |first| value + core::mem::replace(first, value))
    }
}

impl<T: Measured, B: AsMut<[T::Value]>> Filter<T> for RunningAvg<T, B> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let value = event.value();
        let sum = if let Some(place) = self.ring.as_mut().get_mut(self.at) {
            self.at += 1;
            self.block = self.block + value;
            self.block + core::mem::replace(place, value)
        } else {
            self.turn(value)
        };
        out.next(event.with_value(sum / self.count))
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use crate::prelude::*;

    #[test]
    fn a_huge_value_leaves_no_trace() {
        assert_eq!(from_iter([1.0, 1e300, 0.1, 0.3]).running_avg(1).collect_now(), [1.0, 1e300, 0.1, 0.3]);
        let averages = from_iter([1.0, f64::NAN, 2.0, 4.0, 6.0]).running_avg(2).collect_now();
        assert_eq!(averages[3..], [3.0, 5.0]);
    }
}
