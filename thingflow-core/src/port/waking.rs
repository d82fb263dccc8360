//! What a port does without an event from a source: it wakes its connections, and delivers what waited for a later turn.

use super::{Inner, pending};
use crate::context::Context;
use crate::notice::Notice;
use crate::thing::{Demand, Receipt};

impl<T: Clone + 'static> Inner<T> {
    /// Wakes the connections, unless that has been done since it was asked for.
    pub(super) fn wake_due(&self, cx: &mut Context<'_>) -> Receipt {
        if !self.alarm.is_due(cx) {
            return Ok(Demand::More);
        }
        self.alarm.answer(cx);
        self.wake_all(cx)
    }

    /// Wakes the connections: one of them has asked for it, the others do nothing.
    pub(super) fn wake_all(&self, cx: &mut Context<'_>) -> Receipt {
        self.wake_draining(cx)?;
        let Some(body) = self.take_body() else { return Ok(Demand::More) };
        let receipt = self.each(body, cx, |slot, cx| slot.thing.notice(Notice::Wake, cx));
        let demand = self.settled(receipt, cx)?;
        if demand == Demand::Done {
            self.note_unlistened();
        }
        self.remember_full(demand, cx);
        Ok(demand)
    }

    /// No source hears a receipt given in between: the one that sends the next event will.
    fn remember_full(&self, demand: Demand, cx: &Context<'_>) {
        if demand == Demand::Full {
            self.full_at.set(cx.resumes());
            self.note(pending::FULL);
        }
    }

    /// Delivers the events of an earlier turn.
    pub(super) fn deliver_later(&self, cx: &mut Context<'_>) -> Receipt {
        let mut demand = Demand::More;
        let due = self.later.len(); // what these cause is for the turn after
        for _ in 0..due {
            let Some(event) = self.later.pop() else { break };
            demand = self.next_owned(event, cx)?;
            self.remember_full(demand, cx);
        }
        Ok(demand)
    }
}
