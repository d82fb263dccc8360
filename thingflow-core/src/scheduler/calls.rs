//! Calling a Thing, and what follows from it: the next tick, a pause, the end of its schedule or of the run.
//!
//! While a Thing is called it is out of the table, and nothing of the engine is borrowed: so a Thing may schedule, cancel
//! and stop from inside its own call.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::engine::{Engine, log_failed};
use super::keyed::Id;
use super::pauses::Stalled;
use super::periodic::OnFailure;
use super::phase::{Ask, Phase};
use super::table::{Lists, Schedule, Trigger};
use super::timers::{Due, Kind};
use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Failure, FatalError, NOT_YET, RunError, StreamError};
use crate::notice::Notice;
use crate::output::OutputThing;
use crate::port::PortRef;
use crate::thing::{Demand, Receipt};
use crate::visit::Visitor;
use crate::witness::{self, given_to_source};

/// Why a Thing is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It has not been started.
    Start,
    /// The timer of its schedule is due.
    Tick,
    /// It has waited for its turn: it recurs, something came for it, or it has more at hand.
    Turn,
    /// A wish of what is connected without a port in between is due.
    Wake,
    /// A stage downstream has room again.
    Resumed,
    /// What is being collected is to be sent: the run is being stopped.
    Flush,
}

/// A Thing that is out of the table because it is being called.
struct Running {
    id: Id,
    why: Why,
    thing: Box<dyn OutputThing>,
    trigger: Trigger,
    ask: Ask,
    /// Whether it has been asked for events, and whether it gave some, or said that it has none.
    asked: bool,
    gave: bool,
    /// Its thread was busy with the last tick when the call began.
    asks: bool,
}

/// What is to be done after a call.
struct Outcome {
    demand: Demand,
    /// By its own timetable it acts next at this time.
    due: Option<Instant>,
    /// It had nothing yet, and wants to be asked again at this time.
    again: Option<Instant>,
    /// It has ended, and what is connected still sends what it holds.
    drains: bool,
    /// Somebody has room again since the call began: who was told to pause need not wait for another resume.
    resumed: bool,
}

/// What is to be logged after a call.
enum News {
    /// So many ticks have passed in vain.
    Missed(u64),
    /// It works again after so many failures.
    Mended(u32),
}

impl Engine {
    /// Calls a Thing, if it is still there and may be called.
    pub(super) fn call(&self, id: Id, why: Why) -> Result<(), RunError> {
        self.call_at(id, why, self.now()).map(drop)
    }

    /// As [`call`](Self::call), when the clock has just been read. If it was read after the call, and nothing was called since, that
    /// reading serves the next call.
    pub(super) fn call_at(&self, id: Id, why: Why, mut now: Instant) -> Result<Option<Instant>, RunError> {
        if why != Why::Start && self.is_new(id) {
            self.begin(id)?; // perhaps it was scheduled from inside of a call, in this very turn
            now = self.now();
        }
        let Some(mut running) = self.take(id, why, now) else { return Ok(None) };
        let resumes = self.resumed.get();
        let begun = self.desk.get().and_then(|desk| desk.begin(id, running.tick(), now));
        let mut cx = Context::new(now, self);
        let served = catch_unwind(AssertUnwindSafe(|| self.serve(&mut running, &mut cx)));
        if let (Some(begun), Some(desk)) = (begun, self.desk.get()) {
            desk.note_call(id, begun);
        }
        match served {
            Ok(Ok(mut outcome)) => {
                outcome.resumed = self.resumed.get() != resumes;
                self.finish(running, &outcome, &mut cx)
            }
            Ok(Err(token)) => Err(self.failed(running, cx.take_failed(token))),
            Err(panic) => Err(self.failed(running, self.panicked(&*panic))),
        }
    }

    /// Whether a schedule is still to be started, and takes it off the list.
    fn is_new(&self, id: Id) -> bool {
        let mut unstarted = self.run.calls.unstarted.borrow_mut();
        if unstarted.is_empty() {
            return false;
        }
        let at = unstarted.iter().position(|new| *new == id);
        at.map(|at| unstarted.remove(at)).is_some()
    }

