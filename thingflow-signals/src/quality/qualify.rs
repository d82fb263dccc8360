//! [`Qualified`] events, and the stages that make and use them.

use thingflow_core::windows::{Carrier, Number};
use thingflow_core::{
    Context, Demand, Emitter, Filter, Float, InputThing, Instant, Measured, Receipt, Saved, StateVisitor,
};

use super::{Check, Quality};
use crate::time::Timed;

/// An event with the mark that checks have given it.
///
/// It carries the value of the event, so operators of numbers work on it, and what they send has the mark of the event that
/// it was made of; a window's result that of its last event.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::prelude::*;
/// use thingflow_signals::quality::{Qualified, Quality, Range};
/// let averages = from_iter([20.0, 90.0]).qualify(Range::new(-40.0..=60.0)).running_avg(1).collect_now();
/// assert_eq!(averages[1], Qualified { event: 90.0, quality: Quality::Bad });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Qualified<E> {
    /// The event.
    pub event: E,
    /// The mark.
    pub quality: Quality,
}

impl<E: Saved> Saved for Qualified<E> {
    fn blank() -> Self {
        Self { event: E::blank(), quality: Quality::Missing }
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        self.event.on_state(name, state);
        self.quality.on_state(name, state);
    }
}

impl<E: Carrier> Carrier for Qualified<E> {
    type Value = E::Value;
    type Rest = (E::Rest, Quality);
    type With<U> = Qualified<E::With<U>>;
    #[inline]
    fn part(self) -> (E::Value, Self::Rest) {
        let (value, rest) = self.event.part();
        (value, (rest, self.quality))
    }
    #[inline]
    fn carry<U>((rest, quality): Self::Rest, value: U) -> Self::With<U> {
        Qualified { event: E::carry(rest, value), quality }
    }
    fn on_rest(rest: &mut Option<Self::Rest>, state: &mut dyn StateVisitor) {
        let (mut of_event, quality): (Option<E::Rest>, Option<Quality>) = rest.take().unzip();
        let mut quality = quality.unwrap_or_default();
        E::on_rest(&mut of_event, state);
        quality.on_state("quality", state);
        *rest = of_event.map(|of_event| (of_event, quality));
    }
}

impl<E: Measured> Measured for Qualified<E> {
    type Value = E::Value;
    #[inline]
    fn value(&self) -> E::Value {
        self.event.value()
    }
    #[inline]
    fn with_value(self, value: E::Value) -> Self {
        Self { event: self.event.with_value(value), quality: self.quality }
    }
}

impl<E: Timed> Timed for Qualified<E> {
    fn instant(&self, cx: &Context<'_>) -> Instant {
        self.event.instant(cx)
    }
}

/// The mark of a value, and an event of it again.
fn marked<E: Timed + Carrier<Value: Number + Copy>>(event: E, check: &mut impl Check, cx: &Context<'_>) -> Marked<E> {
    let at = event.instant(cx);
    let (value, rest) = event.part();
    let number = value.to_mean().to_f64();
    let quality = if number.is_finite() { check.check(number, at) } else { Quality::Missing };
    Qualified { event: E::carry(rest, value), quality }
}

/// An event that has been taken apart and put together again.
type Marked<E> = Qualified<<E as Carrier>::With<<E as Carrier>::Value>>;

/// Made by [`qualify`](crate::DataQuality::qualify).
#[derive(Clone, Copy, Debug)]
pub struct Qualify<C>(pub(crate) C);

impl<E: Timed + Carrier<Value: Number + Copy>, C: Check> Filter<E> for Qualify<C> {
    type Out = Marked<E>;
    #[inline]
    fn on_next(&mut self, event: E, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let event = marked(event, &mut self.0, out.context());
        out.next(event)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.state(state);
    }
}

/// Made by [`requalify`](crate::DataQuality::requalify).
#[derive(Clone, Copy, Debug)]
pub struct Requalify<C>(pub(crate) C);

impl<E: Timed + Carrier<Value: Number + Copy>, C: Check> Filter<Qualified<E>> for Requalify<C> {
    type Out = Marked<E>;
    #[inline]
    fn on_next(&mut self, event: Qualified<E>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let before = event.quality;
        let event = marked(event.event, &mut self.0, out.context());
        out.next(Qualified { quality: event.quality.max(before), ..event })
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.state(state);
    }
}

/// Made by [`good_only`](crate::DataQuality::good_only).
#[derive(Clone, Copy, Debug)]
pub struct GoodOnly;

impl<E> Filter<Qualified<E>> for GoodOnly {
    type Out = E;
    #[inline]
    fn on_next(&mut self, event: Qualified<E>, out: &mut Emitter<'_, '_, impl InputThing<E>>) -> Receipt {
        if event.quality == Quality::Good { out.next(event.event) } else { Ok(Demand::More) }
    }
}

/// Made by [`or_missing`](crate::DataQuality::or_missing).
#[derive(Clone, Copy, Debug)]
pub struct OrMissing;

impl<E: Carrier> Filter<Qualified<E>> for OrMissing {
    type Out = E::With<Option<E::Value>>;
    #[inline]
    fn on_next(&mut self, event: Qualified<E>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (value, rest) = event.event.part();
        out.next(E::carry(rest, (event.quality == Quality::Good).then_some(value)))
    }
}
