//! `call(f)`, `for_each(f)`: a function as the end of a chain.
//!
//! Holds what the function holds.

use core::fmt;

use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, InputThing, Receipt};

/// Calls `f` with each event. Completion is ignored; an error is reported, not fatal.
///
/// ```
/// # use thingflow_core::prelude::*;
/// let mut sum = 0;
/// pipe::<i32>().to(call(|x| sum += x)).feed([1, 2, 3])?;
/// assert_eq!(sum, 6);
/// # Ok::<(), RunError>(())
/// ```
pub fn call<T, F: FnMut(T)>(f: F) -> Call<F> {
    Call(f)
}

/// Made by [`call`].
#[derive(Clone, Copy)]
pub struct Call<F>(pub(crate) F);

impl<T, F: FnMut(T)> InputThing<T> for Call<F> {
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

impl<F> fmt::Debug for Call<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}
