//! `named(name)`: a name for this place of the chain, in drawings and reports.
//!
//! Holds nothing.

use crate::thing::{Emitter, Filter, InputThing, Receipt};
use crate::visit::Visitor;

/// Made by [`named`](super::Elementwise::named).
#[derive(Clone, Copy, Debug)]
pub struct Named(pub(super) &'static str);

impl<T> Filter<T> for Named {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.place(self.0);
    }
}
