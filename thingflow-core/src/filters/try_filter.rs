//! `try_filter(p)`: as `filter`, with a predicate that may fail.
//!
//! Holds nothing.

use core::fmt::Display;

use super::try_map::failure;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`try_filter`](super::Filters::try_filter).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// let positive = |x: &f64| if x.is_nan() { Err("not a number") } else { Ok(*x > 0.0) };
/// let (seen, error) = from_iter([-1.0, 2.0, f64::NAN, 3.0]).try_filter(positive).try_collect_now();
/// assert_eq!(seen, [2.0]);
/// assert_eq!(error, Some(StreamError::new("not a number")));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TryFilter<P>(pub(super) P);

impl<T, E: Display, P: FnMut(&T) -> Result<bool, E>> Filter<T> for TryFilter<P> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        match (self.0)(&event) {
            Ok(true) => out.next(event),
            Ok(false) => Ok(Demand::More),
            Err(error) => out.fail(failure(&error)),
        }
    }
}
