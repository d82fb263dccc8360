//! `chunks_within_by(n, d, key)`: send the events of each key in lists of `n`, or of fewer when a time has passed.
//!
//! Holds up to `n` events a key.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::clock::Instant;
use crate::error::StreamError;
use crate::size::Size;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`chunks_within_by`](super::Timing::chunks_within_by), or by [`new`](Self::new) if the option is wanted.
///
/// As [`ChunksWithin`](super::ChunksWithin), for each key on its own: the time of a list begins with its first event,
/// and a key is forgotten when its list has gone out. What is held at the end goes out in the order in which the lists
/// were begun, also before an error. There is never an empty list.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use core::time::Duration;
/// # use thingflow_core::testing::Recorder;
/// let seen = Recorder::new();
/// let mut chain = pipe().chunks_within_by(2, Duration::from_nanos(10), |x: &u64| x % 2).to(seen.clone());
/// for time in [1, 2, 3, 15] {
///     chain.next(time, &mut Context::detached(Instant::from_nanos(time)))?;
/// }
/// assert_eq!(seen.events(), [vec![1, 3], vec![2]]);
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone)]
pub struct ChunksWithinBy<T, K, F> {
    n: usize,
    limit: Duration,
    key: F,
    groups: BTreeMap<K, Group<T>>,
    /// The groups in the order in which they were begun, which is that of their ends.
    ends: BTreeMap<u64, (Instant, K)>,
    begun: u64,
    drop_on_error: bool,
}

#[derive(Clone)]
struct Group<T> {
    number: u64,
    events: Vec<T>,
}

impl<T, K: Ord + Clone, F: FnMut(&T) -> K> ChunksWithinBy<T, K, F> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    #[track_caller]
    pub fn new(n: impl Into<Size>, limit: Duration, key: F) -> Self {
        let (groups, ends) = (BTreeMap::new(), BTreeMap::new());
        Self { n: n.into().get(), limit, key, groups, ends, begun: 0, drop_on_error: false }
    }

    /// Drops what is held when the stream ends by an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn next_end(&self) -> Option<Instant> {
        self.ends.first_key_value().map(|(_, (end, _))| *end)
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let mut demand = Demand::More;
        while demand != Demand::Done && self.next_end().is_some_and(|end| end <= out.now()) {
            if let Some(events) = self.first_group() {
                demand = demand.and(out.next(events)?);
            }
        }
        if let Some(end) = self.next_end() {
            out.wake_at(end);
        }
        Ok(demand)
    }

    /// Takes out the group that was begun first.
    fn first_group(&mut self) -> Option<Vec<T>> {
        let (_, (_, key)) = self.ends.pop_first()?;
        Some(self.groups.remove(&key)?.events)
    }

    /// Puts an event into its group. Gives the group if it is full.
    fn put(&mut self, event: T, now: Instant) -> Option<Vec<T>> {
        let key = (self.key)(&event);
        let Some(group) = self.groups.get_mut(&key) else {
            if self.n == 1 {
                return Some(alloc::vec![event]);
            }
            self.begun += 1;
            self.ends.insert(self.begun, (now + self.limit, key.clone()));
            self.groups.insert(key, Group { number: self.begun, events: alloc::vec![event] });
            return None;
        };
        group.events.push(event);
        if group.events.len() < self.n {
            return None;
        }
        let full = self.groups.remove(&key)?;
        self.ends.remove(&full.number);
        Some(full.events)
    }

    fn rest(&mut self) -> impl Iterator<Item = Vec<T>> {
        core::iter::from_fn(|| self.first_group())
    }
}

impl<T, K: Ord + Clone, F: FnMut(&T) -> K> Filter<T> for ChunksWithinBy<T, K, F> {
    type Out = Vec<T>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let demand = self.send_due(out)?; // the time may have passed, and only the wake-up not here yet
        if demand == Demand::Done {
            return Ok(demand);
        }
        let full = self.put(event, out.now());
        if let Some(end) = self.next_end() {
            out.wake_at(end);
        }
        full.map_or(Ok(demand), |events| Ok(demand.and(out.next(events)?)))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        self.send_due(out)
    }
    fn is_holding(&self) -> bool {
        !self.groups.is_empty()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Closed {
        out.flush(self.rest())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Closed {
        let dropped = self.drop_on_error;
        out.flush_error(self.rest().filter(|_| !dropped), error)
    }
}

impl<T, K, F> fmt::Debug for ChunksWithinBy<T, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ChunksWithinBy");
        shown.field("n", &self.n).field("limit", &self.limit).field("keys", &self.groups.len()).finish_non_exhaustive()
    }
}
