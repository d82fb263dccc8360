//! `end_with(events)`: send some events of one's own last.
//!
//! Holds the events given to it.

use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// Made by [`end_with`](super::Ends::end_with).
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
