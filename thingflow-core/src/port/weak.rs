//! [`WeakPort`]: a port that is not kept alive, for the end of a loop.

use alloc::rc::{Rc, Weak};
use core::fmt;

use super::{Inner, Port};
use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::Visitor;

/// Made by [`Port::downgrade`]. Events go into the port while it lives, in the same dispatch: right after the one in
/// progress.
///
/// The end of the stream is that of the loop and not of the port; an error is reported. A loop alone does not count as a
/// listener.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::Recorder;
/// let (doubled, seen) = (Port::<u32>::new(), Recorder::new());
/// doubled.map(|n| 2 * n).filter(|n| *n < 20).connect(doubled.downgrade());
/// doubled.connect(seen.clone());
/// doubled.emit(3, &mut Context::detached(Instant::ZERO))?;
/// assert_eq!(seen.events(), [3, 6, 12]);
/// # Ok::<(), FatalError>(())
/// ```
pub struct WeakPort<T>(Weak<Inner<T>>);

impl<T> WeakPort<T> {
    pub(super) fn new(inner: &Rc<Inner<T>>) -> Self {
        Self(Rc::downgrade(inner))
    }

    /// The port, if it still lives.
    pub fn upgrade(&self) -> Option<Port<T>> {
        self.0.upgrade().map(|inner| Port { inner })
    }
}

impl<T: Clone + 'static> InputThing<T> for WeakPort<T> {
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.upgrade().map_or(Ok(Demand::Done), |port| port.emit(event, cx))
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("loop", &error);
        Ok(())
    }
    fn is_open(&self) -> bool {
        self.upgrade().is_some_and(|port| port.is_listened())
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        match self.upgrade() {
            Some(port) => visitor.port(port.as_ref(), true),
            None => visitor.sink("loop"),
        }
    }
}

impl<T> Clone for WeakPort<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for WeakPort<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakPort")
    }
}
