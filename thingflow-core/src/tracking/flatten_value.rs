//! `flatten_value()`: sends each element of the value of each tracked event.
//!
//! Holds nothing.

use super::tracked::Tracked;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`flatten_value`](super::Tracking::flatten_value).
///
/// Each part is a holder of the whole and carries its metadata. The whole is done when all parts are, at once if it has none,
/// and has failed as soon as one of them has. If what follows wants no more before the last part has been sent, the whole is
/// abandoned, as the rest of it was not dealt with.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::tracking::{Tracker, Tracking};
/// let tracker = Tracker::new(|_, _| Ok(()));
/// let messages = from_iter(["1 2", "", "3 x"]).track_by(&tracker, |_| ());
/// let words = messages.map_value(str::split_whitespace).flatten_value();
/// assert_eq!(words.try_map_value(str::parse::<u8>).acknowledge().collect_now(), [1, 2, 3]);
/// assert_eq!(tracker.committed(), 2); // the third message has failed, with one of its parts
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FlattenValue;

impl<T, I: IntoIterator<Item = T>, M> Filter<Tracked<I, M>> for FlattenValue {
    type Out = Tracked<T, M>;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: Tracked<I, M>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (parts, whole) = event.split();
        let (mut demand, mut parts) = (Demand::More, parts.into_iter().peekable());
        while let Some(part) = parts.next() {
            match out.next(whole.clone().with(part)) {
                Ok(next) => demand = demand.and(next),
                Err(fatal) => {
                    whole.abandon();
                    return Err(fatal);
                }
            }
            if demand == Demand::Done {
                if parts.peek().is_some() {
                    whole.abandon();
                    return Ok(demand);
                }
                break;
            }
        }
        whole.done();
        Ok(demand)
    }
}
