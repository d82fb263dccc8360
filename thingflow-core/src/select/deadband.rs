//! `deadband(delta)`: leave out values that differ by less than `delta` from the last one sent.
//!
//! Holds one value.

use crate::measure::{Carrier, Number};
use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`deadband`](super::Selecting::deadband).
#[derive(Clone, Copy, Debug)]
pub struct Deadband<V> {
    delta: V,
    last: Option<V>,
}

impl<V: Number + PartialOrd> Deadband<V> {
    #[track_caller]
    pub(super) fn new(delta: V) -> Self {
        assert!(delta.distance(&delta) <= delta, "deadband({delta:?}): how much values differ is 0 or more");
        Self { delta, last: None }
    }

    fn is_near(&self, value: &V) -> bool {
        let Some(last) = &self.last else { return false };
        // An infinity and a NaN have no distance to their like.
        let is_same = value.order(last).is_eq() && self.delta.distance(&self.delta) < self.delta;
        is_same || value.distance(last) < self.delta
    }
}

impl<T: Carrier<Value: Number + PartialOrd>> Filter<T> for Deadband<T::Value> {
    type Out = T::With<T::Value>;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (value, rest) = event.part();
        if self.is_near(&value) {
            return Ok(Demand::More);
        }
        self.last = Some(value);
        out.next(T::carry(rest, value))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.last.on_state("last", state);
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use crate::prelude::*;

    #[test]
    fn what_is_no_number_or_far_away() {
        let inf = f64::INFINITY;
        let seen = from_iter([1.0, f64::NAN, f64::NAN, 1.0, inf, inf, -inf, 0.0]).deadband(0.5).collect_now();
        assert!(seen[1].is_nan());
        assert_eq!(seen[2..], [1.0, inf, -inf, 0.0]);
        let seen = from_iter([i32::MIN, i32::MAX, i32::MAX - 1, 0]).deadband(10).collect_now();
        assert_eq!(seen, [i32::MIN, i32::MAX, 0]);
    }

    #[test]
    fn of_nothing_all_pass() {
        assert_eq!(from_iter([1, 1, 2]).deadband(0).collect_now(), [1, 1, 2]);
    }

    #[test]
    #[should_panic(expected = "0 or more")]
    fn a_distance_is_not_negative() {
        let _ = from_iter([1]).deadband(-1);
    }
}
