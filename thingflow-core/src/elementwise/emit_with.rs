//! `emit_with(f)`: send whatever a function emits for each event, one by one.
//!
//! Holds nothing.

use core::marker::PhantomData;

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`emit_with`](super::Elementwise::emit_with): several results of one event without a list.
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
    const TRANSPARENT: bool = true;
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
