//! `materialize()`: send each event, and the end, as a [`Notification`].
//!
//! Holds nothing.

use crate::error::StreamError;
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// What a Thing can be told, as a value: for a log, a test, or a way that knows events only.
///
/// ```
/// use thingflow_core::{StreamError, ends::Notification};
/// let gap = Notification::<i32>::Error(StreamError::new("no answer"));
/// assert!(gap != Notification::Completed);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Notification<T> {
    /// An event.
    Next(T),
    /// The stream has ended as it should.
    Completed,
    /// The stream has ended by an error.
    Error(StreamError),
}

/// Made by [`materialize`](super::Ends::materialize).
#[derive(Clone, Copy, Debug)]
pub struct Materialize;

impl<T> Filter<T> for Materialize {
    type Out = Notification<T>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Notification<T>>>) -> Receipt {
        out.next(Notification::Next(event))
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Notification<T>>>) -> Closed {
        out.flush([Notification::Completed])
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Notification<T>>>) -> Closed {
        out.flush([Notification::Error(error)])
    }
}
