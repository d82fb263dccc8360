//! `flatten()`: send each element of each event.
//!
//! Holds nothing.

use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`flatten`](super::Filters::flatten). An event without elements gives nothing.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// assert_eq!(from_iter([vec![1, 2], vec![], vec![3]]).flatten().collect_now(), [1, 2, 3]);
/// assert_eq!(from_iter([Some(1), None, Some(2)]).flatten().collect_now(), [1, 2]);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

impl<I: IntoIterator> Filter<I> for Flatten {
    type Out = I::Item;
    #[inline]
    fn on_next(&mut self, event: I, out: &mut Emitter<'_, '_, impl InputThing<I::Item>>) -> Receipt {
        out.send_all(event)
    }
}
