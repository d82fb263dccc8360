//! `chunks_within(n, d)`: send the events in lists of `n`, or of fewer when a time has passed.
//!
//! Holds up to `n` events.

use alloc::vec::Vec;
use core::time::Duration;

use crate::clock::Instant;
use crate::error::StreamError;
use crate::size::Size;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`chunks_within`](super::Timing::chunks_within), or by [`new`](Self::new) if an option is wanted.
///
/// A list goes out with its `n`th event, or `d` after its first one: no event waits for longer than `d`, and there is
/// no timer while nothing waits. What is held at the end goes out, also before an error. There is never an empty list.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use core::time::Duration;
/// # use thingflow_core::testing::Recorder;
/// let seen = Recorder::new();
/// let mut chain = pipe().chunks_within(3, Duration::from_nanos(10)).to(seen.clone());
/// for time in [1, 2, 3, 4, 15] {
///     chain.next(time, &mut Context::detached(Instant::from_nanos(time)))?;
/// }
/// assert_eq!(seen.events(), [vec![1, 2, 3], vec![4]]);
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ChunksWithin<T> {
    n: usize,
    limit: Duration,
    held: Vec<T>,
    due: Instant,
    drop_on_error: bool,
}

impl<T> ChunksWithin<T> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    #[track_caller]
    pub fn new(n: impl Into<Size>, limit: Duration) -> Self {
        Self { n: n.into().get(), limit, held: Vec::new(), due: Instant::NEVER, drop_on_error: false }
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
        if out.now() < self.due {
            return Ok(Demand::More);
        }
        self.rest().map_or(Ok(Demand::More), |rest| out.next(rest))
    }
}

impl<T> Filter<T> for ChunksWithin<T> {
    type Out = Vec<T>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let demand = self.send_due(out)?; // the time may have passed, and only the wake-up not here yet
        if demand == Demand::Done {
            return Ok(Demand::Done);
        }
        if self.held.is_empty() {
            self.due = out.now() + self.limit;
        }
        self.held.push(event);
        if self.held.len() < self.n {
            out.wake_at(self.due);
            return Ok(demand);
        }
        let next = Vec::with_capacity(self.held.len()); // the next list may be as long
        Ok(demand.and(out.next(core::mem::replace(&mut self.held, next))?))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let demand = self.send_due(out)?;
        if !self.held.is_empty() {
            out.wake_at(self.due);
        }
        Ok(demand)
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
