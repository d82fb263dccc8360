//! `chunks(n)`: send the events in lists of `n`.
//!
//! Holds up to `n` events.

use alloc::vec::Vec;

use crate::error::StreamError;
use crate::size::Size;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`chunks`](super::Windows::chunks), or by [`new`](Self::new) if the option is wanted.
///
/// What is left over at the end goes out as a shorter list, also before an error. There is never an empty list.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::Chunks;
/// assert_eq!(from_iter(1..=5).chunks(2).collect_now(), [vec![1, 2], vec![3, 4], vec![5]]);
///
/// let broken = || try_from_iter([Ok(1), Ok(2), Ok(3), Err("no more")]);
/// assert_eq!(broken().chunks(2).try_collect_now().0, [vec![1, 2], vec![3]]);
/// assert_eq!(broken().pipe(Chunks::new(2).drop_on_error()).try_collect_now().0, [vec![1, 2]]);
/// ```
#[derive(Clone, Debug)]
pub struct Chunks<T> {
    n: usize,
    held: Vec<T>,
    drop_on_error: bool,
}

impl<T> Chunks<T> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    #[track_caller]
    pub fn new(n: impl Into<Size>) -> Self {
        Self { n: n.into().get(), held: Vec::new(), drop_on_error: false }
    }

    /// Drops what is left over when the stream ends by an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn rest(&mut self) -> Option<Vec<T>> {
        Some(core::mem::take(&mut self.held)).filter(|rest| !rest.is_empty())
    }
}

impl<T> Filter<T> for Chunks<T> {
    type Out = Vec<T>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        self.held.push(event);
        if self.held.len() < self.n {
            return Ok(Demand::More);
        }
        let next = Vec::with_capacity(self.held.len()); // the next list will be as long
        out.next(core::mem::replace(&mut self.held, next))
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Closed {
        out.flush(self.rest())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Closed {
        let rest = self.rest().filter(|_| !self.drop_on_error);
        out.flush_error(rest, error)
    }
}
