//! `sequence_equal(it)`: send whether the events are those of an iterator, as soon as that is known.
//!
//! Holds the iterator.

use crate::state::{Saved, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// So many steps an iterator is taken forward at most when a state is restored: a number that is not true costs no more.
const MOST_STEPS: u64 = 1 << 24;

/// Made by [`sequence_equal`](super::Reducing::sequence_equal).
#[derive(Clone, Copy, Debug)]
pub struct SequenceEqual<I> {
    expected: I,
    /// How many events were those of the iterator.
    compared: u64,
}

impl<I: Iterator> SequenceEqual<I> {
    pub(super) const fn new(expected: I) -> Self {
        Self { expected, compared: 0 }
    }

    /// Takes the iterator on to what follows so many events; whether that can be.
    fn go_on_at(&mut self, compared: u64) -> bool {
        let Some(ahead) = compared.checked_sub(self.compared) else { return false };
        let most = self.expected.size_hint().1.map_or(MOST_STEPS, |most| MOST_STEPS.min(most as u64));
        let is_there = ahead <= most
            && match usize::try_from(ahead).ok().and_then(|ahead| ahead.checked_sub(1)) {
                Some(last) => self.expected.nth(last).is_some(),
                None => true,
            };
        if is_there {
            self.compared = compared;
        }
        is_there
    }
}

impl<T: PartialEq<I::Item>, I: Iterator> Filter<T> for SequenceEqual<I> {
    type Out = bool;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Receipt {
        if self.expected.next().is_some_and(|expected| event == expected) {
            self.compared += 1;
            return Ok(Demand::More);
        }
        out.flush([false])?;
        Ok(Demand::Done)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<bool>>) -> Closed {
        let equal = self.expected.next().is_none();
        out.flush([equal])
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let mut compared = self.compared;
        if compared > MOST_STEPS {
            state.unsaved("sequence_equal");
        }
        compared.on_state("compared", state);
        if !self.go_on_at(compared) {
            state.refuse("sequence_equal");
        }
    }
}
