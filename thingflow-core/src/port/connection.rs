//! [`Connection`]: the handle to undo a `connect`.

use alloc::rc::Weak;
use core::fmt;

use super::any::AnyPort;

/// A Thing's connection to a port. Dropping the handle keeps the connection.
///
/// ```
/// use thingflow_core::prelude::*;
/// let port = Port::<i32>::new();
/// let connection = port.connect(call(|x| println!("{x}")));
/// assert!(connection.is_connected());
/// connection.disconnect();
/// connection.disconnect(); // a second time does nothing
/// assert!(!port.is_listened());
/// ```
#[derive(Clone)]
pub struct Connection {
    port: Weak<dyn AnyPort>,
    id: usize,
}

impl Connection {
    pub(super) fn new(port: Weak<dyn AnyPort>, id: usize) -> Self {
        Self { port, id }
    }

    /// Takes the Thing off the port and drops it; it gets no notice of completion. While the port is dispatching, the
    /// event in progress still reaches it.
    pub fn disconnect(&self) {
        if let Some(port) = self.port.upgrade() {
            port.leave(self.id);
        }
    }

    /// Whether the Thing is still connected.
    pub fn is_connected(&self) -> bool {
        self.port.upgrade().is_some_and(|port| port.is_joined(self.id))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("connected", &self.is_connected()).finish()
    }
}
