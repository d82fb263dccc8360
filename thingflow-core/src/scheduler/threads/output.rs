//! [`EdgeOutput`]: where the events of a thread come out, on the reactor.

use std::fmt;

use super::super::handle::ScheduleHandle;
use crate::chain::Chain;
use crate::port::{Connection, Port, PortChain};
use crate::thing::{Filter, InputThing};

/// The output of an edge thread: any number of chains can begin at `&output`.
#[derive(Clone)]
pub struct EdgeOutput<T> {
    pub(super) port: Port<T>,
    pub(super) handle: ScheduleHandle,
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
