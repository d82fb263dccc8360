//! `filter(p)`: pass the events for which a predicate holds.
//!
//! Holds nothing.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`filter`](super::Filters::filter).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter(1..=6).filter(|x| x % 3 == 0).collect_now(), [3, 6]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Where<P>(pub(super) P);

impl<T, P: FnMut(&T) -> bool> Filter<T> for Where<P> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if (self.0)(&event) { out.next(event) } else { Ok(Demand::More) }
    }
    fn describe(&self, visitor: &mut dyn crate::Visitor) {
        visitor.filter("Filter");
    }
}
