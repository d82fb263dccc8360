//! [`OnDemand`]: a source that runs only while somebody reads.

use alloc::boxed::Box;
use core::fmt;

use super::History;
use crate::clock::Instant;
use crate::context::Context;
use crate::error::Failure;
use crate::output::Source;

/// A source that is opened when a [`History`] gets its first reader, and closed when the last one has gone; and again. Each
/// time a new session begins.
///
/// Schedule it like the source that it opens. While nobody reads it does nothing, at each tick of its schedule; what it opened
/// has been dropped. If that ends, or cannot be opened, it stays closed until the readers have gone and others have come. It
/// ends the session then, and never the flow.
///
/// ```
/// use core::time::Duration;
/// use thingflow_core::history::{History, OnDemand};
/// use thingflow_core::prelude::*;
/// # #[cfg(feature = "std")] {
/// let history = History::new(Limit::drop_oldest(100));
/// let source = OnDemand::new(&history, || Ok(from_iter(1..))); // here: what opens the device
/// let mut scheduler = Scheduler::virtual_time()?;
/// scheduler.schedule_periodic(Flow::new(source).keep(&history), Duration::from_secs(1))?;
///
/// scheduler.run_for(Duration::from_secs(10))?; // nobody reads
/// let reader = history.reader();
/// scheduler.run_for(Duration::from_secs(3))?;
/// assert_eq!(history.len(), 3);
/// drop(reader);
/// scheduler.run_for(Duration::from_secs(10))?;
/// assert!(history.is_empty());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OnDemand<T, K, S> {
    history: History<T, K>,
    open: Box<dyn FnMut() -> Result<S, Failure>>,
    state: State<S>,
}

enum State<S> {
    Closed,
    Open(S),
    /// It has ended while somebody reads.
    Ended,
}

impl<T, K: Ord + Clone, S: Source> OnDemand<T, K, S> {
    /// A source that is opened by `open` for the readers of `history`.
    pub fn new(history: &History<T, K>, open: impl FnMut() -> Result<S, Failure> + 'static) -> Self {
        Self { history: history.clone(), open: Box::new(open), state: State::Closed }
    }

    /// Whether the source is open.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Opens the source if somebody reads, and closes it if nobody does.
    fn follow_readers(&mut self) -> Result<(), Failure> {
        match (self.history.readers() > 0, &self.state) {
            (true, State::Closed) => {
                self.state = State::Ended; // unless it can be opened
                self.state = State::Open((self.open)().inspect_err(|_| self.history.end_session())?);
            }
            (false, State::Open(_) | State::Ended) => {
                self.state = State::Closed;
                self.history.begin_session();
            }
            _ => {}
        }
        Ok(())
    }
}

impl<T, K: Ord + Clone, S: Source> Source for OnDemand<T, K, S> {
    type Item = S::Item;

    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<S::Item>, Failure> {
        self.follow_readers()?;
        let State::Open(source) = &mut self.state else { return Err(Failure::NotYet) };
        if !crate::output::is_due(source, cx) {
            return Err(Failure::NotYet);
        }
        if let Some(event) = source.pull(cx)? {
            return Ok(Some(event));
        }
        self.state = State::Ended;
        self.history.end_session();
        Err(Failure::NotYet)
    }

    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        match &mut self.state {
            State::Open(source) => source.due(cx),
            State::Closed | State::Ended => None,
        }
    }
}

impl<T, K, S> fmt::Debug for OnDemand<T, K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnDemand({:?})", self.history)
    }
}
