//! `chunks_timeout(d)`: send the events of each interval as a list.
//!
//! Holds the events of one interval.

use alloc::vec::Vec;
use core::time::Duration;

use crate::error::StreamError;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};
use crate::ticker::Ticker;

/// Made by [`chunks_timeout`](super::Timing::chunks_timeout), or by [`new`](Self::new) if an option is wanted.
///
/// The first interval begins when the graph starts to run; each includes its start and not its end. An interval without
/// events sends nothing, unless [`send_empty`](Self::send_empty). What is held at the end goes out, also before an
/// error.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use core::time::Duration;
/// # use thingflow_core::testing::Recorder;
/// let seen = Recorder::new();
/// let mut chain = pipe().chunks_timeout(Duration::from_nanos(10)).to(seen.clone());
/// let at = |nanos| Context::detached(Instant::from_nanos(nanos));
/// chain.notice(Notice::Start, &mut at(0))?;
/// for time in [3, 7, 12, 45] {
///     chain.next(time, &mut at(time))?;
/// }
/// chain.notice(Notice::Completed, &mut at(46))?;
/// assert_eq!(seen.events(), [vec![3, 7], vec![12], vec![45]]);
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ChunksTimeout<T> {
    ticker: Ticker,
    held: Vec<T>,
    send_empty: bool,
    drop_on_error: bool,
}

impl<T> ChunksTimeout<T> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    ///
    /// # Panics
    /// If the interval is zero.
    #[track_caller]
    pub fn new(interval: Duration) -> Self {
        Self { ticker: Ticker::new(interval), held: Vec::new(), send_empty: false, drop_on_error: false }
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

    fn rest(&mut self) -> Option<Vec<T>> {
        Some(core::mem::take(&mut self.held)).filter(|rest| !rest.is_empty())
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let due = self.ticker.is_due(out.now());
        out.wake_at(self.ticker.due());
        if !due || self.held.is_empty() && !self.send_empty {
            return Ok(Demand::More);
        }
        out.next(core::mem::take(&mut self.held))
    }
}

impl<T> Filter<T> for ChunksTimeout<T> {
    type Out = Vec<T>;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        self.ticker.restart(out.now());
        out.wake_at(self.ticker.due());
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let demand = self.send_due(out)?; // the interval may be over, and only the wake-up not here yet
        self.held.push(event);
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
