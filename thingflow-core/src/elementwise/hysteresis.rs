//! `hysteresis(low, high)`: send whether a value is high, without a flutter between the two limits.
//!
//! Holds one flag.

use core::cmp::Ordering;

use crate::measure::{Carrier, Number};
use crate::state::{Saved, StateVisitor};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`hysteresis`](super::Elementwise::hysteresis), or by [`new`](Self::new) if the option is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Hysteresis<V> {
    low: V,
    high: V,
    is_high: bool,
}

impl<V: Number> Hysteresis<V> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    ///
    /// # Panics
    /// If `low` is larger than `high`, or one of them is a NaN.
    #[track_caller]
    pub fn new(low: V, high: V) -> Self {
        assert!(!low.is_nan() && !high.is_nan(), "hysteresis({low:?}, {high:?}): a limit is a number");
        assert!(low.order(&high).is_le(), "hysteresis({low:?}, {high:?}): the lower limit comes first");
        Self { low, high, is_high: false }
    }

    /// Says what the state is before a value has switched it.
    #[must_use]
    pub fn initially(self, is_high: bool) -> Self {
        Self { is_high, ..self }
    }
}

impl<T: Carrier<Value: Number + PartialOrd>> Filter<T> for Hysteresis<T::Value> {
    type Out = T::With<bool>;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (value, rest) = event.part();
        if value.partial_cmp(&self.high) == Some(Ordering::Greater) {
            self.is_high = true;
        } else if value.partial_cmp(&self.low) == Some(Ordering::Less) {
            self.is_high = false;
        }
        out.next(T::carry(rest, self.is_high))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.is_high.on_state("is high", state);
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    #[should_panic(expected = "the lower limit comes first")]
    fn limits_in_the_wrong_order() {
        let _ = pipe::<f64>().hysteresis(2.0, 1.0);
    }

    #[test]
    #[should_panic(expected = "hysteresis(1.0, NaN): a limit is a number")]
    fn a_limit_that_nothing_passes() {
        let _ = pipe::<f64>().hysteresis(1.0, f64::NAN);
    }
}
