//! `transduce(t)`: let a [`Transducer`] make the events.
//!
//! Holds what the transducer holds.

use crate::error::StreamError;
use crate::state::{SavedEvents, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Makes at most one event of each event, and at most one at the end: a filter that knows nothing of chains.
///
/// For more than that, implement [`Filter`].
pub trait Transducer<In> {
    /// What it makes.
    type Out;
    /// Takes an event.
    fn step(&mut self, event: In) -> Option<Self::Out>;
    /// Called at the end of the stream, also before an error: gives what is held back.
    fn complete(&mut self) -> Option<Self::Out> {
        None
    }
    /// Shows what it remembers to a walk that saves or restores it. By default the walk is told that this is not part of the state.
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        state.unsaved("transduce");
    }
}

/// Made by [`transduce`](super::Elementwise::transduce).
#[derive(Clone, Copy, Debug)]
pub struct Transduce<T>(pub(super) T);

impl<In, T: Transducer<In>> Filter<In> for Transduce<T> {
    type Out = T::Out;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<T::Out>>) -> Receipt {
        match self.0.step(event) {
            Some(event) => out.next(event),
            None => Ok(Demand::More),
        }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T::Out>>) -> Closed {
        out.flush(self.0.complete())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T::Out>>) -> Closed {
        out.flush_error(self.0.complete(), error)
    }
    fn describe(&self, visitor: &mut dyn crate::Visitor) {
        visitor.filter_type(crate::short_name::<T>());
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state(state);
    }
}

/// A transducer that holds events and shows them.
impl<T: SavedEvents> SavedEvents for Transduce<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_events(state);
    }
}
