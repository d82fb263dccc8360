//! `skip_last(n)`, `skip_last_of::<N>()`: leave out the last `n` events.
//!
//! Holds up to `n` events.

use crate::clock::Timestamp;
use crate::kit::Marks;
use crate::state::{Saved, SavedEvents, StateVisitor, on_store};
use crate::storage::{Room, Store};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`skip_last`](super::Selecting::skip_last) and [`skip_last_of`](super::Selecting::skip_last_of).
#[derive(Clone, Debug)]
pub struct SkipLast<T, R: Room> {
    n: usize,
    held: R::Store<T>,
    marks: Marks,
}

impl<T, R: Room> SkipLast<T, R> {
    pub(super) fn new(n: usize) -> Self {
        Self { n, held: Default::default(), marks: Marks::default() }
    }
}

impl<T, R: Room> Filter<T> for SkipLast<T, R> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.n == 0 {
            return out.next(event);
        }
        let is_full = self.held.len() == self.n;
        let oldest = if is_full { self.held.pop_front() } else { None };
        let _ = self.held.push_back(event); // there is room for `n`
        let demand = oldest.map_or(Ok(Demand::More), |oldest| out.next(oldest))?;
        if self.marks.is_empty() {
            return Ok(demand);
        }
        self.marks.left(usize::from(is_full));
        self.marks.follow(demand, out)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.marks.come(watermark, self.held.len(), out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.held.is_empty() {
            state.unsaved("skip_last");
        }
    }
}

impl<T: Saved, R: Room> SavedEvents for SkipLast<T, R> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        on_store("events", &mut self.held, self.n, state);
    }
}
