//! `derivative()`, `rate()`: how much values change in a second.
//!
//! Holds one value and one instant.

use crate::clock::Instant;
use crate::measure::{Carrier, Float, Number};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`derivative`](super::Filters::derivative) and [`rate`](super::Filters::rate).
///
/// The time is that at which events arrive, which is never set back. The first event gives nothing; so does a NaN or an infinity,
/// and the next event is then compared with the number before it. Of events that arrive at one instant the last counts.
///
/// ```
/// # #[cfg(feature = "std")] {
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::{Recorder, timed};
/// let (mut scheduler, slope, per_second) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
/// let ticks = timed([(0.0, 100_u32), (10.0, 120), (20.0, 5)]).output(); // the meter was changed, and began at 0
/// ticks.derivative().connect(slope.clone());
/// ticks.rate().connect(per_second.clone());
/// scheduler.schedule_recurring(ticks)?;
/// scheduler.run_forever()?;
/// assert_eq!(slope.timed_text(), "2.0@10 -11.5@20 |@20");
/// assert_eq!(per_second.timed_text(), "2.0@10 0.5@20 |@20");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        if self.is_counter && value.order(&before).is_lt() {
            return value.to_mean();
        }
        let (now, before_now) = (value.to_mean(), before.to_mean());
        let distance = value.distance(&before).to_mean(); // of integers exact, however large they are
        if now < before_now { V::Mean::default() - distance } else { distance }
    }
}

impl<T: Carrier<Value: Number>> Filter<T> for Rate<T::Value> {
    type Out = T::With<<T::Value as Number>::Mean>;
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
}
