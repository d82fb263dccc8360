//! `catch_with(f)`: send some events instead of an error, and complete.
//!
//! Holds nothing.

use crate::error::StreamError;
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// Made by [`catch_with`](super::Ends::catch_with).
#[derive(Clone, Copy, Debug)]
pub struct CatchWith<F>(pub(super) F);

impl<T, I, F> Filter<T> for CatchWith<F>
where
    I: IntoIterator<Item = T>,
    F: FnMut(StreamError) -> I,
{
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush((self.0)(error))
    }
}
