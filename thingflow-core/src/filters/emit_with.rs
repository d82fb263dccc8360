//! `emit_with(f)`: send whatever a function emits for each event, one by one.
//!
//! Holds nothing.

use core::marker::PhantomData;

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`emit_with`](super::Filters::emit_with): several results of one event without a list.
///
/// Each result has passed the rest of the chain when `emit` returns. What is emitted after the receiver wanted no more
/// is dropped.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// let large = from_iter([(10, 10), (2, 20), (1, 3)]).emit_with(|(a, b), emit| {
///     if a > 5 { emit(a) }
///     if b > 5 { emit(b) }
/// });
/// assert_eq!(large.collect_now(), [10, 10, 20]);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EmitWith<Out, F> {
    f: F,
    out: PhantomData<fn(Out)>,
}

impl<Out, F> EmitWith<Out, F> {
    pub(super) fn new(f: F) -> Self {
        Self { f, out: PhantomData }
    }
}

impl<In, Out, F: FnMut(In, &mut dyn FnMut(Out))> Filter<In> for EmitWith<Out, F> {
    type Out = Out;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Out>>) -> Receipt {
        let mut receipt = Ok(Demand::More);
        (self.f)(event, &mut |result| match receipt {
            Ok(Demand::Done) | Err(_) => {}
            Ok(before) => receipt = out.next(result).map(|demand| before.and(demand)),
        });
        receipt
    }
}
