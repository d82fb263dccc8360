//! Edge threads: what may block runs on a thread of its own and posts its events into the reactor.

pub(super) mod private;
pub(super) mod sampled;
pub(super) mod threads;

use std::cell::RefCell;
use std::fmt;

use super::clocks::SystemClock;
use super::handle::ScheduleHandle;
use crate::chain::Chain;
use crate::clock::{Clock, Instant, Timestamp};
use crate::context::Host;
use crate::error::StreamError;
use crate::port::{Connection, Port, PortChain};
use crate::thing::{Filter, InputThing};

/// The output of an edge thread: any number of chains can begin at `&output`.
#[derive(Clone)]
pub struct EdgeOutput<T> {
    port: Port<T>,
    handle: ScheduleHandle,
}

impl<T: Clone + 'static> EdgeOutput<T> {
    /// The port on the reactor's side.
    pub fn port(&self) -> &Port<T> {
        &self.port
    }

    /// The handle of the schedule.
    pub fn handle(&self) -> &ScheduleHandle {
        &self.handle
    }

    /// Connects a Thing to the port.
    pub fn connect<N: InputThing<T> + 'static>(&self, thing: N) -> Connection {
        self.port.connect(thing)
    }
}

impl<T: Clone + 'static> Chain for &EdgeOutput<T> {
    type Item = T;
    type Piped<F: Filter<T> + 'static> = PortChain<T, F>;
    type Ended<N: InputThing<T> + 'static> = Connection;

    fn pipe<F: Filter<T> + 'static>(self, filter: F) -> PortChain<T, F> {
        (&self.port).pipe(filter)
    }
    fn connect<N: InputThing<T> + 'static>(self, thing: N) -> Connection {
        self.port.connect(thing)
    }
}

impl<T> fmt::Debug for EdgeOutput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeOutput").field("port", &self.port).field("handle", &self.handle).finish()
    }
}

/// What a Thing may know on an edge thread.
pub(super) struct EdgeHost {
    now: Instant,
    timestamp: Option<Timestamp>,
    reported: RefCell<Vec<Reported>>,
}

/// A report on its way to the reactor: of whom, and what.
pub(super) type Reported = (String, StreamError);

impl EdgeHost {
    /// At a time of the reactor's. In virtual time, that of the wall clock belongs to it.
    pub(super) fn at(now: Instant, timestamp: Option<Timestamp>) -> Self {
        Self { now, timestamp, reported: RefCell::default() }
    }

    pub(super) fn real() -> Self {
        Self::at(SystemClock.now(), None)
    }

    /// What has been reported: to be handed to the reactor.
    pub(super) fn take_reported(&self) -> Vec<Reported> {
        self.reported.take()
    }
}

impl Host for EdgeHost {
    fn now(&self) -> Instant {
        self.now
    }
    fn timestamp(&self, _: Instant) -> Timestamp {
        self.timestamp.unwrap_or_else(|| SystemClock.timestamp())
    }
    fn report(&self, thing: &str, error: &StreamError) {
        log::warn!("{thing}: {error}"); // at once: the run may be over before the reactor hears of it
        self.reported.borrow_mut().push((thing.to_owned(), error.clone()));
    }
}
