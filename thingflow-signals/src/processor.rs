//! [`Processor`]: what turns one sample into another, in a chain or by hand.

use thingflow_core::windows::{Carrier, Number};
use thingflow_core::{Demand, Emitter, Filter, Float, InputThing, Instant, Receipt, StateVisitor};

use crate::time::Timed;

/// Turns one sample after the other into something else. All filters, estimators and controllers of this crate are
/// processors; one of your own becomes a stage of a chain by [`process`](crate::Signals::process).
///
/// ```
/// use thingflow_core::{Instant, prelude::*};
/// use thingflow_signals::prelude::*;
/// /// The largest sample so far.
/// struct Peak(f64);
/// impl Processor for Peak {
///     type Out = f64;
///     fn process(&mut self, value: f64, _: Instant) -> Option<f64> {
///         self.0 = self.0.max(value);
///         Some(self.0)
///     }
/// }
/// assert_eq!(from_iter([1, 3, 2]).process(Peak(0.0)).collect_now(), [1.0, 3.0, 3.0]);
/// ```
pub trait Processor {
    /// What it makes of a sample.
    type Out;

    /// Takes a sample, which is finite, with its time; `None` sends nothing on. A processor for a fixed rate need not look
    /// at the time.
    fn process(&mut self, value: f64, at: Instant) -> Option<Self::Out>;

    /// Shows what it remembers to a walk that saves or restores it.
    fn state(&mut self, _state: &mut dyn StateVisitor) {}
}

impl<P: Processor + ?Sized> Processor for &mut P {
    type Out = P::Out;
    fn process(&mut self, value: f64, at: Instant) -> Option<P::Out> {
        (**self).process(value, at)
    }
    fn state(&mut self, state: &mut dyn StateVisitor) {
        (**self).state(state);
    }
}

/// Made by [`process`](crate::Signals::process).
#[derive(Clone, Copy, Debug)]
pub struct Process<P>(pub(crate) P);

impl<T: Timed + Carrier<Value: Number>, P: Processor> Filter<T> for Process<P> {
    type Out = T::With<P::Out>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let at = event.instant(out.context());
        let (value, rest) = event.part();
        let value = value.to_mean().to_f64();
        let made = if value.is_finite() { self.0.process(value, at) } else { None };
        made.map_or(Ok(Demand::More), |made| out.next(T::carry(rest, made)))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.state(state);
    }
}
