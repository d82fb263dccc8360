//! `filter_value(p)`: passes the tracked events for whose value a predicate holds; the others are done.
//!
//! Holds nothing.

use super::tracked::Tracked;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`filter_value`](super::Tracking::filter_value).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::tracking::{Tracker, Tracking};
/// let tracker = Tracker::new(|_, _| Ok(()));
/// let even = from_iter(1..=4).track_by(&tracker, |_| ()).filter_value(|x| x % 2 == 0).acknowledge();
/// assert_eq!(even.collect_now(), [2, 4]);
/// assert_eq!(tracker.committed(), 4);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FilterValue<F>(pub(super) F);

impl<T, M, F: FnMut(&T) -> bool> Filter<Tracked<T, M>> for FilterValue<F> {
    type Out = Tracked<T, M>;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: Tracked<T, M>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        if (self.0)(&event.value) { out.next(event) } else { Ok(Demand::More) }
    }
}
