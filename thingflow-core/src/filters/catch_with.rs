//! `catch_with(f)`: send some events instead of an error, and complete.
//!
//! Holds nothing.

use crate::error::StreamError;
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// Made by [`catch_with`](super::Filters::catch_with). To go on with another stream see
/// [`catch`](super::Filters::catch).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// let broken = || try_from_iter([Ok(20.5), Err("no answer"), Ok(21.0)]);
/// assert_eq!(broken().catch_with(|_| [-1.0]).collect_now(), [20.5, -1.0]);
/// assert_eq!(broken().catch_with(|_| None).collect_now(), [20.5]); // as if it had ended as it should
/// # }
/// ```
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
