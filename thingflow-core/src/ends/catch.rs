//! `catch(f)`: go on with another port when the stream ends by an error.
//!
//! Holds nothing.

use core::fmt;

use crate::context::Context;
use crate::error::StreamError;
use crate::notice::{Notice, Question};
use crate::port::Port;
use crate::thing::{Closed, Demand, InputThing, Receipt};

/// The Thing that switches. [`catch`](super::Ends::catch) connects one and gives back its port; make it yourself where
/// the chain is a flow, which is still to be scheduled.
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

impl<T: Clone + 'static, F: FnOnce(StreamError) -> Port<T>> Catch<T, F> {
    fn go_on(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
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
}

impl<T: Clone + 'static, F: FnOnce(StreamError) -> Port<T>> InputThing<T> for Catch<T, F> {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.port.emit(event, cx)
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        self.port.next_ref(event, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Error(error) => self.go_on(error, cx).map(|()| Demand::Done),
            notice => self.port.notice(notice, cx),
        }
    }
    fn ask(&self, mut question: Question<'_>) -> bool {
        if let Question::Describe(visitor) = &mut question {
            visitor.filter("catch");
        }
        self.port.ask(question)
    }
}

impl<T, F> fmt::Debug for Catch<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catch").field("port", &self.port).finish_non_exhaustive()
    }
}
