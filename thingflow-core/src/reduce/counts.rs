//! `counts(max)`, `final_counts(max)`: send how often each different event has come.
//!
//! Holds one event and a number for each different one, up to `max`.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;

use crate::select::distinct::too_many;
use crate::size::Size;
use crate::state::{Saved, SavedEvents, SavedItems, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`counts`](super::Reducing::counts).
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
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        if !add(Rc::make_mut(&mut self.counts), event, self.max) {
            return out.fail(too_many("counts", self.max));
        }
        out.next(self.counts.clone())
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.counts.is_empty() {
            state.unsaved("counts");
        }
    }
}

impl<T: Saved + Ord + Clone> SavedEvents for Counts<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        on_counts(Rc::make_mut(&mut self.counts), self.max, state);
    }
}

/// Made by [`final_counts`](super::Reducing::final_counts).
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
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.counts.is_empty() {
            state.unsaved("final_counts");
        }
    }
}

impl<T: Saved + Ord> SavedEvents for FinalCounts<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        on_counts(&mut self.counts, self.max, state);
    }
}

fn on_counts<T: Saved + Ord>(counts: &mut BTreeMap<T, u64>, max: usize, state: &mut dyn StateVisitor) {
    let mut held = core::mem::take(counts).into_iter();
    let mut items = SavedItems::of("counts", held.len(), state);
    while items.another(state) {
        let mut counted = held.next().unwrap_or_else(<(T, u64)>::blank);
        counted.on_state("count", state);
        if counts.len() < max {
            counts.insert(counted.0, counted.1);
        }
    }
}

/// Counts an event, if it is known or there is room.
fn add<T: Ord>(counts: &mut BTreeMap<T, u64>, event: T, max: usize) -> bool {
    if let Some(count) = counts.get_mut(&event) {
        *count = count.saturating_add(1);
        return true;
    }
    let room = counts.len() < max;
    if room {
        counts.insert(event, 1);
    }
    room
}
