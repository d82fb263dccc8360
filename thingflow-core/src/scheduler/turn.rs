//! The phases of a turn: start what is new, wait, then serve timers, inboxes, descriptors and jobs.

use std::rc::{Rc, Weak};

use super::calls::{Why, ports_of};
use super::engine::Engine;
use super::host::Waiting;
use super::inspect::Desk;
use super::keyed::Id;
use super::phase::{Phase, Wish};
use super::reactor::Until;
use super::table::{Schedule, Trigger};
use super::timers::{Due, Kind};
use crate::clock::Instant;
use crate::context::Host;
use crate::error::{RunError, StreamError};
use crate::identity::last_number;
use crate::notice::{Notice, Question};
use crate::output::OutputThing;
use crate::port::{AnyPort, PortRef};
use crate::visit::ports_behind;

/// So many turns virtual time stands still while there is something to do, before it goes on to the next deadline.
const MOST_STILL: u32 = 10_000;

/// So many sources are asked in a turn whether anybody listens.
const MOST_ASKED: usize = 1024;

/// Whether somebody listens to what waits for its first reader.
#[derive(Clone, Copy, PartialEq)]
enum Reader {
    There,
    ToCome,
    /// Nobody is left who could connect one.
    Never,
}

impl Engine {
    /// Sleeps until something is due, at most until `limit`, and serves it.
    pub(super) fn turn(&self, limit: Until) -> Result<(), RunError> {
        self.start_new()?;
        if self.has_work() {
            self.wait(limit)?;
            let begun = self.desk.get().and_then(Desk::begin_turn);
            self.clock.forget_wall_clock();
            self.follow_wall_clock()?;
            self.call_freed()?;
            self.fire_due_timers()?;
            self.drain_inboxes()?;
            self.call_waiting()?;
            self.run_jobs()?;
            self.settle_tracked()?;
            for hub in self.link.take_unfed() {
                self.guarded(move |cx| hub.unfed(cx).map(drop))?;
            }
            if self.link.take_left() {
                self.resume();
            }
            self.release_unlistened()?;
            self.begin_read()?;
            if !self.run.hubs.ending.borrow().is_empty() {
                self.end_loops()?;
            }
            if !self.run.hubs.lingering.borrow().is_empty() {
                self.release_drained()?;
            }
            if let (Some(desk), Some(begun)) = (self.desk.get(), begun) {
                desk.note_turn(begun);
            }
        }
        self.take_failed()
    }

    pub(super) fn start_new(&self) -> Result<(), RunError> {
        self.begin_read()?;
        for id in self.run.calls.unstarted.take() {
            self.begin(id)?;
        }
        for port in self.link.take_unstarted() {
            if let Some(port) = port.upgrade() {
                self.guarded(move |cx| port.notice(Notice::Start, cx).map(drop))?;
            }
        }
        Ok(())
    }

    /// Starts a schedule, or has it wait for a reader: who listens to it may be chosen while the run goes on.
    pub(super) fn begin(&self, id: Id) -> Result<(), RunError> {
        match self.reader_of(id)? {
            Reader::There => return self.call(id, Why::Start),
            Reader::ToCome => {
                self.with_schedule(id, |schedule| schedule.unread = true);
                self.run.calls.unread.borrow_mut().push(id);
            }
            Reader::Never => self.let_go(id),
        }
        Ok(())
    }

    fn reader_of(&self, id: Id) -> Result<Reader, RunError> {
        let waits = |schedule: &mut Schedule| {
            schedule.awaits_reader && matches!(schedule.phase, Phase::New(Wish::Run | Wish::Pause))
        };
        if self.with_schedule(id, waits) != Some(true) {
            return Ok(Reader::There);
        }
        let may_be_forsaken = self.with_schedule(id, |schedule| schedule.may_be_forsaken) == Some(true);
        let mut reader = Reader::There;
        self.discard(|name| {
            let look = |thing: &dyn OutputThing| {
                thing.name().clone_into(name);
                match thing.is_listened() {
                    true => Reader::There,
                    false if may_be_forsaken && ports_of(thing).iter().all(PortRef::is_forsaken) => Reader::Never,
                    false => Reader::ToCome,
                }
            };
            reader = self.look_at(id, look).unwrap_or(Reader::There);
        })?;
        Ok(reader)
    }

