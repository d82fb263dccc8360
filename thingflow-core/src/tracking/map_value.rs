//! `map_value(f)`: sends the result of a function for the value of each tracked event.
//!
//! Holds nothing.

use super::tracked::Tracked;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`map_value`](super::Tracking::map_value).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::tracking::Tracking;
/// let doubled = from_iter(1..=3).track(|_| ()).map_value(|x| x * 2).acknowledge();
/// assert_eq!(doubled.collect_now(), [2, 4, 6]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MapValue<F>(pub(super) F);

impl<T, U, M, F: FnMut(T) -> U> Filter<Tracked<T, M>> for MapValue<F> {
    type Out = Tracked<U, M>;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: Tracked<T, M>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        out.next(event.map(&mut self.0))
    }
}
