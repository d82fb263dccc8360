//! `enumerate()`: number the events, from 0.
//!
//! Holds one number.

use crate::state::{Saved, StateVisitor};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`enumerate`](super::Elementwise::enumerate).
#[derive(Clone, Copy, Debug)]
pub struct Enumerate(pub(super) usize);

impl<T> Filter<T> for Enumerate {
    type Out = (usize, T);
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<(usize, T)>>) -> Receipt {
        let n = self.0;
        self.0 = n.wrapping_add(1);
        out.next((n, event))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state("number", state);
    }
}
