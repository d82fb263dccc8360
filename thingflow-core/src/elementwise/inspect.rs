//! `inspect(f)`: show each event to a function, and pass it on.
//!
//! Holds nothing.

use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`inspect`](super::Elementwise::inspect).
#[derive(Clone, Copy, Debug)]
pub struct Inspect<F>(pub(super) F);

impl<T, F: FnMut(&T)> Filter<T> for Inspect<F> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        (self.0)(&event);
        out.next(event)
    }
}
