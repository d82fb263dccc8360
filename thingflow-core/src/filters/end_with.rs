//! `end_with(events)`: send some events of one's own last.
//!
//! Holds the events given to it.

use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// Made by [`end_with`](super::Filters::end_with). They are sent when the stream completes; an error ends it without them.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([1, 2]).end_with([3, 4]).collect_now(), [1, 2, 3, 4]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EndWith<I>(pub(super) Option<I>);

impl<T, I: IntoIterator<Item = T>> Filter<T> for EndWith<I> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(self.0.take().into_iter().flatten())
    }
}
