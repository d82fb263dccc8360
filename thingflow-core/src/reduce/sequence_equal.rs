//! `sequence_equal(it)`: send whether the events are those of an iterator, as soon as that is known.
//!
//! Holds the iterator.

use crate::state::StateVisitor;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`sequence_equal`](super::Reducing::sequence_equal).
#[derive(Clone, Copy, Debug)]
pub struct SequenceEqual<I>(pub(super) I);

impl<T: PartialEq<I::Item>, I: Iterator> Filter<T> for SequenceEqual<I> {
    type Out = bool;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Receipt {
        if self.0.next().is_some_and(|expected| event == expected) {
            return Ok(Demand::More);
        }
        out.flush([false])?;
        Ok(Demand::Done)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Closed {
        let equal = self.0.next().is_none();
        out.flush([equal])
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        state.unsaved("sequence_equal");
    }
}
