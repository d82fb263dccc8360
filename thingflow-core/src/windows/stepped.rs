//! `windows(size, step)`: send the last `size` events as a list, every `step` events.
//!
//! Holds up to `size` events.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::error::StreamError;
use crate::size::Size;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`windows`](super::Windows::windows), or by [`new`](Self::new) if an option is wanted.
///
/// With a `step` below `size` windows overlap: only full ones are sent. With a `step` above `size` the events between are
/// left out. Where windows do not overlap, the events of one that the end cuts short go out as a shorter list, also
/// before an error.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Stepped;
/// assert_eq!(from_iter(1..=6).windows(3, 2).collect_now(), [[1, 2, 3], [3, 4, 5]]);
/// assert_eq!(from_iter(1..=7).windows(2, 3).collect_now(), [vec![1, 2], vec![4, 5], vec![7]]);
/// let begun = from_iter(1..=6).pipe(Stepped::new(3, 2).partial()).collect_now();
/// assert_eq!(begun, [vec![1, 2], vec![2, 3, 4], vec![4, 5, 6]]);
/// ```
#[derive(Clone, Debug)]
pub struct Stepped<T> {
    size: usize,
    step: usize,
    /// How many events to go to the next list.
    wait: usize,
    held: VecDeque<T>,
    drop_on_error: bool,
}

impl<T> Stepped<T> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    #[track_caller]
    pub fn new(size: impl Into<Size>, step: impl Into<Size>) -> Self {
        let (size, step) = (size.into().get(), step.into().get());
        Self { size, step, wait: size, held: VecDeque::new(), drop_on_error: false }
    }

    /// Has overlapping windows begin with shorter ones, every `step` events, while there are not enough events yet.
    #[doc(alias = "with_partial_start")]
    #[must_use]
    pub fn partial(self) -> Self {
        Self { wait: self.size.min(self.step), ..self }
    }

    /// Drops the events of a window that an error cuts short.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn rest(&mut self) -> Option<Vec<T>> {
        let rest = core::mem::take(&mut self.held);
        (self.step >= self.size && !rest.is_empty()).then(|| rest.into())
    }
}

impl<T: Clone> Filter<T> for Stepped<T> {
    type Out = Vec<T>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        self.wait -= 1;
        if self.wait >= self.size {
            return Ok(Demand::More); // in the gap
        }
        if self.held.len() == self.size {
            self.held.pop_front();
        }
        self.held.push_back(event);
        if self.wait > 0 {
            return Ok(Demand::More);
        }
        self.wait = self.step;
        if self.step < self.size {
            return out.next(self.held.iter().cloned().collect());
        }
        out.next(self.held.drain(..).collect())
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Closed {
        out.flush(self.rest())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Closed {
        let rest = self.rest().filter(|_| !self.drop_on_error);
        out.flush_error(rest, error)
    }
}
