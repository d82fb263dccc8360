//! `take_last(n)`: send the last `n` events, at completion.

use alloc::collections::VecDeque;

use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`take_last`](super::Filters::take_last). After an error there is no last event: only the error goes on.
///
/// ```
/// # use thingflow_core::prelude::*;
/// assert_eq!(from_iter(1..=5).take_last(2).collect_now(), [4, 5]); // the oldest first
/// assert_eq!(from_iter(1..=5).take_last(9).collect_now(), [1, 2, 3, 4, 5]);
/// ```
#[derive(Clone, Debug)]
pub struct TakeLast<T> {
    n: usize,
    held: VecDeque<T>,
}

impl<T> TakeLast<T> {
    pub(super) fn new(n: usize) -> Self {
        Self { n, held: VecDeque::new() }
    }
}

impl<T> Filter<T> for TakeLast<T> {
    type Out = T;
    fn on_next(&mut self, event: T, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.held.len() == self.n {
            self.held.pop_front();
        }
        if self.n > 0 {
            self.held.push_back(event);
        }
        Ok(Demand::More)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(self.held.drain(..))
    }
}
