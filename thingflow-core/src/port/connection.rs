//! [`Connection`]: the handle to undo a `connect`.

use alloc::rc::Weak;
use core::fmt;

use super::any::Hub;

/// A Thing's connection to a port, or a join's connection to all its inputs. Dropping the handle keeps the connection.
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
    hub: Weak<dyn Hub>,
    id: usize,
}

impl Connection {
    pub(crate) fn new(hub: Weak<dyn Hub>, id: usize) -> Self {
        Self { hub, id }
    }

    pub(crate) fn id(&self) -> usize {
        self.id
    }

    /// Whether it is one of this port.
    pub(super) fn leads_from<H: Hub>(&self, hub: &Weak<H>) -> bool {
        core::ptr::addr_eq(self.hub.as_ptr(), hub.as_ptr())
    }

    /// Removes the Thing from the port and drops it; it gets no notice of completion. A [join](crate::joins) that it leads to
    /// goes on as if that input had completed. While the port is dispatching, the
    /// event in progress still reaches it.
    pub fn disconnect(&self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.leave(self.id);
        }
    }

    /// Whether the Thing is still connected.
    pub fn is_connected(&self) -> bool {
        self.hub.upgrade().is_some_and(|hub| hub.is_joined(self.id))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("connected", &self.is_connected()).finish()
    }
}
