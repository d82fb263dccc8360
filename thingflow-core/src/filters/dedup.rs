//! `dedup()`: leave out events that equal the one before.
//!
//! Holds one event.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`dedup`](super::Filters::dedup).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([1, 1, 2, 2, 1]).dedup().collect_now(), [1, 2, 1]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dedup<T>(pub(super) Option<T>);

impl<T: Clone + PartialEq> Filter<T> for Dedup<T> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.0.as_ref() == Some(&event) {
            return Ok(Demand::More);
        }
        self.0 = Some(event.clone());
        out.next(event)
    }
}