    /// Starts those that have waited for a reader, and have one now. All are asked if anything has been connected since the last
    /// time, else one of them, in turn: what is not seen by that, such as a port that is to keep running, need not be seen at once.
    pub(super) fn begin_read(&self) -> Result<(), RunError> {
        let calls = &self.run.calls;
        if calls.unread.borrow().is_empty() {
            return Ok(());
        }
        let wired = last_number();
        let all = calls.wired.replace(wired) != wired;
        let mut at = if all { 0 } else { calls.next_unread.get() };
        loop {
            let Some(id) = calls.unread.borrow().get(at).copied() else {
                at = 0;
                break;
            };
            match self.reader_of(id)? {
                Reader::ToCome => at += 1,
                found => {
                    calls.unread.borrow_mut().remove(at);
                    if found == Reader::There { self.start_read(id)? } else { self.let_go(id) }
                }
            }
            if !all {
                break;
            }
        }
        calls.next_unread.set(at);
        Ok(())
    }

    fn start_read(&self, id: Id) -> Result<(), RunError> {
        let came = self.with_schedule(id, |schedule| {
            schedule.unread = false;
            schedule.trigger == Trigger::Event
        });
        self.call(id, Why::Start)?;
        if came == Some(true) {
            self.call_soon(id); // for what its descriptors have announced meanwhile
        }
        Ok(())
    }

    /// Lets those go that have found no reader.
    pub(super) fn let_unread_go(&self) {
        self.run.calls.unread.take().into_iter().for_each(|id| self.let_go(id));
    }

    fn wait(&self, limit: Until) -> Result<(), RunError> {
        self.sweep_timers();
        let until = self.until(limit);
        let mut ready = self.ready.borrow_mut();
        ready.clear();
        let may_sleep = until == Until::Now || self.bell.prepare_sleep();
        let signals = self.reactor.wait(if may_sleep { until } else { Until::Now }, &mut ready);
        if until != Until::Now {
            self.bell.awake();
        }
        for signal in signals.map_err(RunError::new)? {
            self.signalled(signal);
        }
        for id in ready.drain(..) {
            self.call_soon(id);
        }
        Ok(())
    }

    fn until(&self, limit: Until) -> Until {
        let run = &self.run;
        let busy = !run.calls.again.borrow().is_empty()
            || !run.jobs.borrow().is_empty()
            || self.has_freed()
            || !run.calls.unstarted.borrow().is_empty()
            || !self.link.is_quiet()
            || run.calls.to_ask.get() > 0
            || self.reactor.has_more()
            || self.is_stopped();
        if self.clock.is_virtual() {
            return self.until_virtually(busy, limit);
        }
        let next = run.time.timers.borrow().next();
        match (next, limit) {
            _ if busy || limit == Until::Now => Until::Now,
            (Some(next), Until::At(limit)) => self.not_before(next.min(limit)),
            (Some(next), _) => self.not_before(next),
            (None, Until::At(limit)) => self.not_before(limit),
            (None, limit) => limit,
        }
    }

    fn not_before(&self, due: Instant) -> Until {
        if due <= self.now() { Until::Now } else { Until::At(due) }
    }

    /// Moves virtual time on if there is nothing else to do: to the next deadline, at most to `limit`.
    fn until_virtually(&self, busy: bool, limit: Until) -> Until {
        let (now, timers) = (self.now(), self.run.time.timers.borrow());
        if self.asked.get() > 0 {
            let patience = self.stop.until().map_or(Until::Event, Until::At);
            return if busy || limit == Until::Now { Until::Now } else { patience }; // edge threads must answer first
        }
        // What has been posted at this time comes at this time.
        let occupied = busy || timers.next().is_some_and(|next| next <= now) || self.bell.has_rung();
        if limit == Until::Now || occupied && !self.has_stood_still(now) {
            return Until::Now;
        }
        let next = if occupied { timers.next_after(now) } else { timers.next() };
        let end = if let Until::At(limit) = limit { Some(limit) } else { None };
        if let Some(due) = next.into_iter().chain(end).min() {
            self.clock.jump_to(due);
            return Until::Now;
        }
        if occupied { Until::Now } else { Until::Event }
    }

