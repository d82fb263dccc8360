//! `never()`: a source that sends nothing and never ends.
//!
//! Holds nothing.

use core::marker::PhantomData;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, StreamError};
use crate::output::{Flow, Source};

/// Sends nothing and never ends: scheduled, it keeps a program running. It costs no wake-up if scheduled with
/// [`schedule_recurring`](crate::Scheduler::schedule_recurring).
///
/// ```
/// use thingflow_core::prelude::*;
/// let _flow = never::<i32>().map(|x| x + 1);
/// ```
pub fn never<T>() -> Flow<Never<T>> {
    Flow::new(Never(PhantomData))
}

/// Made by [`never()`].
#[derive(Clone, Copy, Debug)]
pub struct Never<T>(PhantomData<fn() -> T>);

impl<T> Source for Never<T> {
    type Item = T;
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<T>, Failure> {
        Err(StreamError::new("never has no events").into())
    }
    fn due(&mut self, _: &mut Context<'_>) -> Option<Instant> {
        Some(Instant::NEVER)
    }
}
