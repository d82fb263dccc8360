//! `traced(name)`: writes each notice that passes to the log.

use core::fmt::Debug;

use crate::chain::Chain;
use crate::error::StreamError;
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// [`traced`](Self::traced) as a method of every [`Chain`].
pub trait Tracing: Chain {
    /// Passes everything on and logs it: events at the level `debug`, with what the rest of the chain answered if that
    /// was not `More`; the end at `info`. The target is `thingflow::trace`. [`Trace`](super::Trace) does so for a whole
    /// graph.
    fn traced(self, name: &'static str) -> Self::Piped<Traced>
    where
        Self::Item: Debug,
    {
        self.pipe(Traced(name))
    }
}

impl<C: Chain> Tracing for C {}

/// Made by [`traced`](Tracing::traced).
///
/// ```
/// use thingflow_core::prelude::*;
/// assert_eq!(from_iter(1..=2).traced("numbers").collect_now(), [1, 2]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Traced(&'static str);

pub(super) const TARGET: &str = "thingflow::trace";

impl<T: Debug> Filter<T> for Traced {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        log::debug!(target: TARGET, "{}: next {event:?}", self.0);
        let receipt = out.next(event);
        if !matches!(receipt, Ok(crate::Demand::More)) {
            log::debug!(target: TARGET, "{}: was answered {receipt:?}", self.0);
        }
        receipt
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        log::info!(target: TARGET, "{}: completed", self.0);
        out.completed()
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        log::info!(target: TARGET, "{}: error: {error}", self.0);
        out.error(error)
    }
}
