//! `map(f)`: send what a function makes of each event.
//!
//! Holds nothing.

use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`map`](super::Elementwise::map).
#[derive(Clone, Copy, Debug)]
pub struct Map<F>(pub(super) F);

impl<In, Out, F: FnMut(In) -> Out> Filter<In> for Map<F> {
    type Out = Out;
    const TRANSPARENT: bool = true;
    #[inline(always)]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Out>>) -> Receipt {
        out.next((self.0)(event))
    }
}
