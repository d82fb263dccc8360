//! `chunks_distinct(n, key)`: send the events in lists of `n` that have different keys.
//!
//! Holds up to `n` events.

use alloc::vec::Vec;

use crate::error::StreamError;
use crate::size::Size;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`chunks_distinct`](super::Windows::chunks_distinct), or by [`new`](Self::new) if an option is wanted.
///
/// An event whose key is in the list already is left out, or takes the place of the earlier one and moves to the end, by
/// [`keep_last`](Self::keep_last). What is left over at the end goes out as a shorter list, also before an error. Each
/// event is compared with those in the list: for up to some hundred.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::ChunksDistinct;
/// let readings = || from_iter([("door", 1), ("door", 2), ("window", 3), ("door", 4)]);
/// let first = readings().chunks_distinct(2, |(sensor, _)| *sensor).collect_now();
/// assert_eq!(first, [vec![("door", 1), ("window", 3)], vec![("door", 4)]]);
/// let last = readings().pipe(ChunksDistinct::new(2, |(sensor, _)| *sensor).keep_last()).collect_now();
/// assert_eq!(last, [vec![("door", 2), ("window", 3)], vec![("door", 4)]]);
/// ```
#[derive(Clone, Debug)]
pub struct ChunksDistinct<T, K, F> {
    n: usize,
    key: F,
    keys: Vec<K>,
    held: Vec<T>,
    keep_last: bool,
    drop_on_error: bool,
}

impl<T, K: PartialEq, F: FnMut(&T) -> K> ChunksDistinct<T, K, F> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    #[track_caller]
    pub fn new(n: impl Into<Size>, key: F) -> Self {
        let n = n.into().get();
        Self { n, key, keys: Vec::new(), held: Vec::new(), keep_last: false, drop_on_error: false }
    }

    /// Keeps the last event of a key, not the first.
    #[must_use]
    pub fn keep_last(self) -> Self {
        Self { keep_last: true, ..self }
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

impl<T, K: PartialEq, F: FnMut(&T) -> K> Filter<T> for ChunksDistinct<T, K, F> {
    type Out = Vec<T>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let key = (self.key)(&event);
        if let Some(at) = self.keys.iter().position(|held| *held == key) {
            if !self.keep_last {
                return Ok(Demand::More);
            }
            self.keys.remove(at);
            self.held.remove(at);
        }
        self.keys.push(key);
        self.held.push(event);
        if self.held.len() < self.n {
            return Ok(Demand::More);
        }
        self.keys.clear();
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
