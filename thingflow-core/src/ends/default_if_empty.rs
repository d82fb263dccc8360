//! `default_if_empty(v)`: send a value if the stream completes without any.
//!
//! Holds one event: the default.

use crate::state::{Saved, StateVisitor};
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// Made by [`default_if_empty`](super::Ends::default_if_empty).
#[derive(Clone, Copy, Debug)]
pub struct DefaultIfEmpty<T>(pub(super) Option<T>);

impl<T> Filter<T> for DefaultIfEmpty<T> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.0 = None;
        out.next(event)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(self.0.take())
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let mut is_empty = self.0.is_some();
        is_empty.on_state("is empty", state);
        if !is_empty {
            self.0 = None;
        }
    }
}
