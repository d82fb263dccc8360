//! `from_fn(f)`: what a function gives at each sampling, until it gives `None`.
//!
//! Holds what the function holds.

use crate::context::Context;
use crate::error::Failure;
use crate::output::{Flow, Source};

/// Sends what `f` gives at each sampling, until it gives `None`.
///
/// ```
/// use thingflow_core::prelude::*;
/// let mut left = 3;
/// let countdown = from_fn(move || {
///     left -= 1;
///     (left > 0).then_some(left)
/// });
/// # #[cfg(feature = "alloc")]
/// assert_eq!(countdown.collect_now(), [2, 1]);
/// ```
pub fn from_fn<T, F: FnMut() -> Option<T>>(f: F) -> Flow<FromFn<F>> {
    Flow::new(FromFn(f))
}

/// Made by [`from_fn`].
#[derive(Clone, Copy, Debug)]
pub struct FromFn<F>(F);

impl<T, F: FnMut() -> Option<T>> Source for FromFn<F> {
    type Item = T;
    #[inline]
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<T>, Failure> {
        Ok((self.0)())
    }
}
