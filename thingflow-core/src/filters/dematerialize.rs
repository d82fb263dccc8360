//! `dematerialize()`: do what each `Notification` says.
//!
//! Holds nothing.

use super::materialize::Notification;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`dematerialize`](super::Filters::dematerialize): the inverse of
/// [`materialize`](super::Filters::materialize). A notification of the end ends the stream, and it asks for no more.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::filters::Notification::{Completed, Error, Next};
/// assert_eq!(from_iter([Next(1), Completed, Next(2)]).dematerialize().collect_now(), [1]);
/// let (seen, error) = from_iter([Next(1), Error(StreamError::new("broken"))]).dematerialize().try_collect_now();
/// assert_eq!((seen, error), (vec![1], Some(StreamError::new("broken"))));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dematerialize;

impl<T> Filter<Notification<T>> for Dematerialize {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: Notification<T>, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        match event {
            Notification::Next(event) => out.next(event),
            Notification::Completed => out.finish(),
            Notification::Error(error) => out.fail(error),
        }
    }
}
