//! `call(f)`, `for_each(f)`: a function as the end of a chain.
//!
//! Holds what the function holds.

use core::fmt;
use core::marker::PhantomData;

use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, Receipt, Sink};

/// Calls `f` with each event. Completion is ignored; an error is reported, not fatal.
///
/// ```
/// # use thingflow_core::prelude::*;
/// let mut sum = 0;
/// pipe::<i32>().to(call(|x| sum += x)).feed([1, 2, 3])?;
/// assert_eq!(sum, 6);
/// # Ok::<(), RunError>(())
/// ```
pub fn call<T, F: FnMut(T)>(f: F) -> Call<T, F> {
    Call(f, PhantomData)
}

/// Made by [`call`].
pub struct Call<T, F>(F, PhantomData<fn(T)>);

impl<T, F: FnMut(T)> Sink for Call<T, F> {
    type Event = T;
    #[inline]
    fn on_next(&mut self, event: T, _: &mut Context<'_>) -> Receipt {
        (self.0)(event);
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("call", &error);
        Ok(())
    }
}

impl<T, F> fmt::Debug for Call<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}
