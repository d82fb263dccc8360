//! `dedup()`, `dedup_by_key(f)`, `dedup_by(same)`: leave out events that equal the one before.
//!
//! Holds one event.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`dedup`](super::Filters::dedup), [`dedup_by_key`](super::Filters::dedup_by_key) and
/// [`dedup_by`](super::Filters::dedup_by).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// assert_eq!(from_iter([1, 1, 2, 2, 1]).dedup().collect_now(), [1, 2, 1]);
/// let states = [("door", 1), ("door", 2), ("window", 3)];
/// assert_eq!(from_iter(states).dedup_by_key(|e| e.0).collect_now(), [("door", 1), ("window", 3)]);
/// assert_eq!(from_iter([1.0, 1.2, 2.5, 2.4]).dedup_by(|a, b| (a - b).abs() < 0.5).collect_now(), [1.0, 2.5]);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dedup<T, S> {
    last: Option<T>,
    same: S,
}

impl<T, S> Dedup<T, S> {
    pub(super) fn new(same: S) -> Self {
        Self { last: None, same }
    }
}

/// Tells whether an event is to be taken for the same as the one that was sent last.
pub trait Same<T> {
    /// Whether it is.
    fn is_same(&mut self, event: &T, last: &T) -> bool;
}

/// Events are the same that are equal.
#[derive(Clone, Copy, Debug)]
pub struct Equal;
impl<T: PartialEq> Same<T> for Equal {
    #[inline]
    fn is_same(&mut self, event: &T, last: &T) -> bool {
        event == last
    }
}

/// Events are the same whose keys are equal.
#[derive(Clone, Copy, Debug)]
pub struct EqualKeys<F>(pub(super) F);
impl<T, K: PartialEq, F: FnMut(&T) -> K> Same<T> for EqualKeys<F> {
    #[inline]
    fn is_same(&mut self, event: &T, last: &T) -> bool {
        (self.0)(event) == (self.0)(last)
    }
}

/// Events are the same of which a function says so.
#[derive(Clone, Copy, Debug)]
pub struct SameBy<F>(pub(super) F);
impl<T, F: FnMut(&T, &T) -> bool> Same<T> for SameBy<F> {
    #[inline]
    fn is_same(&mut self, event: &T, last: &T) -> bool {
        (self.0)(event, last)
    }
}

impl<T: Clone, S: Same<T>> Filter<T> for Dedup<T, S> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.last.as_ref().is_some_and(|last| self.same.is_same(&event, last)) {
            return Ok(Demand::More);
        }
        self.last = Some(event.clone());
        out.next(event)
    }
}
