//! `sequence_equal(it)`: send whether the events are those of an iterator, as soon as that is known.
//!
//! Holds the iterator.

use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`sequence_equal`](super::Filters::sequence_equal). An error goes on: nothing is known then.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// assert_eq!(from_iter([1, 2, 3]).sequence_equal(1..=3).collect_now(), [true]); // at completion
/// assert_eq!(from_iter([1, 2]).sequence_equal(1..=3).collect_now(), [false]); // one is missing
/// assert_eq!(from_iter(1..).sequence_equal(1..=3).collect_now(), [false]); // at the fourth; it asks for no more
/// # }
/// ```
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
}
