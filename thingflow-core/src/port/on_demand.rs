//! [`OnDemand`]: a port of the scheduler itself, made when somebody asks for it.

use alloc::rc::Rc;
use core::cell::RefCell;

use super::{Port, PortRef};
use crate::context::Context;
use crate::thing::{Demand, Receipt};

/// A port that few programs ask for.
pub(crate) struct OnDemand<T>(RefCell<Option<Rc<dyn Asked<T>>>>);

/// A port that has been asked for. It is only named where it is made: a program that never asks does not contain the code of
/// a port of such events, some 40 KiB.
trait Asked<T> {
    fn port(&self) -> Port<T>;
    fn listened(&self) -> Option<PortRef>;
    fn emit(&self, event: T, cx: &mut Context<'_>) -> Receipt;
}

impl<T: Clone + 'static> Asked<T> for Port<T> {
    fn port(&self) -> Port<T> {
        self.clone()
    }
    fn listened(&self) -> Option<PortRef> {
        self.has_connections().then(|| self.as_ref())
    }
    fn emit(&self, event: T, cx: &mut Context<'_>) -> Receipt {
        Port::emit(self, event, cx)
    }
}

impl<T> OnDemand<T> {
    /// The port, if anybody listens to it.
    pub(crate) fn listened(&self) -> Option<PortRef> {
        self.0.borrow().as_ref()?.listened()
    }

    /// Sends an event, if anybody has asked for the port.
    pub(crate) fn emit(&self, event: T, cx: &mut Context<'_>) -> Receipt {
        let port = self.0.borrow().clone();
        port.map_or(Ok(Demand::More), |port| port.emit(event, cx))
    }

    /// Forgets the port, which has been closed.
    pub(crate) fn end_run(&self) {
        self.0.take();
    }
}

impl<T: Clone + 'static> OnDemand<T> {
    /// The port, and whether it is new.
    pub(crate) fn port(&self, name: &str) -> (Port<T>, bool) {
        let mut asked = self.0.borrow_mut();
        let new = asked.is_none();
        let port = asked.get_or_insert_with(|| Rc::new(Port::new().named(name).keep_running()));
        (port.port(), new)
    }
}

impl<T> Default for OnDemand<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}