    /// Counts the turns in which virtual time stands still: whether these are so many that it should go on.
    fn has_stood_still(&self, now: Instant) -> bool {
        let (since, turns) = self.run.time.still.get();
        let turns = if since == now { turns + 1 } else { 0 };
        self.run.time.still.set((now, if turns < MOST_STILL { turns } else { 0 }));
        turns >= MOST_STILL
    }

    fn fire_due_timers(&self) -> Result<(), RunError> {
        let mut due = self.due.take();
        let now = self.now();
        self.run.time.timers.borrow_mut().take_due(now, &mut due);
        let mut fired = Ok(Some(now));
        for what in due.drain(..) {
            if let Ok(read) = fired {
                fired = self.fire(what, read.unwrap_or_else(|| self.now()));
            }
        }
        *self.due.borrow_mut() = due;
        fired.map(drop)
    }

    /// As for [`call_at`](Self::call_at).
    fn fire(&self, Due { kind, id }: Due, now: Instant) -> Result<Option<Instant>, RunError> {
        match kind {
            Kind::Schedule => self.call_at(id, Why::Tick, now),
            Kind::Flow => self.call_at(id, Why::Wake, now),
            Kind::Port | Kind::Later => {
                let waiting = self.run.hubs.waiting.borrow_mut().remove(id);
                if let Some(Waiting::Events(_)) = waiting {
                    self.run.hubs.later.set(self.run.hubs.later.get() - 1);
                }
                match waiting.and_then(|port| port.upgrade()) {
                    Some(port) => {
                        let name = || port.clone().as_port().map_or_else(|| "a join".into(), |port| port.name());
                        self.guarded_as(name, |cx| port.wake(kind == Kind::Later, cx).map(|_| None))
                    }
                    None => Ok(None),
                }
            }
        }
    }

    /// Sees to what threads have rung for. What they tell is heard before the events that were posted after it.
    fn drain_inboxes(&self) -> Result<(), RunError> {
        let mut inboxes = self.inboxes.borrow_mut();
        inboxes.clear();
        self.bell.take_ready(&mut inboxes);
        self.hear_threads()?;
        if self.bell.take_resume() {
            self.resume();
        }
        let rung = !inboxes.is_empty();
        for id in inboxes.drain(..) {
            self.call_soon(id);
        }
        drop(inboxes);
        if rung {
            self.answer_others();
        }
        Ok(())
    }

    /// Calls those who wait for their turn: recurring ones, and those who have more at hand.
    fn call_waiting(&self) -> Result<(), RunError> {
        let waiting = self.run.calls.again.borrow().len();
        for _ in 0..waiting {
            let Some(id) = self.run.calls.again.borrow_mut().pop_front() else { break };
            self.call(id, Why::Turn)?;
        }
        Ok(())
    }

    fn run_jobs(&self) -> Result<(), RunError> {
        let waiting = self.run.jobs.borrow().len();
        for _ in 0..waiting {
            let Some(job) = self.run.jobs.borrow_mut().pop_front() else { break };
            self.guarded(job)?;
        }
        Ok(())
    }

    /// Tells sources what has become of their events. Last in a turn: when it ends by a fatal error, they are not done.
    pub(super) fn settle_tracked(&self) -> Result<(), RunError> {
        if !self.link.trackers.is_nudged() {
            return Ok(());
        }
        self.guarded(|cx| self.link.trackers.settle(cx))
    }

