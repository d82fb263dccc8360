//! `chunks_timeout_distinct(d, key)`: send the events of each interval as a list with one event of each key.
//!
//! Holds one event a key.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::error::StreamError;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};
use crate::ticker::Ticker;

/// Made by [`chunks_timeout_distinct`](super::Timing::chunks_timeout_distinct), or by [`new`](Self::new) if an option
/// is wanted.
///
/// As [`ChunksTimeout`](super::ChunksTimeout), with the first event of each key and not the others. The events of a
/// list stand in the order in which they came.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use core::time::Duration;
/// # use thingflow_core::testing::Recorder;
/// use thingflow_core::timing::ChunksTimeoutDistinct;
/// # let second = Duration::from_secs(1);
/// let (first, last) = (Recorder::new(), Recorder::new());
/// let e = [1, 2, 1, 3, 1, 3, 3, 2];
/// pipe().chunks_timeout_distinct(second, |x| *x).to(first.clone()).feed(e)?;
/// pipe().pipe(ChunksTimeoutDistinct::new(second, |x| *x).keep_last()).to(last.clone()).feed(e)?;
/// assert_eq!((first.text(), last.text()), ("[1, 2, 3] |".into(), "[1, 3, 2] |".into()));
/// # Ok::<(), RunError>(())
/// ```
#[derive(Clone)]
pub struct ChunksTimeoutDistinct<T, K, F> {
    ticker: Ticker,
    key: F,
    /// Each with its number in the interval.
    held: BTreeMap<K, (usize, T)>,
    count: usize,
    keep_last: bool,
    send_empty: bool,
    drop_on_error: bool,
}

impl<T, K: Ord, F: FnMut(&T) -> K> ChunksTimeoutDistinct<T, K, F> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    ///
    /// # Panics
    /// If the interval is zero.
    #[track_caller]
    pub fn new(interval: Duration, key: F) -> Self {
        let (ticker, held) = (Ticker::new(interval), BTreeMap::new());
        Self { ticker, key, held, count: 0, keep_last: false, send_empty: false, drop_on_error: false }
    }

    /// Keeps the last event of each key and not the first.
    #[must_use]
    pub fn keep_last(self) -> Self {
        Self { keep_last: true, ..self }
    }

    /// Sends an empty list for an interval without events.
    #[must_use]
    pub fn send_empty(self) -> Self {
        Self { send_empty: true, ..self }
    }

    /// Drops what is held when the stream ends by an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn take(&mut self) -> Vec<T> {
        self.count = 0;
        let mut events: Vec<_> = core::mem::take(&mut self.held).into_values().collect();
        events.sort_unstable_by_key(|(number, _)| *number);
        events.into_iter().map(|(_, event)| event).collect()
    }

    fn rest(&mut self) -> Option<Vec<T>> {
        Some(self.take()).filter(|rest| !rest.is_empty())
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let due = self.ticker.is_due(out.now());
        out.wake_at(self.ticker.due());
        if !due || self.held.is_empty() && !self.send_empty {
            return Ok(Demand::More);
        }
        out.next(self.take())
    }
}

impl<T, K: Ord, F: FnMut(&T) -> K> Filter<T> for ChunksTimeoutDistinct<T, K, F> {
    type Out = Vec<T>;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        self.ticker.restart(out.now());
        out.wake_at(self.ticker.due());
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let demand = self.send_due(out)?; // the interval may be over, and only the wake-up not here yet
        self.count += 1;
        let (key, entry) = ((self.key)(&event), (self.count, event));
        if self.keep_last {
            self.held.insert(key, entry);
        } else {
            self.held.entry(key).or_insert(entry);
        }
        Ok(demand)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        self.send_due(out)
    }
    fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Closed {
        out.flush(self.rest())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Closed {
        let rest = self.rest().filter(|_| !self.drop_on_error);
        out.flush_error(rest, error)
    }
}

impl<T, K, F> fmt::Debug for ChunksTimeoutDistinct<T, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ChunksTimeoutDistinct");
        shown.field("ticker", &self.ticker).field("keys", &self.held.len()).finish_non_exhaustive()
    }
}
