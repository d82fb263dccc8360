//! The way of events and notices through a port. The fast path is [`Port::emit_ref`] while nothing is pending.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::any::culprit;
use super::outlet::{Outlet, each};
use super::slots::state;
use super::{Body, Inner, Port, Slot, pending};
use crate::context::{Context, Culprit};
use crate::error::StreamError;
use crate::notice::{Arrival, Notice};
use crate::thing::{Closed, Demand, Receipt};

impl<T: Clone + 'static> Port<T> {
    /// Sends an event by reference. This is the hop that `benches/` counts: the usual way through takes nothing but the
    /// connection, and the order of arguments of the other ways leaves those of this one in their registers.
    #[inline(always)]
    pub(super) fn emit_ref(&self, event: &T, cx: &mut Context<'_>) -> Receipt {
        let Some(mut body) = self.inner.body.take() else { return self.next_slowly(event, cx) };
        // By the body, which is at hand anyway, and not by the slot.
        let witness = Witness { culprit: &mut *body, cx };
        let receipt = witness.culprit.slots.only.thing.next_ref(event, witness.cx);
        core::mem::forget(witness); // it speaks up only when a panic drops it
        let inner = &*self.inner;
        inner.count();
        inner.put_back_usual(body);
        inner.answer(inner.pending.with(&receipt), cx)
    }

    /// Sends events that need no drop as [`emit_ref`](Self::emit_ref) does, until there is something to be done besides: the
    /// connections leave their place once for all of them. `sent` goes up by one for each.
    pub(crate) fn emit_row(&self, row: &[T], sent: &mut usize, cx: &mut Context<'_>) -> Receipt {
        let Some(mut body) = self.inner.body.take() else {
            let Some(event) = row.first() else { return Ok(Demand::More) };
            *sent += 1;
            return self.next_slowly(event, cx);
        };
        let inner = &*self.inner;
        let witness = Witness { culprit: &mut *body, cx };
        let mut said = 0;
        for event in row {
            *sent += 1;
            let receipt = witness.culprit.slots.only.thing.next_ref(event, witness.cx);
            inner.count();
            said = inner.pending.with(&receipt);
            if said as u64 | witness.cx.urgency() != 0 {
                break;
            }
        }
        core::mem::forget(witness);
        inner.put_back_usual(body);
        inner.answer(said, cx)
    }

    /// The port has no connections, is dispatching or has ended, or something must be done first.
    #[cold]
    #[inline(never)]
    fn next_slowly(&self, event: &T, cx: &mut Context<'_>) -> Receipt {
        let inner = &*self.inner;
        match inner.take_idle() {
            Some(body) => {
                let receipt = inner.call(body, cx, |thing, cx| thing.next_ref(event, cx));
                inner.count();
                inner.settled(receipt, cx)
            }
            None => inner.wait(event.clone(), cx),
        }
    }
}

