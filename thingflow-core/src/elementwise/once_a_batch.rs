//! `once_a_batch(filter)`: send the last result that a filter has made of the events so far, once for each batch.
//!
//! Holds what the filter holds, its results for one batch, and the last one.

use super::each_batch::{Collected, ask_inner};
use crate::notice::{Notice, Question};
use crate::state::StateVisitor;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`once_a_batch`](super::Elementwise::once_a_batch).
#[derive(Clone, Debug)]
pub struct OnceABatch<F, U> {
    filter: F,
    last: Option<U>,
}

impl<F, U> OnceABatch<F, U> {
    pub(super) const fn new(filter: F) -> Self {
        Self { filter, last: None }
    }
}

impl<B: IntoIterator, U: Clone, F: Filter<B::Item, Out = U>> Filter<B> for OnceABatch<F, U> {
    type Out = U;
    fn on_next(&mut self, batch: B, out: &mut Emitter<'_, '_, impl InputThing<U>>) -> Receipt {
        let (mut collected, mut demand) = Collected::of(&mut self.filter, batch, out.context())?;
        self.last = collected.events.pop().or_else(|| self.last.take());
        if let Some(last) = &self.last {
            demand = demand.and(out.next(last.clone())?);
        }
        collected.pass(demand, out)
    }
    fn notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<U>>) -> Receipt {
        let mut collected = Collected::default();
        let mut demand = self.filter.notice(notice, &mut Emitter::new(&mut collected, out.context()))?;
        if let Some(last) = collected.events.pop() {
            self.last = Some(last.clone());
            demand = demand.and(out.next(last)?);
        }
        collected.pass(demand, out)
    }
    fn ask(&self, question: Question<'_>, behind: &dyn Fn(Question<'_>) -> bool) -> bool {
        ask_inner(&self.filter, "once_a_batch", question, behind)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.filter.on_state(state);
    }
}
