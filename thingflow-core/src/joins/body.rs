//! [`Body`]: a rule and what follows it, and the calls that both kinds of connected joins make.

use super::rule::{Index, Rule, Takes};
use crate::context::Context;
use crate::notice::{Notice, Question};
use crate::state::StateVisitor;
use crate::thing::{Demand, Emitter, InputThing, Receipt};

pub(super) struct Body<R, N> {
    pub(super) rule: R,
    pub(super) next: N,
    started: bool,
}

impl<R, N> Body<R, N> {
    pub(super) const fn new(rule: R, next: N) -> Self {
        Self { rule, next, started: false }
    }
}

impl<R: Rule, N: InputThing<R::Out>> Body<R, N> {
    /// Starts what follows and the rule, once. The inputs that are `absent` have ended before they were connected.
    pub(super) fn start(&mut self, absent: impl IntoIterator<Item = usize>, cx: &mut Context<'_>) -> Receipt {
        if core::mem::replace(&mut self.started, true) {
            return Ok(Demand::More);
        }
        let mut demand = self.next.notice(Notice::Start, cx)?;
        let out = &mut Emitter::new(&mut self.next, cx);
        if demand != Demand::Done {
            demand = demand.and(self.rule.on_start(out)?);
        }
        for input in absent {
            if demand != Demand::Done {
                demand = demand.and(self.rule.on_completed(input, out)?);
            }
        }
        Ok(demand)
    }

    pub(super) fn wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        match self.rule.on_wake(&mut Emitter::new(&mut self.next, cx))? {
            Demand::Done => Ok(Demand::Done),
            demand => Ok(demand.and(self.next.notice(Notice::Wake, cx)?)),
        }
    }

    /// Sends what waits for an input, of which nothing comes any more, and passes the flush on.
    #[cfg(feature = "std")]
    pub(super) fn stop(&mut self, cx: &mut Context<'_>) -> Receipt {
        let out = &mut Emitter::new(&mut self.next, cx);
        let demand = self.rule.on_stop(out)?;
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(self.rule.on_notice(Notice::Flush, out)?)) }
    }

    pub(super) fn visit(&mut self, visitor: &mut dyn StateVisitor, cx: &mut Context<'_>) -> Receipt {
        self.rule.on_state(visitor);
        if R::SHOWS_EVENTS {
            return self.next.notice(Notice::State(visitor), cx);
        }
        let mut is_holding = self.rule.is_holding();
        self.rule.queues(&mut |queue| is_holding |= queue.waiting > 0);
        if is_holding {
            #[cfg(feature = "alloc")]
            visitor.unsaved(&crate::diagram::called(self.rule.name()));
            #[cfg(not(feature = "alloc"))]
            visitor.unsaved(self.rule.name());
        }
        self.next.notice(Notice::State(visitor), cx)
    }

    pub(super) fn ask(&self, input: usize, question: Question<'_>) -> bool {
        match question {
            Question::Room => self.rule.has_room(input, self.next.ask(Question::Room)),
            Question::Holding => self.rule.is_holding() || self.next.ask(Question::Holding),
            question => self.next.ask(question),
        }
    }

    #[inline]
    pub(super) fn take<I: Index, T>(&mut self, input: I, event: T, cx: &mut Context<'_>) -> Receipt
    where
        R: Takes<I, T>,
    {
        self.rule.on_next(input, event, &mut Emitter::new(&mut self.next, cx))
    }

    /// A notice of an input that travels with the events.
    pub(super) fn tell(&mut self, input: usize, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        let out = &mut Emitter::new(&mut self.next, cx);
        match notice {
            Notice::Completed => self.rule.on_completed(input, out),
            Notice::Error(error) => self.rule.on_error(input, error, out),
            notice => self.rule.on_notice(notice, out),
        }
    }
}
