//! `pairwise()`: send each event together with the one before.
//!
//! Holds one event.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`pairwise`](super::Filters::pairwise). The first event has none before it and gives no pair.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([1, 4, 9]).pairwise().map(|(a, b)| b - a).collect_now(), [3, 5]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Pairwise<T>(pub(super) Option<T>);

impl<T: Clone> Filter<T> for Pairwise<T> {
    type Out = (T, T);
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<(T, T)>>) -> Receipt {
        match self.0.replace(event.clone()) {
            Some(before) => out.next((before, event)),
            None => Ok(Demand::More),
        }
    }
}
