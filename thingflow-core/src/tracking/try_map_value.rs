//! `try_map_value(f)`: as `map_value`, with a function that may fail: then the event has failed, and the stream goes on.
//!
//! Holds nothing.

use super::tracked::Tracked;
use crate::error::Cause;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`try_map_value`](super::Tracking::try_map_value).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::tracking::{Outcome, Tracking};
/// # use std::{cell::Cell, rc::Rc};
/// let failed = Rc::new(Cell::new(0));
/// let count = failed.clone();
/// let read = from_iter(["1", "x", "3"])
///     .track(move |event| count.set(count.get() + i32::from(event.outcome != Outcome::Done)))
///     .try_map_value(str::parse::<i32>)
///     .acknowledge();
/// assert_eq!(read.collect_now(), [1, 3]);
/// assert_eq!(failed.get(), 1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TryMapValue<F>(pub(super) F);

impl<T, U, M, E: Into<Cause>, F: FnMut(T) -> Result<U, E>> Filter<Tracked<T, M>> for TryMapValue<F> {
    type Out = Tracked<U, M>;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: Tracked<T, M>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        match event.try_map(&mut self.0) {
            Ok(event) => out.next(event),
            Err(_) => Ok(Demand::More), // its source has been told
        }
    }
}
