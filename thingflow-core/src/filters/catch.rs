//! `catch(f)`: go on with another port when the stream ends by an error.
//!
//! Holds nothing.

use core::fmt;

use crate::context::Context;
use crate::error::StreamError;
use crate::port::Port;
use crate::thing::{Closed, InputThing, Receipt};
use crate::visit::Visitor;

/// The Thing that switches. [`catch`](super::Filters::catch) connects one and gives back its port; make it yourself where
/// the chain is a flow, which is still to be scheduled.
///
/// The other port begins to be listened to at the error, so the source behind it must have been told to
/// [keep running](Port::keep_running) if it is scheduled from the beginning. An error of that one is final. To go on with
/// events at hand see [`catch_with`](super::Filters::catch_with); to try the same source again see
/// [`retry`](crate::retry).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// let (main, spare, seen) = (Port::<i32>::new(), Port::new(), Recorder::new());
/// let instead = spare.clone();
/// main.catch(move |error| {
///     println!("going on with the spare sensor: {error}");
///     instead
/// })
/// .connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// main.emit(1, cx)?;
/// main.fail(StreamError::new("no answer"), cx)?;
/// spare.emit(2, cx)?;
/// spare.complete(cx)?;
/// assert_eq!(seen.text(), "1 2 |");
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
pub struct Catch<T, F> {
    /// `None` once it has been called.
    instead: Option<F>,
    port: Port<T>,
}

impl<T: Clone + 'static, F: FnOnce(StreamError) -> Port<T>> Catch<T, F> {
    /// The Thing, to be connected.
    pub fn new(instead: F) -> Self {
        Self { instead: Some(instead), port: Port::new() }
    }

    /// The port where the stream goes on, whichever it is.
    pub fn port(&self) -> &Port<T> {
        &self.port
    }
}

impl<T: Clone + 'static, F: FnOnce(StreamError) -> Port<T>> InputThing<T> for Catch<T, F> {
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.port.emit(event, cx)
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        self.port.on_next_ref(event, cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.port.complete(cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        let Some(instead) = self.instead.take() else { return self.port.fail(error, cx) };
        if !self.port.is_listened() {
            return self.port.fail(error, cx);
        }
        let other = instead(error);
        if other.is_closed() {
            return self.port.complete(cx);
        }
        other.connect(self.port.clone());
        Ok(())
    }
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.port.on_start(cx)
    }
    fn is_open(&self) -> bool {
        self.port.is_listened()
    }
    fn has_room(&self) -> bool {
        self.port.has_room()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter("catch");
        visitor.port(self.port.as_ref(), false);
    }
}

impl<T, F> fmt::Debug for Catch<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catch").field("port", &self.port).finish_non_exhaustive()
    }
}
