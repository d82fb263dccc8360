//! `skip_while(p)`: leave out the events at the beginning for which a predicate holds.
//!
//! Holds nothing.

use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`skip_while`](super::Selecting::skip_while).
#[derive(Clone, Copy, Debug)]
pub struct SkipWhile<P> {
    pub(super) skips: P,
    pub(super) passing: bool,
}

impl<T, P: FnMut(&T) -> bool> Filter<T> for SkipWhile<P> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if !self.passing && (self.skips)(&event) {
            return Ok(Demand::More);
        }
        self.passing = true; // from now on the predicate is not asked again
        out.next(event)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.passing.on_state("passing", state);
    }
}
