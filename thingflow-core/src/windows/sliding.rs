//! `sliding(n)`: send the last `n` events as a list, for each event.
//!
//! Holds up to `n` events.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::size::Size;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`sliding`](super::Windows::sliding), or by [`new`](Self::new) if the option is wanted.
///
/// Only full windows are sent, the first one with the `n`th event.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Sliding;
/// assert_eq!(from_iter(1..=4).sliding(3).collect_now(), [[1, 2, 3], [2, 3, 4]]);
/// assert_eq!(from_iter(1..=3).pipe(Sliding::new(2).partial()).collect_now(), [vec![1], vec![1, 2], vec![2, 3]]);
/// ```
#[derive(Clone, Debug)]
pub struct Sliding<T> {
    n: usize,
    held: VecDeque<T>,
    partial: bool,
}

impl<T> Sliding<T> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    #[track_caller]
    pub fn new(n: impl Into<Size>) -> Self {
        Self { n: n.into().get(), held: VecDeque::new(), partial: false }
    }

    /// Sends the shorter windows at the beginning, too.
    #[must_use]
    pub fn partial(self) -> Self {
        Self { partial: true, ..self }
    }
}

impl<T: Clone> Filter<T> for Sliding<T> {
    type Out = Vec<T>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        if self.held.len() == self.n {
            self.held.pop_front();
        }
        self.held.push_back(event);
        if self.held.len() < self.n && !self.partial {
            return Ok(Demand::More);
        }
        out.next(self.held.iter().cloned().collect())
    }
}
