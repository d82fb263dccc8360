//! `dematerialize()`: do what each `Notification` says.
//!
//! Holds nothing.

use super::materialize::Notification;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`dematerialize`](super::Ends::dematerialize): the inverse of
/// [`materialize`](super::Ends::materialize).
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
