//! `try_map(f)`: as `map`, with a function that may fail.
//!
//! Holds nothing.

use core::fmt::Display;

use crate::error::StreamError;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`try_map`](super::Elementwise::try_map).
#[derive(Clone, Copy, Debug)]
pub struct TryMap<F>(pub(super) F);

impl<In, Out, E: Display, F: FnMut(In) -> Result<Out, E>> Filter<In> for TryMap<F> {
    type Out = Out;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Out>>) -> Receipt {
        match (self.0)(event) {
            Ok(event) => out.next(event),
            Err(error) => out.fail(failure(&error)),
        }
    }
}

/// The error of a user's function as that of a stream. Without an allocator its text cannot be kept.
#[cfg(feature = "alloc")]
#[cold]
pub(crate) fn failure(error: &impl Display) -> StreamError {
    StreamError::message(alloc::format!("{error}"))
}

#[cfg(not(feature = "alloc"))]
#[cold]
pub(crate) fn failure(_: &impl Display) -> StreamError {
    StreamError::new("a function in the chain gave an error")
}
