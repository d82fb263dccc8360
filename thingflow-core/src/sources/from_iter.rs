//! `from_iter(it)`, `try_from_iter(it)`: one element of an iterator at each sampling.
//!
//! Holds the iterator.

use crate::context::Context;
use crate::error::{Cause, Failure, StreamError};
use crate::output::{Flow, Source};

/// Sends the elements of an iterator, one at each sampling, and completes at its end.
///
/// ```
/// use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter(1..).take(2).collect_now(), [1, 2]);
/// ```
#[doc(alias = "from_iterable")]
#[doc(alias = "from_list")]
#[doc(alias = "IterableAsOutputThing")]
pub fn from_iter<I: IntoIterator>(events: I) -> Flow<FromIter<I::IntoIter>> {
    Flow::new(FromIter(events.into_iter()))
}

/// Made by [`from_iter`].
#[derive(Clone, Debug)]
pub struct FromIter<I>(I);

impl<I: Iterator> Source for FromIter<I> {
    type Item = I::Item;
    #[inline]
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<I::Item>, Failure> {
        Ok(self.0.next())
    }
}

/// As [`from_iter`] for elements that may be errors. An error is a sample error: it ends the stream unless the schedule's
/// policy says otherwise. It is any error, or a text, and keeps its causes, see [`StreamError::from_cause`].
///
/// ```
/// use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// let (seen, error) = try_from_iter([Ok(1), Err("disk on fire"), Ok(2)]).try_collect_now();
/// assert_eq!(seen, [1]);
/// assert_eq!(error.map(|e| e.to_string()).as_deref(), Some("disk on fire"));
/// # }
/// ```
pub fn try_from_iter<T, E: Into<Cause>, I: IntoIterator<Item = Result<T, E>>>(
    events: I,
) -> Flow<TryFromIter<I::IntoIter>> {
    Flow::new(TryFromIter(events.into_iter()))
}

/// Made by [`try_from_iter`].
#[derive(Clone, Debug)]
pub struct TryFromIter<I>(I);

impl<T, E: Into<Cause>, I: Iterator<Item = Result<T, E>>> Source for TryFromIter<I> {
    type Item = T;
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<T>, Failure> {
        match self.0.next() {
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => Err(StreamError::from_cause(error).into()),
            None => Ok(None),
        }
    }
}
