//! `try_map(f)`: as `map`, with a function that may fail.
//!
//! Holds nothing.

use crate::error::{Cause, StreamError};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`try_map`](super::Elementwise::try_map).
#[derive(Clone, Copy, Debug)]
pub struct TryMap<F>(pub(super) F);

impl<In, Out, E: Into<Cause>, F: FnMut(In) -> Result<Out, E>> Filter<In> for TryMap<F> {
    type Out = Out;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Out>>) -> Receipt {
        match (self.0)(event) {
            Ok(event) => out.next(event),
            Err(error) => out.fail(StreamError::from_cause(error)),
        }
    }
}
