//! `call_while(f)`, `for_each_while(f)`: a function as the end of a chain, until it has had enough.
//!
//! Holds what the function holds.

use core::fmt;
use core::marker::PhantomData;

use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, Receipt, Sink};

/// Calls `f` with each event until it answers `false`; that event was the last. Completion is ignored, an error is
/// reported.
///
/// ```
/// # use thingflow_core::prelude::*;
/// let mut seen = Vec::new();
/// pipe::<i32>().to(call_while(|x| { seen.push(x); x < 3 })).feed(1..)?;
/// assert_eq!(seen, [1, 2, 3]);
/// # Ok::<(), RunError>(())
/// ```
#[doc(alias = "sink_conditional")]
pub fn call_while<T, F: FnMut(T) -> bool>(f: F) -> CallWhile<T, F> {
    CallWhile(f, PhantomData)
}

/// Made by [`call_while`].
pub struct CallWhile<T, F>(F, PhantomData<fn(T)>);

impl<T, F: FnMut(T) -> bool> Sink for CallWhile<T, F> {
    type Event = T;
    #[inline]
    fn on_next(&mut self, event: T, _: &mut Context<'_>) -> Receipt {
        Ok(if (self.0)(event) { Demand::More } else { Demand::Done })
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("call_while", &error);
        Ok(())
    }
}

impl<T, F> fmt::Debug for CallWhile<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallWhile")
    }
}
