//! `derivative()`, `rate()`: how much values change in a second.
//!
//! Holds one value and one instant.

use crate::clock::Instant;
use crate::measure::{Carrier, Float, Number};
use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`derivative`](super::Elementwise::derivative) and [`rate`](super::Elementwise::rate).
#[derive(Clone, Copy, Debug)]
pub struct Rate<V> {
    before: Option<(Instant, V)>,
    is_counter: bool,
}

impl<V: Number> Rate<V> {
    pub(super) fn new(is_counter: bool) -> Self {
        Self { before: None, is_counter }
    }

    /// How much the value has changed. A counter that goes back has begun anew, at 0.
    fn change(&self, value: V, before: V) -> V::Mean {
        if self.is_counter && value.order(&before).is_lt() { value.to_mean() } else { value.change_from(&before) }
    }
}

impl<T: Carrier<Value: Number>> Filter<T> for Rate<T::Value> {
    type Out = T::With<<T::Value as Number>::Mean>;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (value, rest) = event.part();
        if !value.to_mean().is_finite() {
            return Ok(Demand::More);
        }
        let Some((at, before)) = self.before.replace((out.now(), value)) else { return Ok(Demand::More) };
        let elapsed = out.now().since(at);
        if elapsed.is_zero() {
            return Ok(Demand::More);
        }
        let per_second = self.change(value, before) / Float::from_f64(elapsed.as_secs_f64());
        out.next(T::carry(rest, per_second))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.before.on_state("before", state);
        // Over a time that nobody knows there is no rate.
        self.before.take_if(|(at, value)| at.is_long_ago() || !value.to_mean().is_finite());
    }
}
