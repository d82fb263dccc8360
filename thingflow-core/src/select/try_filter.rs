//! `try_filter(p)`: as `filter`, with a predicate that may fail.
//!
//! Holds nothing.

use crate::error::{Cause, StreamError};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`try_filter`](super::Selecting::try_filter).
#[derive(Clone, Copy, Debug)]
pub struct TryFilter<P>(pub(super) P);

impl<T, E: Into<Cause>, P: FnMut(&T) -> Result<bool, E>> Filter<T> for TryFilter<P> {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        match (self.0)(&event) {
            Ok(true) => out.next(event),
            Ok(false) => Ok(Demand::More),
            Err(error) => out.fail(StreamError::from_cause(error)),
        }
    }
}
