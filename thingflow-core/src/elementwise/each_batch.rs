//! `each_batch(filter)`: send what a filter makes of the events of each batch, as a batch.
//!
//! Holds what the filter holds, and the results of one batch.

use alloc::vec::Vec;

use crate::clock::Timestamp;
use crate::context::Context;
use crate::error::{FatalError, StreamError};
use crate::notice::{Notice, Question};
use crate::state::StateVisitor;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`each_batch`](super::Elementwise::each_batch).
#[derive(Clone, Debug)]
pub struct EachBatch<F>(pub(super) F);

impl<B: IntoIterator, F: Filter<B::Item>> Filter<B> for EachBatch<F> {
    type Out = Vec<F::Out>;
    fn on_next(&mut self, batch: B, out: &mut Emitter<'_, '_, impl InputThing<Vec<F::Out>>>) -> Receipt {
        let (mut collected, demand) = Collected::of(&mut self.0, batch, out.context())?;
        let made = core::mem::take(&mut collected.events);
        let demand = demand.and(out.next(made)?);
        collected.pass(demand, out)
    }
    fn notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<Vec<F::Out>>>) -> Receipt {
        let mut collected = Collected::default();
        let mut demand = self.0.notice(notice, &mut Emitter::new(&mut collected, out.context()))?;
        let made = core::mem::take(&mut collected.events);
        if !made.is_empty() {
            demand = demand.and(out.next(made)?);
        }
        collected.pass(demand, out)
    }
    fn ask(&self, question: Question<'_>, behind: &dyn Fn(Question<'_>) -> bool) -> bool {
        ask_inner(&self.0, "each_batch", question, behind)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state(state);
    }
}

/// Asks a filter that another one holds, which shows itself by its name.
pub(super) fn ask_inner<T, F: Filter<T>>(
    filter: &F,
    name: &'static str,
    question: Question<'_>,
    behind: &dyn Fn(Question<'_>) -> bool,
) -> bool {
    match question {
        Question::Describe(visitor) => {
            visitor.filter_type(name);
            filter.ask(Question::Describe(visitor), behind)
        }
        question => filter.ask(question, behind),
    }
}

/// What a filter sends for a batch, and what it passes on besides.
pub(super) struct Collected<U> {
    pub(super) events: Vec<U>,
    watermark: Option<Timestamp>,
    flush: bool,
    /// How the stream has ended: by an error, or as it should.
    end: Option<Result<(), StreamError>>,
}

impl<U> Default for Collected<U> {
    fn default() -> Self {
        Self { events: Vec::new(), watermark: None, flush: false, end: None }
    }
}

impl<U> Collected<U> {
    /// What a filter makes of a batch.
    pub(super) fn of<B: IntoIterator, F: Filter<B::Item, Out = U>>(
        filter: &mut F,
        batch: B,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Demand), FatalError> {
        let (mut collected, mut demand) = (Self::default(), Demand::More);
        for event in batch {
            demand = demand.and(filter.on_next(event, &mut Emitter::new(&mut collected, cx))?);
            if demand == Demand::Done {
                break;
            }
        }
        Ok((collected, demand))
    }

    /// Passes on what there was besides events.
    pub(super) fn pass<T>(self, mut demand: Demand, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let watermark = self.watermark.map(Notice::Watermark);
        let flush = self.flush.then_some(Notice::Flush);
        for notice in watermark.into_iter().chain(flush) {
            if demand != Demand::Done || self.end.is_some() {
                demand = demand.and(out.notice(notice)?);
            }
        }
        match self.end {
            Some(Ok(())) => out.completed().map(|()| Demand::Done),
            Some(Err(error)) => out.error(error).map(|()| Demand::Done),
            None => Ok(demand),
        }
    }
}

impl<U> InputThing<U> for Collected<U> {
    fn next(&mut self, event: U, _: &mut Context<'_>) -> Receipt {
        self.events.push(event);
        Ok(Demand::More)
    }
    fn next_ref(&mut self, event: &U, cx: &mut Context<'_>) -> Receipt
    where
        U: Clone,
    {
        self.next(event.clone(), cx)
    }
    fn notice(&mut self, notice: Notice<'_>, _: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Watermark(watermark) => self.watermark = self.watermark.max(Some(watermark)),
            Notice::Flush => self.flush = true,
            Notice::Completed => self.end = Some(Ok(())),
            Notice::Error(error) => self.end = Some(Err(error)),
            Notice::Start | Notice::Wake | Notice::State(_) => {} // the chain tells what follows
        }
        Ok(if self.end.is_some() { Demand::Done } else { Demand::More })
    }
    fn ask(&self, question: Question<'_>) -> bool {
        question.asks_all()
    }
}
