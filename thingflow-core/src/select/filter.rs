//! `filter(p)`: pass the events for which a predicate holds.
//!
//! Holds nothing.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`filter`](super::Selecting::filter).
#[derive(Clone, Copy, Debug)]
pub struct Where<P>(pub(super) P);

impl<T, P: FnMut(&T) -> bool> Filter<T> for Where<P> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if (self.0)(&event) { out.next(event) } else { Ok(Demand::More) }
    }
    fn describe(&self, visitor: &mut dyn crate::Visitor) {
        visitor.filter_type("Filter");
    }
}
