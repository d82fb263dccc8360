//! `finalize(f)`: call a function once when the stream is over, however it ends.
//!
//! Holds the function.

use core::fmt;

use crate::error::StreamError;
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// Made by [`finalize`](super::Ends::finalize).
pub struct Finalize<F: FnOnce()>(pub(super) Option<F>);

impl<F: FnOnce()> Finalize<F> {
    fn call(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

impl<T, F: FnOnce()> Filter<T> for Finalize<F> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        let closed = out.completed();
        self.call();
        closed
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        let closed = out.error(error);
        self.call();
        closed
    }
}

impl<F: FnOnce()> Drop for Finalize<F> {
    fn drop(&mut self) {
        self.call();
    }
}

impl<F: FnOnce()> fmt::Debug for Finalize<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finalize").field("is_called", &self.0.is_none()).finish()
    }
}
