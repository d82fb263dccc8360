//! `sequence_equal_to(other, limit)`: sends whether two streams have the same events.
//!
//! Holds up to `limit` events of the one that is ahead.

use super::held::Queue;
use super::rule::{Index, Rule, Takes};
use crate::limit::QueueState;
use crate::state::{SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use {super::held::Held, crate::limit::Limit};

/// Made by [`sequence_equal_to`](super::Joins::sequence_equal_to), or by `default` over [`HeldIn`](super::HeldIn)s without an
/// allocator.
///
/// It sends `false` at the first difference, `true` when both have ended without one; then it completes.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
/// a.sequence_equal_to(&b, Limit::block(16)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// a.emit(1, cx)?;
/// a.emit(2, cx)?;
/// b.emit(1, cx)?;
/// b.emit(3, cx)?;
/// assert_eq!(seen.text(), "false |");
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SequenceEqualTo<Q>([Q; 2]);

#[cfg(feature = "alloc")]
impl<T> SequenceEqualTo<Held<T>> {
    pub(super) fn new(limit: &Limit) -> Self {
        Self([Held::new(limit.clone()), Held::new(limit.clone())])
    }
}

fn answer(equal: bool, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Receipt {
    out.flush([equal])?;
    Ok(Demand::Done)
}

impl<Q: Queue> Rule for SequenceEqualTo<Q> {
    type Out = bool;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Receipt {
        self.0[input].end();
        let other = &self.0[1 - input];
        if !self.0[input].is_empty() || other.is_empty() && !other.is_ended() {
            return Ok(Demand::More);
        }
        answer(other.is_empty(), out)
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        self.0.iter().for_each(|queue| see(queue.state()));
    }
    fn has_room(&self, input: usize, _: bool) -> bool {
        self.0[input].has_room()
    }
}

impl<Q: Queue + SavedEvents> SavedEvents for SequenceEqualTo<Q> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        let [first, second] = &mut self.0;
        first.on_events(state);
        second.on_events(state);
        while !first.is_empty() && !second.is_empty() {
            drop((first.pop(), second.pop())); // these would have been compared
            state.refuse("sequence_equal_to");
        }
    }
}

impl<I: Index, T: PartialEq, Q: Queue<Event = T>> Takes<I, T> for SequenceEqualTo<Q> {
    fn on_next(&mut self, input: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Receipt {
        let other = &mut self.0[1 - input.number()];
        let Some(counterpart) = other.pop() else {
            if other.is_ended() {
                return answer(false, out);
            }
            return self.0[input.number()].push(event, "sequence_equal_to").or_else(|error| out.fail(error));
        };
        if counterpart != event {
            return answer(false, out);
        }
        if other.take_room() {
            out.context().resume();
        }
        Ok(Demand::More)
    }
}