impl<T: Clone + 'static> Inner<T> {
    /// What a dispatch answers: one test serves the receipt, what is pending, and a wish for a wake-up.
    #[inline(always)]
    fn answer(&self, said: usize, cx: &mut Context<'_>) -> Receipt {
        if said as u64 | cx.urgency() == 0 {
            return Ok(Demand::More);
        }
        if said == 0 { self.hear(cx) } else { self.conclude(pending::receipt(said), cx) }
    }

    /// Ends a dispatch to a port in which not all is as usual: see the receipt, the wish for a wake-up, what is pending.
    #[cold]
    #[inline(never)]
    fn conclude(&self, receipt: Receipt, cx: &mut Context<'_>) -> Receipt {
        let Some(body) = self.take_body() else { return Ok(Demand::More) };
        let receipt = self.finish(body, receipt, cx);
        self.settled(receipt, cx)
    }

    /// Sends an event that nobody else needs. If it is dear to clone, the last connection gets the event itself.
    pub(super) fn next_owned(&self, event: T, cx: &mut Context<'_>) -> Receipt {
        let Some(body) = self.body.take().or_else(|| self.take_idle()) else { return self.wait(event, cx) };
        let receipt = self.next_to_all(body, event, cx);
        self.settled(receipt, cx)
    }

    /// The connections of a port that has none, is idle, and has nothing to do first.
    #[inline]
    fn take_idle(&self) -> Option<Box<Body<T>>> {
        if self.pending.is_usual() { self.parked.take() } else { None }
    }

    /// An event comes while the port is dispatching or has ended, or something must be done first.
    fn wait(&self, event: T, cx: &mut Context<'_>) -> Receipt {
        if self.pending.is_closed() {
            self.say_closed(cx);
            return Ok(Demand::Done);
        }
        let demand = self.enqueue(Arrival::Next(event), cx)?;
        self.settle_if_idle(demand, cx)
    }

    /// A port that has ended drops the event: whoever sends it must hear of that, since another has ended the port. Not while
    /// the end is on its way, nor after a panic, which ends the run.
    fn say_closed(&self, cx: &Context<'_>) {
        if self.look(|body| body.slots.is_empty()) == Some(true) {
            let what = "an event came after the end, which another of its feeders has sent: let each feed the port by `feeder()`";
            cx.report(&self.display_name(), &StreamError::new(what));
        }
    }

    /// Somebody has begun to listen: whether anything will come is for them to know.
    fn say_if_deserted(&self, cx: &Context<'_>) {
        if self.deserted.get() && self.has_connections() {
            self.deserted.set(false);
            let what =
                "a source of it was let go when nobody listened, and sends no more: let the port `keep_running()`";
            cx.report(&self.display_name(), &StreamError::new(what));
        }
    }

    #[inline]
    fn count(&self) {
        self.events.set(self.events.get() + 1);
    }

    fn next_to_all(&self, body: Box<Body<T>>, event: T, cx: &mut Context<'_>) -> Receipt {
        let receipt = self.call(body, cx, |thing, cx| thing.next(event, cx));
        self.count();
        receipt
    }

    fn enqueue(&self, arrival: Arrival<T>, cx: &mut Context<'_>) -> Receipt {
        if self.pending.is_closed() {
            return Ok(Demand::Done);
        }
        self.rare().waiting.push(arrival, || self.display_name(), cx)?;
        self.note(pending::WAITING);
        Ok(Demand::More)
    }

    pub(super) fn settle_if_idle(&self, demand: Demand, cx: &mut Context<'_>) -> Receipt {
        let Some(body) = self.parked.take() else { return Ok(demand) };
        self.put_back(body);
        self.settle(demand, cx)
    }

    pub(super) fn settled(&self, receipt: Receipt, cx: &mut Context<'_>) -> Receipt {
        if !self.pending.is_any() { receipt } else { self.settle(receipt?, cx) }
    }

    /// Does what came up in the middle of a dispatch, until nothing is left: who left, who joined, what was emitted.
    #[cold]
    #[inline(never)]
    pub(super) fn settle(&self, mut demand: Demand, cx: &mut Context<'_>) -> Receipt {
        // A receipt counts until somebody has room again.
        let mut full_at = (demand == Demand::Full).then(|| cx.resumes());
        while self.pending.is_any() {
            let what = self.pending.take();
            if what & pending::FULL != 0 && self.rarely(|rare| rare.full_at.get() == cx.resumes()) {
                full_at = Some(cx.resumes());
            }
            if what & pending::JOINED != 0 {
                let replaced = self.admit();
                self.linger(replaced, cx);
            }
            if what & pending::LEFT != 0 {
                let left = self.rare().left.take(); // who joined in the same dispatch may be among them
                drop(self.take_slots(|slot| left.contains(&slot.id)));
                cx.resume(); // they may have asked a source to pause
                self.note_unlistened();
            }
            if what & (pending::JOINED | pending::START) != 0 {
                demand = self.start_new(cx)?;
                self.say_if_deserted(cx);
            }
            let waiting = self.rare.get().and_then(|rare| rare.waiting.pop());
            if self.rarely(|rare| !rare.waiting.is_empty()) {
                self.note(pending::WAITING);
            }
            match waiting {
                Some(Arrival::Next(event)) => demand = self.next_waiting(event, cx)?,
                Some(Arrival::Notice(notice)) => demand = self.tell(notice, cx)?,
                None => {}
            }
            if demand == Demand::Full {
                full_at = Some(cx.resumes());
            }
        }
        let open = self.has_connections() || self.keep_running.get() && !self.pending.is_closed();
        Ok(match demand {
            _ if !open => Demand::Done,
            Demand::Done => Demand::Done,
            _ if full_at == Some(cx.resumes()) => Demand::Full,
            _ => Demand::More,
        })
    }

    fn next_waiting(&self, event: T, cx: &mut Context<'_>) -> Receipt {
        let Some(body) = self.take_body() else { return Ok(Demand::More) };
        self.next_to_all(body, event, cx)
    }

    /// Lets those in and starts them who are to hear what is told next.
    pub(super) fn begin_new(&self, cx: &mut Context<'_>) -> Closed {
        if self.pending.has(pending::START | pending::JOINED) {
            let _ = self.settle_if_idle(Demand::More, cx)?;
        }
        Ok(())
    }

    /// Starts the connections that have not been started.
    fn start_new(&self, cx: &mut Context<'_>) -> Receipt {
        self.running.set(true);
        let anew = self.belong(cx)?;
        let Some(mut body) = self.take_body() else { return Ok(Demand::More) };
        let receipt = each(body.slots.all(), cx, |slot, cx| {
            if slot.state & state::STARTED != 0 {
                // What it has asked for in an earlier run, or outside of any, nobody will answer: it asks again.
                return if anew { slot.thing.notice(Notice::Wake, cx) } else { Ok(Demand::More) };
            }
            slot.state |= state::STARTED;
            slot.thing.notice(Notice::Start, cx)
        });
        self.finish(body, receipt, cx)
    }

    /// Tells every connection. A watermark waits behind the events that were put off.
    pub(super) fn tell(&self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Watermark(watermark) if self.rarely(|rare| !rare.later.is_empty()) && self.is_called_later(cx) => {
                self.put_off(Arrival::Notice(Notice::Watermark(watermark)), cx).map(|()| Demand::More)
            }
            notice => self.tell_at_once(notice, cx),
        }
    }

    pub(super) fn tell_at_once(&self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if notice.is_end() {
            return self.end(notice, cx).map(|()| Demand::Done);
        }
        if matches!(notice, Notice::Watermark(_) | Notice::Flush) {
            self.begin_new(cx)?;
        }
        let Some(body) = self.take_body() else {
            // A flush has come round a loop, and need not go round again.
            let kept = notice.keep().filter(|notice| !matches!(notice, Notice::Flush));
            return kept.map_or(Ok(Demand::More), |notice| self.enqueue(Arrival::Notice(notice), cx));
        };
        let receipt = self.call(body, cx, |thing, cx| thing.notice(notice, cx));
        self.settled(receipt, cx)
    }

    /// Tells every connection that the stream has ended, and drops them.
    pub(super) fn end(&self, notice: Notice<'_>, cx: &mut Context<'_>) -> Closed {
        self.begin_new(cx)?;
        let Some(body) = self.take_body() else {
            return notice.keep().map_or(Ok(()), |notice| self.enqueue(Arrival::Notice(notice), cx).map(drop));
        };
        let body = if self.rarely(|rare| !rare.later.is_empty()) {
            self.put_back(body);
            self.bring_forward(cx)?;
            let Some(body) = self.take_body() else { return Ok(()) };
            body
        } else {
            body
        };
        self.pending.close();
        let ended = self.call(body, cx, |thing, cx| thing.notice(notice, cx));
        self.pending.take();
        let gone = (
            self.take_slots(|_| true),
            self.rare.get().map(|rare| (rare.joined.take(), rare.waiting.take(), rare.later.take())),
        );
        drop(gone);
        ended.map(|_| ())
    }

    /// Delivers what was put off for a later turn: the end, which comes first, would lose it.
    #[cold]
    fn bring_forward(&self, cx: &mut Context<'_>) -> Closed {
        let due = self.rare().later.len(); // what these put off is lost, as it would be after the end
        for _ in 0..due {
            let _ = match self.rare().later.pop() {
                Some(Arrival::Next(event)) => self.next_waiting(event, cx)?,
                Some(Arrival::Notice(notice)) => self.tell_at_once(notice, cx)?,
                None => break,
            };
        }
        Ok(())
    }

    /// Calls the connections, puts them back, and drops those that want no more.
    pub(super) fn call(
        &self,
        mut body: Box<Body<T>>,
        cx: &mut Context<'_>,
        call: impl FnOnce(&mut dyn Outlet<T>, &mut Context<'_>) -> Receipt,
    ) -> Receipt {
        let witness = Witness { culprit: &mut *body, cx };
        let receipt = call(&mut *witness.culprit.slots.only.thing, witness.cx);
        core::mem::forget(witness);
        self.finish(body, receipt, cx)
    }

    /// Puts the connections back, of which one has given that receipt or several have in sum, and drops those that want no
    /// more.
    fn finish(&self, mut body: Box<Body<T>>, receipt: Receipt, cx: &mut Context<'_>) -> Receipt {
        match receipt {
            Ok(Demand::Done) => body.slots.only.state |= state::DONE,
            Ok(_) => {}
            Err(_) => cx.name_failed(|| body.name()),
        }
        let done = body.slots.is_empty() || body.slots.all().iter().any(|slot| slot.state & state::DONE != 0);
        self.put_back(body);
        self.alarm.set(&self.me, cx);
        Ok(self.retire(done, receipt? == Demand::Full, cx))
    }

    /// Ends a dispatch after which all is as usual but for a wish for a wake-up, most often one that is known already.
    #[inline(never)]
    fn hear(&self, cx: &mut Context<'_>) -> Receipt {
        if self.alarm.is_news(cx) {
            self.alarm.set(&self.me, cx);
        }
        Ok(Demand::More)
    }

    /// Drops the connections that want no more, but for those that still send what they hold.
    fn retire(&self, done: bool, full: bool, cx: &Context<'_>) -> Demand {
        if done {
            if self.pending.has(pending::JOINED) {
                let replaced = self.admit(); // one of them may have said so: its successor stays
                self.linger(replaced, cx);
            }
            self.linger(self.take_slots(|slot| slot.state & state::DONE != 0), cx);
            if !self.has_connections() && !self.keep_running.get() && !self.pending.has(pending::JOINED) {
                return Demand::Done;
            }
            cx.resume(); // those that are gone may have asked a source to pause, which others wait for
        }
        if full { Demand::Full } else { Demand::More }
    }

    /// Takes out the connections that `gone` names. They are dropped by the caller, when the port is whole again: their
    /// `Drop` may be user code that uses it.
    pub(super) fn take_slots(&self, gone: impl Fn(&Slot<T>) -> bool) -> Vec<Slot<T>> {
        let Some(mut body) = self.take_body() else { return Vec::new() };
        let taken = body.slots.take(gone);
        self.put_back(body);
        taken
    }
}

impl<T: Clone + 'static> Slot<T> {
    /// Hands an event to the Thing. If it panics, the run will know its name.
    #[inline]
    pub(super) fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        let witness = Witness { culprit: self, cx };
        let receipt = witness.culprit.thing.next_ref(event, witness.cx);
        core::mem::forget(witness);
        receipt
    }
}

/// Names the Thing that is being served if a panic passes through. The connections of the port are dropped by the same
/// panic, which brings pins to their safe level.
pub(super) struct Witness<'s, 'x, 'c, C: Culprit> {
    pub(super) culprit: &'s mut C,
    pub(super) cx: &'x mut Context<'c>,
}

impl<C: Culprit> Drop for Witness<'_, '_, '_, C> {
    #[inline(always)]
    fn drop(&mut self) {
        self.cx.host().blame(&*self.culprit);
    }
}

/// The connections of a port.
impl<T> Culprit for Body<T> {
    fn name(&self) -> String {
        self.slots.only.name()
    }
}

impl<T> Culprit for Slot<T> {
    fn name(&self) -> String {
        culprit(&*self.thing)
    }
}
