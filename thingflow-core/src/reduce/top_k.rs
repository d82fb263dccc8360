//! `top_k(k)`, `top_k_by_key(k, f)`, `top_k_of::<K>()`: send the `k` largest events so far, whenever they change.
//!
//! Holds up to `k` events.

use core::cmp::Ordering;

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use super::min_max::{Natural, Rank};
use crate::state::{Saved, SavedEvents, SavedItems, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`top_k`](super::Reducing::top_k) and [`top_k_by_key`](super::Reducing::top_k_by_key).
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct TopK<T, R> {
    k: usize,
    held: Vec<T>,
    rank: R,
}

#[cfg(feature = "alloc")]
impl<T, R> TopK<T, R> {
    pub(super) fn new(k: crate::Size, rank: R) -> Self {
        Self { k: k.get(), held: Vec::new(), rank }
    }
}

#[cfg(feature = "alloc")]
impl<T: Clone, R: Rank<T>> Filter<T> for TopK<T, R> {
    type Out = Vec<T>;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let Some(at) = place(&self.held, &event, self.k, &mut self.rank) else { return Ok(Demand::More) };
        self.held.truncate(self.k - 1);
        self.held.insert(at, event);
        out.next(self.held.clone())
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.held.is_empty() {
            state.unsaved("top_k");
        }
    }
}

#[cfg(feature = "alloc")]
impl<T: Saved, R: Rank<T>> SavedEvents for TopK<T, R> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        show(core::mem::take(&mut self.held).into_iter(), state, |event| {
            if let Some(at) = place(&self.held, &event, self.k, &mut self.rank).filter(|_| self.held.len() < self.k) {
                self.held.insert(at, event);
            }
        });
    }
}

/// Made by [`top_k_of`](super::Reducing::top_k_of).
#[derive(Clone, Debug)]
pub struct TopKOf<T, const K: usize> {
    pub(super) held: heapless::Vec<T, K>,
}

impl<T: Clone + PartialOrd, const K: usize> Filter<T> for TopKOf<T, K> {
    type Out = heapless::Vec<T, K>;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<heapless::Vec<T, K>>>) -> Receipt {
        let Some(at) = place(&self.held, &event, K, &mut Natural) else { return Ok(Demand::More) };
        self.held.truncate(K - 1);
        let _ = self.held.insert(at, event); // there is room: the list has been cut
        out.next(self.held.clone())
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.held.is_empty() {
            state.unsaved("top_k");
        }
    }
}

impl<T: Saved + PartialOrd, const K: usize> SavedEvents for TopKOf<T, K> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        show(core::mem::take(&mut self.held).into_iter(), state, |event| {
            if let Some(at) = place(&self.held, &event, K, &mut Natural).filter(|_| !self.held.is_full()) {
                let _ = self.held.insert(at, event); // there is room
            }
        });
    }
}

/// Shows the events that were held to a walk, and hands on those that stay, or are restored.
fn show<T: Saved>(mut held: impl ExactSizeIterator<Item = T>, state: &mut dyn StateVisitor, mut keep: impl FnMut(T)) {
    let mut items = SavedItems::of("events", held.len(), state);
    while items.another(state) {
        let mut event = held.next().unwrap_or_else(T::blank);
        event.on_state("event", state);
        keep(event);
    }
}

/// Where an event stands among the `k` largest, if it does.
fn place<T>(held: &[T], event: &T, k: usize, rank: &mut impl Rank<T>) -> Option<usize> {
    rank.compare(event, event)?;
    let at = held.partition_point(|other| rank.compare(other, event) != Some(Ordering::Less));
    (at < k).then_some(at)
}
