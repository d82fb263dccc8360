//! `try_call(f)`, `try_for_each(f)`: a function that may fail as the end of a chain.
//!
//! Holds what the function holds.

use core::fmt;
use core::marker::PhantomData;

use crate::context::Context;
use crate::error::{Cause, StreamError};
use crate::thing::{Closed, Demand, Receipt, Sink};

/// Calls `f` with each event; its error is fatal and ends the run, as the error of any sink. Without the feature `alloc` the
/// error is a `&'static str`, or converts into one.
///
/// ```
/// # use thingflow_core::prelude::*;
/// let result = pipe::<i32>().to(try_call(|x: i32| if x < 3 { Ok(()) } else { Err("too much") })).feed(0..9);
/// assert_eq!(result.unwrap_err().to_string(), "too much");
/// ```
pub fn try_call<T, E, F: FnMut(T) -> Result<(), E>>(f: F) -> TryCall<T, F> {
    TryCall(f, PhantomData)
}

/// Made by [`try_call`].
pub struct TryCall<T, F>(F, PhantomData<fn(T)>);

impl<T, E, F> Sink for TryCall<T, F>
where
    E: Into<Cause>,
    F: FnMut(T) -> Result<(), E>,
{
    type Event = T;
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        (self.0)(event).map(|()| Demand::More).map_err(|error| cx.fatal(error))
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("try_call", &error);
        Ok(())
    }
}

impl<T, F> fmt::Debug for TryCall<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TryCall")
    }
}
