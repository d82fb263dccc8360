//! `skip_last(n)`, `skip_last_of::<N>()`: leave out the last `n` events.
//!
//! Holds up to `n` events.

use crate::storage::{Room, Store};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`skip_last`](super::Selecting::skip_last) and [`skip_last_of`](super::Selecting::skip_last_of).
#[derive(Clone, Debug)]
pub struct SkipLast<T, R: Room> {
    n: usize,
    held: R::Store<T>,
}

impl<T, R: Room> SkipLast<T, R> {
    pub(super) fn new(n: usize) -> Self {
        Self { n, held: Default::default() }
    }
}

impl<T, R: Room> Filter<T> for SkipLast<T, R> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.n == 0 {
            return out.next(event);
        }
        let oldest = if self.held.len() == self.n { self.held.pop_front() } else { None };
        let _ = self.held.push_back(event); // there is room for `n`
        oldest.map_or(Ok(Demand::More), |oldest| out.next(oldest))
    }
}
