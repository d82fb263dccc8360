//! `min()`, `max()`, `min_by_key(f)`, `max_by_key(f)`: send the smallest or the largest event, at completion.
//!
//! Holds one event.

use core::cmp::Ordering;

use crate::clock::Timestamp;
use crate::notice::Notice;
use crate::select::last::NO_ELEMENTS;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// How events are ranked. `None`: not at all, as a NaN.
pub trait Rank<T> {
    /// Whether `a` is smaller or larger than `b`.
    fn compare(&mut self, a: &T, b: &T) -> Option<Ordering>;
}

/// By themselves.
#[derive(Clone, Copy, Debug)]
pub struct Natural;

impl<T: PartialOrd> Rank<T> for Natural {
    #[inline]
    fn compare(&mut self, a: &T, b: &T) -> Option<Ordering> {
        a.partial_cmp(b)
    }
}

/// By what a function makes of them.
#[derive(Clone, Copy, Debug)]
pub struct ByKey<F>(pub(super) F);

impl<T, K: PartialOrd, F: FnMut(&T) -> K> Rank<T> for ByKey<F> {
    #[inline]
    fn compare(&mut self, a: &T, b: &T) -> Option<Ordering> {
        (self.0)(a).partial_cmp(&(self.0)(b))
    }
}

/// Made by [`min`](super::Reducing::min), [`max`](super::Reducing::max), [`min_by_key`](super::Reducing::min_by_key) and
/// [`max_by_key`](super::Reducing::max_by_key).
#[derive(Clone, Copy, Debug)]
pub struct Extreme<T, R> {
    best: Option<T>,
    rank: R,
    smallest: bool,
}

impl<T, R> Extreme<T, R> {
    pub(super) fn smallest(rank: R) -> Self {
        Self { best: None, rank, smallest: true }
    }

    pub(super) fn largest(rank: R) -> Self {
        Self { best: None, rank, smallest: false }
    }
}

impl<T, R: Rank<T>> Filter<T> for Extreme<T, R> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let best = self.best.as_ref().unwrap_or(&event);
        let better = match self.rank.compare(&event, best) {
            Some(Ordering::Less) => self.smallest,
            Some(Ordering::Greater) => !self.smallest,
            Some(Ordering::Equal) => !self.smallest || self.best.is_none(),
            None => false,
        };
        if better {
            self.best = Some(event);
        }
        Ok(Demand::More)
    }
    /// What is sent at completion may be of any time: until then there is nothing to say.
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.best.is_none() { out.notice(Notice::Watermark(watermark)) } else { Ok(Demand::More) }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        match self.best.take() {
            Some(best) => out.flush([best]),
            None => out.error(NO_ELEMENTS),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.best.is_some() {
            state.unsaved("min or max");
        }
    }
}

impl<T: Saved, R> SavedEvents for Extreme<T, R> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.best.on_state("best", state);
    }
}
