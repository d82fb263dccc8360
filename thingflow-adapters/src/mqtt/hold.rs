//! [`Hold`]: who waits for a message to be delivered.

use std::fmt;

use thingflow_core::StreamError;
use thingflow_core::tracking::Ack;

/// The acknowledgement of a tracked event, of whatever is attached to it; or nobody's. One that is dropped is abandoned: the
/// message has not been delivered.
#[derive(Default)]
pub struct Hold(Option<Box<dyn Holder>>);

trait Holder {
    fn done(self: Box<Self>);
    fn fail(self: Box<Self>, error: &StreamError);
    fn abandon(self: Box<Self>);
}

impl<M> Holder for Ack<M> {
    fn done(self: Box<Self>) {
        Ack::done(*self);
    }
    fn fail(self: Box<Self>, error: &StreamError) {
        Ack::fail(*self, error);
    }
    fn abandon(self: Box<Self>) {
        Ack::abandon(*self);
    }
}

impl Hold {
    pub(super) fn of<M: 'static>(ack: Ack<M>) -> Self {
        Self(Some(Box::new(ack)))
    }

    /// The other side has it, or it was dropped as the policy of the queue says.
    pub(super) fn done(mut self) {
        if let Some(holder) = self.0.take() {
            holder.done();
        }
    }

    /// The other side will never take it.
    pub(super) fn fail(mut self, error: &StreamError) {
        if let Some(holder) = self.0.take() {
            holder.fail(error);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(holder) = self.0.take() {
            holder.abandon();
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hold({})", self.0.is_some())
    }
}