    /// Puts a Thing back that is closed with all the others.
    #[cold]
    fn failed(&self, Running { id, thing, .. }: Running, mut error: RunError) -> RunError {
        let named = self.discard(|_| {
            error.name_stage(|visitor| thing.describe(visitor));
            error.name_thing(|| name_of(&*thing));
        });
        witness::forget();
        self.put_back(id, thing);
        log_failed(named);
        error
    }

    fn put_back(&self, id: Id, thing: Box<dyn OutputThing>) {
        self.with_schedule(id, |schedule| schedule.thing = Some(thing));
    }

    fn take(&self, id: Id, why: Why, now: Instant) -> Option<Running> {
        let mut schedules = self.schedules.borrow_mut();
        let schedule = schedules.get_mut(id)?;
        let mut ask = Ask::Nothing;
        match why {
            Why::Start if !schedule.phase.start() => return None,
            Why::Start => {}
            Why::Wake if schedule.armed > now => return None, // an earlier wish, which has been answered
            Why::Wake => schedule.armed = Instant::NEVER,
            Why::Resumed => schedule.lists.stalled = false,
            Why::Flush => {}
            Why::Tick | Why::Turn => {
                schedule.lists.again &= why != Why::Turn;
                ask = if why == Why::Turn && schedule.asks { schedule.phase.answer() } else { schedule.phase.ask() };
                if ask == Ask::Nothing {
                    if why == Why::Tick {
                        self.set_next_tick(id, schedule, now, None);
                    }
                    return None;
                }
            }
        }
        let (trigger, asks) = (schedule.trigger, schedule.asks);
        let thing = schedule.thing.take()?;
        Some(Running { id, why, thing, trigger, ask, asked: false, gave: false, asks })
    }

    /// All that is user code.
    fn serve(&self, running: &mut Running, cx: &mut Context<'_>) -> Result<Outcome, FatalError> {
        let (thing, once) = (&mut *running.thing, running.trigger == Trigger::Once);
        let _watched = self.watched.begin(running.id, || name_of(&*thing));
        let demand = match running.why {
            Why::Start => thing.start(cx).map_err(Failure::from),
            Why::Flush => thing.notice(Notice::Flush, cx).map_err(Failure::from),
            Why::Wake | Why::Resumed => {
                let drains = thing.is_draining();
                let demand = self.sparing_ports(once, thing, |thing| thing.wake(cx).map_err(Failure::from));
                if drains && demand.is_ok() && !thing.is_draining() { Ok(Demand::Done) } else { demand }
            }
            Why::Tick | Why::Turn if running.ask == Ask::Complete => {
                self.sparing_ports(once, thing, |thing| thing.complete(cx))?;
                Ok(Demand::Done)
            }
            Why::Tick | Why::Turn => running.produce(self, cx),
        };
        let thing = &mut *running.thing;
        let mut again = None;
        let demand = match demand {
            Ok(demand) => demand,
            Err(Failure::NotYet) => {
                again = thing.due(cx);
                Demand::More
            }
            Err(Failure::Sample(error)) => self.sample_failed(running.id, thing, error, cx)?,
            Err(Failure::Fatal(token)) => return Err(token),
        };
        let done = demand == Demand::Done;
        let due = if running.trigger == Trigger::Recurring && !done { thing.due(cx) } else { None };
        Ok(Outcome { demand, due, again, drains: done && thing.is_draining(), resumed: false })
    }

    /// Ends the stream of what runs once, but not a port that its chain leads to, which others may feed.
    fn sparing_ports<R>(
        &self,
        once: bool,
        thing: &mut dyn OutputThing,
        call: impl FnOnce(&mut dyn OutputThing) -> R,
    ) -> R {
        if once {
            *self.run.calls.spared.borrow_mut() = ports_of(thing).iter().map(PortRef::id).collect();
        }
        let result = call(thing);
        if once {
            self.run.calls.spared.take();
        }
        result
    }

