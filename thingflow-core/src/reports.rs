//! [`Report`]: what went wrong without ending the run, and where all of that can be seen.

use alloc::sync::Arc;
use core::fmt;

#[cfg(feature = "std")]
use {
    crate::context::Context,
    crate::port::{OnDemand, Port, PortRef},
    crate::thing::Closed,
    alloc::collections::VecDeque,
    core::cell::{Cell, RefCell},
};

use crate::clock::Instant;
use crate::error::StreamError;

/// An error that ended nothing: a sampling that is tried again, an event that was skipped, the end of a stream by an error
/// that nobody handled. See [`Scheduler::reports`](crate::Scheduler::reports).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The name of the Thing.
    pub thing: Arc<str>,
    /// What went wrong.
    pub error: StreamError,
    /// When, on the scheduler's clock.
    pub at: Instant,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.thing, self.error)
    }
}

/// What has been reported and waits for its turn to be sent.
#[cfg(feature = "std")]
#[derive(Default)]
pub(crate) struct Reports {
    port: OnDemand<Report>,
    waiting: RefCell<VecDeque<Report>>,
    sending: Cell<bool>,
    lost: Cell<u64>,
}

/// More reports in one turn are logged only, and their number is reported.
#[cfg(feature = "std")]
const MOST_WAITING: usize = 256;

#[cfg(feature = "std")]
impl Reports {
    /// The port, and whether it is new.
    pub(crate) fn port(&self) -> (Port<Report>, bool) {
        self.port.port("reports")
    }

    /// The port, if anybody listens to it.
    pub(crate) fn listened(&self) -> Option<PortRef> {
        self.port.listened()
    }

    /// Takes a report in: whether it is the first that waits. What comes of sending a report is not reported.
    pub(crate) fn add(&self, thing: &str, error: &StreamError, at: Instant) -> bool {
        if self.sending.get() || self.listened().is_none() {
            return false;
        }
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() >= MOST_WAITING {
            self.lost.set(self.lost.get() + 1);
            return false;
        }
        waiting.push_back(Report { thing: thing.into(), error: error.clone(), at });
        waiting.len() == 1
    }

    /// Forgets the port, which has been closed.
    pub(crate) fn end_run(&self) {
        self.port.end_run();
        self.waiting.take();
        self.sending.set(false);
        self.lost.set(0);
    }

    /// Sends what waits.
    pub(crate) fn send(&self, cx: &mut Context<'_>) -> Closed {
        self.sending.set(true);
        let sent = self.send_all(cx);
        self.sending.set(false);
        sent
    }

    fn send_all(&self, cx: &mut Context<'_>) -> Closed {
        let waiting = self.waiting.take();
        let lost = self.lost.take();
        let too_many = (lost > 0).then(|| Report {
            thing: "reports".into(),
            error: StreamError::msg(alloc::format!("{lost} more in this turn, see the log")),
            at: cx.now(),
        });
        for report in waiting.into_iter().chain(too_many) {
            let _ = self.port.emit(report, cx)?; // it is no reason to stop that nobody listens any more
        }
        Ok(())
    }
}
