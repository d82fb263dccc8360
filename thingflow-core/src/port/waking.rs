//! What a port does without an event from a source: it wakes its connections, and delivers what waited for a later turn.

use super::{Inner, pending};
use crate::context::Context;
use crate::notice::{Arrival, Notice};
use crate::thing::{Closed, Demand, Receipt};

impl<T: Clone + 'static> Inner<T> {
    /// Wakes the connections, unless that has been done since it was asked for.
    pub(super) fn wake_due(&self, cx: &mut Context<'_>) -> Receipt {
        if !self.alarm.is_due(cx) {
            return Ok(Demand::More);
        }
        self.alarm.answer(cx);
        self.wake_all(cx)
    }

    /// Wakes the connections: one of them has asked for it, the others do nothing. Those that are new are started before.
    pub(super) fn wake_all(&self, cx: &mut Context<'_>) -> Receipt {
        self.wake_draining(cx)?;
        self.begin_new(cx)?;
        let Some(body) = self.take_body() else { return Ok(Demand::More) };
        let receipt = self.call(body, cx, |thing, cx| thing.notice(Notice::Wake, cx));
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
            self.rare().full_at.set(cx.resumes());
            self.note(pending::FULL);
        }
    }

    /// Leaves it for a later turn.
    pub(super) fn put_off(&self, arrival: Arrival<T>, cx: &mut Context<'_>) -> Closed {
        self.rare().later.push(arrival, || self.display_name(), cx)?;
        self.is_called_later(cx);
        Ok(())
    }

    /// Asks for the call in which that is delivered. False where nobody does.
    pub(super) fn is_called_later(&self, cx: &Context<'_>) -> bool {
        cx.host().wake_at(self.me.clone(), cx.now(), true)
    }

    /// Delivers what was put off in an earlier turn.
    pub(super) fn deliver_later(&self, cx: &mut Context<'_>) -> Receipt {
        let mut demand = Demand::More;
        let due = self.rare().later.len(); // what these cause is for the turn after
        for _ in 0..due {
            demand = match self.rare().later.pop() {
                Some(Arrival::Next(event)) => self.next_owned(event, cx)?,
                Some(Arrival::Notice(notice)) => self.tell_at_once(notice, cx)?,
                None => break,
            };
            self.remember_full(demand, cx);
        }
        Ok(demand)
    }
}