    /// Puts a Thing back into the table, or drops it, and sees to what it has asked for.
    /// Gives what the clock said, if it was read and nothing has been called since.
    fn finish(&self, running: Running, outcome: &Outcome, cx: &mut Context<'_>) -> Result<Option<Instant>, RunError> {
        let Running { id, why, thing, trigger, asked, gave, asks, .. } = running;
        let done = outcome.demand == Demand::Done;
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(id) else {
            drop(schedules);
            return self.end_schedule(id, thing).map(|()| None);
        };
        let over = !schedule.asks; // a tick is, once a thread that was asked has answered
        if asked && over {
            schedule.count(|counts| counts.ticks += 1);
        }
        let mended = if gave && over { schedule.worked().map(News::Mended) } else { None };
        if done && !outcome.drains || schedule.phase == Phase::Cancelled {
            drop(schedules);
            return self.end_schedule(id, thing).map(|()| None);
        }
        if outcome.drains && schedule.phase.drain() {
            self.forget_rate(trigger);
        }
        if outcome.demand == Demand::Full && schedule.phase.fill() {
            self.pause_full(id, schedule, outcome.resumed);
        }
        let later = outcome.due.filter(|due| *due > cx.now());
        if let Some(due) = later {
            cx.wake_at(due);
        }
        let ends = schedule.phase == Phase::Ending && over && (why == Why::Start || asks);
        if cx.take_again() || ends || trigger == Trigger::Recurring && !done && later.is_none() {
            self.queue(id, &mut schedule.lists);
        }
        if cx.due() != Instant::NEVER {
            self.set_wake(id, schedule, cx);
        }
        // The clock is read again: what has been called, all of it, may have taken long.
        let ticks = over && (why == Why::Tick || asks);
        let read = ticks.then(|| self.now());
        let missed = read.and_then(|now| self.set_next_tick(id, schedule, now, outcome.again));
        if mended.is_none() && missed.is_none() {
            schedule.thing = Some(thing);
            return Ok(read);
        }
        schedule.thing = Some(thing); // first: who is asked for a name may cancel the schedule
        drop(schedules);
        for news in mended.into_iter().chain(missed.map(News::Missed)) {
            self.discard(|_| _ = self.look_at(id, |thing| news.log(&name_of(thing))))?;
        }
        Ok(None)
    }

    /// Has a schedule that was told to pause wait for room. If somebody has room since, it asks its listeners when it is due.
    fn pause_full(&self, id: Id, schedule: &mut Schedule, resumed: bool) {
        if !resumed {
            return self.run.pauses.full.borrow_mut().push(id);
        }
        schedule.phase.free();
        if !matches!(schedule.trigger, Trigger::Periodic(..) | Trigger::Recurring) {
            self.queue(id, &mut schedule.lists); // nothing else need call it again
        }
    }

    #[cold]
    fn end_schedule(&self, id: Id, thing: Box<dyn OutputThing>) -> Result<(), RunError> {
        self.remove(id);
        self.drop_thing(thing)
    }

    /// Calls a Thing in this turn or the next.
    pub(super) fn call_soon(&self, id: Id) {
        self.with_schedule(id, |schedule| self.queue(id, &mut schedule.lists));
    }

    fn queue(&self, id: Id, lists: &mut Lists) {
        if !std::mem::replace(&mut lists.again, true) {
            self.run.calls.again.borrow_mut().push_back(id);
        }
    }

    /// Sets a wake-up for what is connected to a schedule without a port in between.
    #[cold]
    fn set_wake(&self, id: Id, schedule: &mut Schedule, cx: &mut Context<'_>) {
        cx.catch_up_on_resumes();
        if cx.stalled && !std::mem::replace(&mut schedule.lists.stalled, true) {
            self.run.pauses.stalled.borrow_mut().push(Stalled::Flow(id));
        }
        if cx.due() != Instant::ON_RESUME {
            self.arm(id, schedule, cx.due());
        }
    }

