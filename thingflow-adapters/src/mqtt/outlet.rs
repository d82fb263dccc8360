//! [`Outlet`] and [`OnDemand`]: ports of which a program that does not ask for them has neither the memory nor the code.

use std::cell::{Cell, OnceCell};

use thingflow_core::prelude::*;
use thingflow_core::{Notice, PortRef, Question};

/// A port behind a pointer: what makes one is linked only if somebody calls it.
pub(super) trait Outlet<E> {
    fn port(&self) -> Port<E>;
    fn reference(&self) -> PortRef;
    fn emit(&self, event: E, cx: &mut Context<'_>) -> Receipt;
}

impl<E: Clone + 'static> Outlet<E> for Port<E> {
    fn port(&self) -> Port<E> {
        self.clone()
    }
    fn reference(&self) -> PortRef {
        self.as_ref()
    }
    fn emit(&self, event: E, cx: &mut Context<'_>) -> Receipt {
        Port::emit(self, event, cx)
    }
}

/// A port that is made when it is asked for.
pub(super) struct OnDemand<E> {
    port: OnceCell<Box<dyn Outlet<E>>>,
    started: Cell<bool>,
}

impl<E> OnDemand<E> {
    /// The port, always the same.
    pub(super) fn get(&self) -> Port<E>
    where
        E: Clone + 'static,
    {
        self.port.get_or_init(|| Box::new(Port::new())).port()
    }

    /// The port, if it has been asked for.
    pub(super) fn reference(&self) -> Option<PortRef> {
        self.port.get().map(|port| port.reference())
    }

    /// Whether somebody listens.
    pub(super) fn is_open(&self) -> bool {
        self.reference().is_some_and(|port| port.ask(Question::Open))
    }

    /// Sends an event to those who listen.
    pub(super) fn emit(&self, event: E, cx: &mut Context<'_>) -> Closed {
        if let Some(port) = self.port.get() {
            let _ = port.emit(event, cx)?; // that nobody listens is no reason to end
        }
        Ok(())
    }

    /// Tells a port that was made during the run that the graph runs.
    pub(super) fn start(&self, cx: &mut Context<'_>) -> Closed {
        if let Some(port) = self.reference()
            && !self.started.replace(true)
        {
            let _ = port.notice(Notice::Start, cx)?;
        }
        Ok(())
    }

    /// Somebody else tells it.
    pub(super) fn is_started(&self) {
        self.started.set(self.port.get().is_some());
    }
}

impl<E> Default for OnDemand<E> {
    fn default() -> Self {
        Self { port: OnceCell::new(), started: Cell::new(false) }
    }
}
