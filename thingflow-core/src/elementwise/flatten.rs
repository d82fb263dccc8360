//! `flatten()`: send each element of each event.
//!
//! Holds nothing.

use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`flatten`](super::Elementwise::flatten).
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

impl<I: IntoIterator> Filter<I> for Flatten {
    type Out = I::Item;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: I, out: &mut Emitter<'_, '_, impl InputThing<I::Item>>) -> Receipt {
        out.send_all(event)
    }
}
