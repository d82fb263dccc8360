//! `running_variance(n)`, `running_variance_of::<N>()`: the variance of the last `n` events, for each event.
//!
//! Holds up to `n` values. It is what `aggregate(Window::sliding(n).partial(), Variance::new())` is, in a third of the instructions: a value
//! takes the place of another one in a single step.

use core::marker::PhantomData;

use super::aggregates::Held;
use super::running_avg::{Places, is_nan};
use crate::measure::{Float, Measured};
use crate::state::{Saved, StateVisitor};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`running_variance`](super::Windows::running_variance) and [`running_variance_of`](super::Windows::running_variance_of).
///
/// It is computed as a [`Variance`](super::VarianceBy) is, and as right.
#[derive(Clone, Debug)]
pub struct RunningVariance<T: Measured, B> {
    ring: B,
    /// Where the oldest value is, once the ring is full.
    at: usize,
    filled: usize,
    held: Held<T::Value>,
    item: PhantomData<fn(T)>,
}

impl<T: Measured, B: Places<T::Value>> RunningVariance<T, B> {
    pub(super) fn new(ring: B) -> Self {
        Self { ring, at: 0, filled: 0, held: Held::new(), item: PhantomData }
    }

    /// Takes a number in for the oldest one while there are only numbers in the window, which is full, and nothing is to be made anew.
    #[inline]
    fn take(&mut self, value: T::Value) -> Option<T::Value> {
        let ring = self.ring.all();
        let size = ring.len();
        if is_nan(value) {
            return None;
        }
        let place = ring.get_mut(self.at)?;
        let variance = self.held.full(size)?.replace(*place, value)?;
        *place = value;
        self.at = if self.at + 1 == size { 0 } else { self.at + 1 };
        Some(variance)
    }

    /// Takes any value in.
    fn take_rare(&mut self, value: T::Value) -> T::Value {
        if self.ring.push(self.filled, value) {
            self.filled += 1;
            self.add(value);
        } else {
            self.replace(value);
        }
        let (count, squares) = self.held.squares();
        if count < 2 { T::Value::NAN } else { squares / T::Value::from_count((count - 1) as usize) }
    }

    fn add(&mut self, value: T::Value) {
        if !is_nan(value) {
            self.held.add(value);
        }
    }

    fn replace(&mut self, value: T::Value) {
        let ring = self.ring.all();
        let size = ring.len();
        let Some(place) = ring.get_mut(self.at) else { return };
        let old = core::mem::replace(place, value);
        self.at = if self.at + 1 == size { 0 } else { self.at + 1 };
        if !is_nan(old) {
            self.held.remove(old);
        }
        if self.held.is_stale() {
            self.held = Held::new();
            ring.iter().filter(|value| !is_nan(**value)).for_each(|value| self.held.add(*value));
        } else {
            self.add(value);
        }
    }

    /// The usual way does not come back from here.
    #[cold]
    #[inline(never)]
    fn send_rare(out: &mut Emitter<'_, '_, impl InputThing<T>>, running: &mut Self, event: T) -> Receipt {
        let variance = running.take_rare(event.value());
        out.next(event.with_value(variance))
    }
}

impl<T: Measured, B: Places<T::Value>> Filter<T> for RunningVariance<T, B> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        match self.take(event.value()) {
            Some(variance) => out.next(event.with_value(variance)),
            None => Self::send_rare(out, self, event),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.ring.on_state(&mut self.filled, state);
        self.held = Held::new();
        let held = self.ring.all().iter().take(self.filled);
        held.filter(|value| !is_nan(**value)).for_each(|value| self.held.add(*value));
        self.at.on_state("at", state);
        if self.at >= self.filled || self.filled < self.ring.room() {
            self.at = 0;
        }
    }
}
