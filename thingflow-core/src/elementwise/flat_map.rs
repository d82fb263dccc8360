//! `flat_map(f)`: send each element of what a function makes of each event.
//!
//! Holds nothing.

use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`flat_map`](super::Elementwise::flat_map).
#[derive(Clone, Copy, Debug)]
pub struct FlatMap<F>(pub(super) F);

impl<In, I: IntoIterator, F: FnMut(In) -> I> Filter<In> for FlatMap<F> {
    type Out = I::Item;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<I::Item>>) -> Receipt {
        out.send_all((self.0)(event))
    }
}
