//! `running_sum(n)`, `running_sum_of::<N>()`: the sum of the last `n` events, for each event.
//!
//! Holds up to `n` values: it is a [`RunningAvg`] that does not divide.

use super::running_avg::{Places, RunningAvg};
use crate::measure::Measured;
use crate::state::StateVisitor;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`running_sum`](super::Windows::running_sum) and [`running_sum_of`](super::Windows::running_sum_of).
///
/// It is added up as the mean of a [`RunningAvg`] is: nothing is ever subtracted.
#[derive(Clone, Debug)]
pub struct RunningSum<T: Measured, B>(RunningAvg<T, B>);

impl<T: Measured, B: Places<T::Value>> RunningSum<T, B> {
    pub(super) fn new(ring: B) -> Self {
        Self(RunningAvg::new(ring))
    }

    /// As the usual way does, see [`RunningAvg`].
    #[cold]
    #[inline(never)]
    fn send_rare(out: &mut Emitter<'_, '_, impl InputThing<T>>, sum: &mut Self, event: T) -> Receipt {
        let all = sum.0.take_rare(event.value());
        out.next(event.with_value(all))
    }
}

impl<T: Measured, B: Places<T::Value>> Filter<T> for RunningSum<T, B> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        match self.0.take(event.value()) {
            Some(all) => out.next(event.with_value(all)),
            None => Self::send_rare(out, self, event),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        Filter::on_state(&mut self.0, state);
    }
}
