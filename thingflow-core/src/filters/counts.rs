//! `counts(max)`, `final_counts(max)`: send how often each different event has come.
//!
//! Holds one event and a number for each different one, up to `max`.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;

use super::distinct::too_many;
use crate::size::Size;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`counts`](super::Filters::counts).
///
/// The map is shared and not copied, unless someone keeps it until the next event. One different event more than `max`
/// ends the stream by an error.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use std::collections::BTreeMap;
/// let seen = from_iter("aba".chars()).counts(26).map(|counts| (*counts).clone()).collect_now();
/// assert_eq!(seen[1], BTreeMap::from([('a', 1), ('b', 1)]));
/// assert_eq!(seen[2], BTreeMap::from([('a', 2), ('b', 1)]));
/// ```
#[derive(Clone, Debug)]
pub struct Counts<T> {
    counts: Rc<BTreeMap<T, u64>>,
    max: usize,
}

impl<T> Counts<T> {
    pub(super) fn new(max: Size) -> Self {
        Self { counts: Rc::default(), max: max.get() }
    }
}

impl<T: Ord + Clone> Filter<T> for Counts<T> {
    type Out = Rc<BTreeMap<T, u64>>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        if !add(Rc::make_mut(&mut self.counts), event, self.max) {
            return out.fail(too_many("counts", self.max));
        }
        out.next(self.counts.clone())
    }
}

/// Made by [`final_counts`](super::Filters::final_counts). After an error there is no final result: only the error goes
/// on. One different event more than `max` is an error.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use std::collections::BTreeMap;
/// let words = "the cat and the dog".split(' ');
/// assert_eq!(from_iter(words).final_counts(100).collect_now()[0]["the"], 2);
/// ```
#[derive(Clone, Debug)]
pub struct FinalCounts<T> {
    counts: BTreeMap<T, u64>,
    max: usize,
}

impl<T> FinalCounts<T> {
    pub(super) fn new(max: Size) -> Self {
        Self { counts: BTreeMap::new(), max: max.get() }
    }
}

impl<T: Ord> Filter<T> for FinalCounts<T> {
    type Out = BTreeMap<T, u64>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        if add(&mut self.counts, event, self.max) {
            return Ok(Demand::More);
        }
        out.fail(too_many("final_counts", self.max))
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.flush([core::mem::take(&mut self.counts)])
    }
}

/// Counts an event, if it is known or there is room.
fn add<T: Ord>(counts: &mut BTreeMap<T, u64>, event: T, max: usize) -> bool {
    if let Some(count) = counts.get_mut(&event) {
        *count += 1;
        return true;
    }
    let room = counts.len() < max;
    if room {
        counts.insert(event, 1);
    }
    room
}
