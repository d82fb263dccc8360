//! `chunks_by(n, keys, key)`: send the events in lists of `n` that have the same key.
//!
//! Holds up to `n` events a key, of up to `keys` keys.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::error::StreamError;
use crate::size::Size;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`chunks_by`](super::Windows::chunks_by), or by [`new`](Self::new) if the option is wanted.
///
/// Each list is of one key. When events of more than `keys` keys wait, the list that began first goes out as it is. What
/// is left over at the end goes out as shorter lists, in the order in which they began, also before an error.
///
/// ```
/// # use thingflow_core::prelude::*;
/// let words = from_iter(["ant", "bee", "asp", "bug", "ape", "cat"]).chunks_by(2, 100, |word| word.chars().next());
/// assert_eq!(words.collect_now(), [vec!["ant", "asp"], vec!["bee", "bug"], vec!["ape"], vec!["cat"]]);
/// let few = from_iter([1, 2, 3, 1]).chunks_by(2, 2, |x| *x);
/// assert_eq!(few.collect_now(), [vec![1], vec![2], vec![3], vec![1]]);
/// ```
#[derive(Clone, Debug)]
pub struct ChunksBy<T, K, F> {
    n: usize,
    keys: usize,
    key: F,
    groups: BTreeMap<K, (u64, Vec<T>)>,
    /// The keys of the groups, by when they began.
    order: BTreeMap<u64, K>,
    begun: u64,
    drop_on_error: bool,
}

impl<T, K: Ord + Clone, F: FnMut(&T) -> K> ChunksBy<T, K, F> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    #[track_caller]
    pub fn new(n: impl Into<Size>, keys: impl Into<Size>, key: F) -> Self {
        let (n, keys) = (n.into().get(), keys.into().get());
        Self { n, keys, key, groups: BTreeMap::new(), order: BTreeMap::new(), begun: 0, drop_on_error: false }
    }

    /// Drops what is left over when the stream ends by an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    /// The group that began first.
    fn pop(&mut self) -> Option<Vec<T>> {
        let (_, key) = self.order.pop_first()?;
        self.groups.remove(&key).map(|(_, group)| group)
    }

    fn rest(&mut self) -> impl Iterator<Item = Vec<T>> {
        core::iter::from_fn(|| self.pop())
    }
}

impl<T, K: Ord + Clone, F: FnMut(&T) -> K> Filter<T> for ChunksBy<T, K, F> {
    type Out = Vec<T>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let key = (self.key)(&event);
        if let Some((_, group)) = self.groups.get_mut(&key) {
            group.push(event);
            if group.len() < self.n {
                return Ok(Demand::More);
            }
            let Some((begun, group)) = self.groups.remove(&key) else { return Ok(Demand::More) };
            self.order.remove(&begun);
            return out.next(group);
        }
        if self.n == 1 {
            return out.next(alloc::vec![event]);
        }
        let evicted = if self.groups.len() == self.keys { self.pop() } else { None };
        self.order.insert(self.begun, key.clone());
        self.groups.insert(key, (self.begun, alloc::vec![event]));
        self.begun += 1;
        evicted.map_or(Ok(Demand::More), |group| out.next(group))
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Closed {
        out.flush(self.rest())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Closed {
        if self.drop_on_error {
            return out.error(error);
        }
        out.flush_error(self.rest(), error)
    }
}