    fn arm(&self, id: Id, schedule: &mut Schedule, due: Instant) {
        if due < schedule.armed {
            schedule.armed = due;
            self.set_once(due, Due { kind: Kind::Flow, id });
        }
    }

    #[cold]
    fn sample_failed(&self, id: Id, thing: &mut dyn OutputThing, error: StreamError, cx: &mut Context<'_>) -> Receipt {
        let now = cx.now();
        let policy = self.with_schedule(id, |schedule| {
            schedule.count(|counts| counts.failures += 1);
            let said = schedule.rare_mut().troubles.failed(now);
            (schedule.on_failure(), schedule.failed_in_a_row(), said)
        });
        let Some((on_failure, in_a_row, said)) = policy else { return Ok(Demand::Done) };
        let ends = match on_failure {
            OnFailure::Stop => true,
            OnFailure::Skip => false,
            OnFailure::Fatal => return Err(cx.fatal(error)),
            OnFailure::Retry { attempts, .. } => in_a_row >= attempts,
        };
        let name = name_of(thing);
        match said {
            _ if ends => log::error!("{name}: {error}; its stream ends"),
            Some(1) => log::warn!("{name}: {error}"),
            Some(n) => log::warn!("{name}: {error}; {n} failures since the last message"),
            None => {}
        }
        self.hear(&name, &error);
        if ends {
            thing.fail(error, cx)?;
            return Ok(Demand::Done);
        }
        Ok(Demand::More)
    }
}

impl News {
    #[cold]
    fn log(self, name: &str) {
        match self {
            Self::Missed(1) => log::warn!("{name}: 1 tick missed, because something took too long"),
            Self::Missed(ticks) => log::warn!("{name}: {ticks} ticks missed, because something took too long"),
            Self::Mended(1) => log::warn!("{name}: works again after a failure"),
            Self::Mended(n) => log::warn!("{name}: works again after {n} failures"),
        }
    }
}

/// How a Thing is called in errors and in the log: by the name that its chain gives to it, or by its own.
fn name_of(thing: &dyn OutputThing) -> String {
    given_to_source(|visitor| thing.describe(visitor)).unwrap_or_else(|| thing.name().to_owned())
}

/// The ports that a Thing's chain leads to.
pub(super) fn ports_of(thing: &dyn OutputThing) -> Vec<PortRef> {
    struct Ports(Vec<PortRef>);
    impl Visitor for Ports {
        fn filter(&mut self, _: &str) {}
        fn branch(&mut self, see: &dyn Fn(&mut dyn Visitor)) {
            see(self);
        }
        fn sink(&mut self, _: &str) {}
        fn port(&mut self, port: PortRef, _: bool) {
            self.0.push(port);
        }
    }
    let mut ports = Ports(Vec::new());
    thing.describe(&mut ports);
    ports.0
}

impl Running {
    /// When the tick was due that is about to be served, if it is one.
    fn tick(&self) -> Option<Instant> {
        match self.trigger {
            Trigger::Periodic(_, tick) if self.why == Why::Tick && self.ask != Ask::Complete => Some(tick),
            _ => None,
        }
    }

    fn produce(&mut self, engine: &Engine, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let thing = &mut *self.thing;
        if !thing.is_listened() {
            engine.say_unread(thing);
            return Ok(Demand::Done);
        }
        if self.ask == Ask::IfRoom && !thing.has_room() {
            return Ok(Demand::Full); // others have room again
        }
        self.asked = true;
        let demand = thing.produce(cx);
        self.gave = demand.is_ok();
        match demand {
            demand if self.trigger != Trigger::Once => demand,
            Ok(Demand::Done) => Ok(Demand::Done),
            Ok(_) => {
                engine.sparing_ports(true, thing, |thing| thing.complete(cx))?;
                Ok(Demand::Done)
            }
            Err(Failure::NotYet) => Err(StreamError::new(NOT_YET).into()), // it will not be asked again
            error => error,
        }
    }
}
