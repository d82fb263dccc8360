//! [`Saving`] as the rule of a join: the events that it holds are part of the state.

use super::rule::{Rule, Takes};
use crate::error::StreamError;
use crate::limit::QueueState;
use crate::notice::Notice;
use crate::saving::Saving;
use crate::state::{SavedEvents, StateVisitor};
use crate::thing::{Emitter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use crate::port::Connection;

impl<R: Rule + SavedEvents> Rule for Saving<R> {
    type Out = R::Out;
    const SHOWS_EVENTS: bool = true;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<R::Out>>) -> Receipt {
        self.0.on_completed(input, out)
    }
    #[cfg(feature = "alloc")]
    fn on_gone(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<R::Out>>) -> Receipt {
        self.0.on_gone(input, out)
    }
    fn on_error(
        &mut self,
        input: usize,
        error: StreamError,
        out: &mut Emitter<'_, '_, impl InputThing<R::Out>>,
    ) -> Receipt {
        self.0.on_error(input, error, out)
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<R::Out>>) -> Receipt {
        self.0.on_start(out)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<R::Out>>) -> Receipt {
        self.0.on_wake(out)
    }
    fn on_notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<R::Out>>) -> Receipt {
        self.0.on_notice(notice, out)
    }
    #[cfg(feature = "alloc")]
    fn on_stop(&mut self, out: &mut Emitter<'_, '_, impl InputThing<R::Out>>) -> Receipt {
        self.0.on_stop(out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_events(state);
    }
    fn is_holding(&self) -> bool {
        self.0.is_holding()
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        self.0.has_room(input, behind)
    }
    #[cfg(feature = "alloc")]
    fn on_added(&mut self, input: usize) {
        self.0.on_added(input);
    }
    #[cfg(feature = "alloc")]
    fn on_removed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<R::Out>>) -> Receipt {
        self.0.on_removed(input, out)
    }
    #[cfg(feature = "alloc")]
    fn connected(&mut self, inputs: &[Connection]) {
        self.0.connected(inputs);
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        self.0.queues(see);
    }
    fn name(&self) -> &'static str {
        self.0.name()
    }
}

impl<I, T, R: Takes<I, T> + SavedEvents> Takes<I, T> for Saving<R> {
    #[inline]
    fn on_next(&mut self, input: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<R::Out>>) -> Receipt {
        self.0.on_next(input, event, out)
    }
}
