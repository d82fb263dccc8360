//! `take_while(p)`, `take_while_inclusive(p)`: pass events as long as a predicate holds, then complete and ask for no more.
//!
//! Holds nothing.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`take_while`](super::Filters::take_while) and [`take_while_inclusive`](super::Filters::take_while_inclusive).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// assert_eq!(from_iter([1, 2, 9, 3]).take_while(|x| *x < 5).collect_now(), [1, 2]);
/// assert_eq!(from_iter([1, 2, 9, 3]).take_while_inclusive(|x| *x < 5).collect_now(), [1, 2, 9]);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TakeWhile<P> {
    pub(super) takes: P,
    pub(super) is_inclusive: bool,
}

impl<T, P: FnMut(&T) -> bool> Filter<T> for TakeWhile<P> {
    type Out = T;
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
