//! `ignore_elements()`: pass only the end of the stream.
//!
//! Holds nothing.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`ignore_elements`](super::Selecting::ignore_elements): to learn only that something is over.
#[derive(Clone, Copy, Debug)]
pub struct IgnoreElements;

impl<T> Filter<T> for IgnoreElements {
    type Out = T;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, _: T, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        Ok(Demand::More)
    }
}
