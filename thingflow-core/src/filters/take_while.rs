//! `take_while(p)`: pass events as long as a predicate holds, then complete and ask for no more.
//!
//! Holds nothing.

use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`take_while`](super::Filters::take_while).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([1, 2, 9, 3]).take_while(|x| *x < 5).collect_now(), [1, 2]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TakeWhile<P>(pub(super) P);

impl<T, P: FnMut(&T) -> bool> Filter<T> for TakeWhile<P> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if (self.0)(&event) { out.next(event) } else { out.finish() }
    }
}