    /// Lets go of sources that nobody listens to any more. All are asked once a port has none, some of them in a turn, for as
    /// there may be very many; who is called meanwhile is asked by that.
    fn release_unlistened(&self) -> Result<(), RunError> {
        let calls = &self.run.calls;
        let deserted = self.link.take_deserted();
        if !deserted.is_empty() && self.is_any_unlistened(&deserted)? {
            self.ask_all();
        }
        if calls.to_ask.get() > 0 { self.ask_some() } else { Ok(()) }
    }

    /// Has all sources be asked whether anybody listens.
    pub(super) fn ask_all(&self) {
        self.run.calls.to_ask.set(self.schedules.borrow().places());
    }

    #[cold]
    fn is_any_unlistened(&self, ports: &[Weak<dyn AnyPort>]) -> Result<bool, RunError> {
        let mut any = false;
        self.discard(|_| {
            any = ports.iter().filter_map(Weak::upgrade).any(|port| !port.ask(Question::Open));
        })?;
        Ok(any)
    }

    /// Asks the next sources, and lets go of those that nobody listens to.
    #[cold]
    fn ask_some(&self) -> Result<(), RunError> {
        let (calls, places) = (&self.run.calls, self.schedules.borrow().places());
        let mut gone: Vec<Id> = Vec::new();
        self.discard(|_| {
            for _ in 0..calls.to_ask.get().min(MOST_ASKED) {
                calls.to_ask.set(calls.to_ask.get() - 1);
                let place = calls.next_asked.get();
                calls.next_asked.set(if place + 1 < places { place + 1 } else { 0 });
                let Some(id) = self.schedules.borrow().at(place) else { continue };
                let started = self.with_schedule(id, |schedule| !schedule.unread) == Some(true);
                if started && self.look_at(id, |thing| thing.is_listened()) == Some(false) {
                    gone.push(id);
                }
            }
        })?;
        for id in gone {
            self.discard(|_| _ = self.look_at(id, |thing| self.say_unread(thing)))?;
            self.let_go(id);
        }
        Ok(())
    }

    /// Says so if a source goes because another one has ended the port that it feeds. Else who listens to its ports later will
    /// be told that it has gone.
    #[cold]
    pub(super) fn say_unread(&self, thing: &dyn OutputThing) {
        let ports = ports_behind(|visitor| thing.describe(visitor));
        ports.iter().for_each(|port| port.port().desert());
        if let Some(port) = ports.iter().find(|port| port.port().is_closed()) {
            let what = format!(
                "it is asked no more: the port `{}` that it feeds was ended by another; let each feed it by `feeder()`",
                port.name()
            );
            self.report(thing.name(), &StreamError::msg(what));
        }
    }

    /// Ends the ports at the beginning of loops, whose sources have ended, as soon as nothing is on its way any more.
    #[cold]
    fn end_loops(&self) -> Result<(), RunError> {
        let ending = self.run.hubs.ending.take();
        let waits = self.has_work_but_loops();
        for port in ending {
            if waits && self.is_on_its_way(&port)? {
                self.run.hubs.ending.borrow_mut().push(port);
            } else {
                self.guarded(move |cx| port.complete(cx))?;
            }
        }
        Ok(())
    }

    /// Whether an event waits behind a port, in a stage or for a later turn.
    fn is_on_its_way(&self, port: &Rc<dyn AnyPort>) -> Result<bool, RunError> {
        let mut waits = false;
        self.discard(|_| {
            let ports = ports_behind(|visitor| visitor.port(PortRef::new(port.clone()), false));
            waits = ports.iter().any(|port| port.port().has_later() || port.port().is_holding());
        })?;
        Ok(waits)
    }

    /// Lets go of ports and joins behind which nothing drains any more.
    fn release_drained(&self) -> Result<(), RunError> {
        self.discard(|_| {
            let drained: Vec<_> =
                self.run.hubs.lingering.borrow_mut().extract_if(.., |hub| !hub.is_draining()).collect();
            drop(drained); // only now: what they keep may use the engine when it is dropped
        })
    }
}
