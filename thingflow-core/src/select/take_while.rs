//! `take_while(p)`, `take_while_inclusive(p)`: pass events as long as a predicate holds, then complete and ask for no more.
//!
//! Holds nothing.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`take_while`](super::Selecting::take_while) and
/// [`take_while_inclusive`](super::Selecting::take_while_inclusive).
#[derive(Clone, Copy, Debug)]
pub struct TakeWhile<P> {
    pub(super) takes: P,
    pub(super) is_inclusive: bool,
}

impl<T, P: FnMut(&T) -> bool> Filter<T> for TakeWhile<P> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if (self.takes)(&event) {
            return out.next(event);
        }
        if self.is_inclusive && out.next(event)? == Demand::Done {
            return Ok(Demand::Done);
        }
        out.finish()
    }
}
