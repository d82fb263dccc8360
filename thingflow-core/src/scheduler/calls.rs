//! Calling a Thing, and what follows from it: the next tick, a pause, the end of its schedule or of the run.
//!
//! While a Thing is called it is out of the table, and nothing of the engine is borrowed: so a Thing may schedule, cancel
//! and stop from inside its own call.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::engine::Engine;
use super::keyed::Id;
use super::pauses::Stalled;
use super::periodic::OnFailure;
use super::table::{Driven, Flags, Schedule, Trigger};
use super::timers::{Due, Kind};
use crate::clock::Instant;
use crate::context::{Context, Host, ON_RESUME};
use crate::error::{Failure, FatalError, NOT_YET, RunError, StreamError};
use crate::output::OutputThing;
use crate::port::PortRef;
use crate::thing::{Demand, Receipt};
use crate::visit::Visitor;

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
    /// Somebody further down has room again.
    Resumed,
}

/// A Thing that is out of the table because it is being called.
struct Running {
    id: Id,
    why: Why,
    thing: Driven,
    /// It is called once only.
    once: bool,
    recurs: bool,
    /// Set free by a resume that may have been meant for others.
    resumed: bool,
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
}

impl Engine {
    /// Calls a Thing, if it is still there and may be called.
    pub(super) fn call(&self, id: Id, why: Why) -> Result<(), RunError> {
        if why != Why::Start && !self.run.unstarted.borrow().is_empty() {
            self.call(id, Why::Start)?; // perhaps it was scheduled from inside of a call, in this very turn
        }
        let Some(mut running) = self.take(id, why) else { return Ok(()) };
        let resumes = self.resumed.get();
        let mut cx = Context::new(self.now(), self);
        match catch_unwind(AssertUnwindSafe(|| self.serve(&mut running, &mut cx))) {
            Ok(Ok(mut outcome)) => {
                if outcome.demand == Demand::Full && self.resumed.get() != resumes {
                    outcome.demand = Demand::More;
                }
                self.finish(running, &outcome, &mut cx)
            }
            Ok(Err(token)) => Err(self.failed(running, cx.take_error(token))),
            Err(panic) => Err(self.failed(running, self.panicked(&*panic))),
        }
    }

    /// Puts a Thing back that is closed with all the others.
    #[cold]
    fn failed(&self, Running { id, thing, .. }: Running, mut error: RunError) -> RunError {
        error.name_thing(|| thing.as_output().name().to_owned());
        self.with_schedule(id, |schedule| schedule.thing = Some(thing));
        error
    }

    fn take(&self, id: Id, why: Why) -> Option<Running> {
        let mut schedules = self.schedules.borrow_mut();
        let schedule = schedules.get_mut(id)?;
        let flags = &mut schedule.flags;
        let mut resumed = false;
        match why {
            Why::Start if std::mem::replace(&mut flags.started, true) => return None,
            Why::Start => {}
            Why::Wake => schedule.armed = Instant::NEVER,
            Why::Resumed => flags.stalled = false,
            Why::Tick | Why::Turn => {
                flags.queued &= why != Why::Turn;
                if flags.paused || schedule.trigger == Trigger::Never {
                    if why == Why::Tick {
                        self.set_next_tick(id, schedule, self.now(), None);
                    }
                    return None;
                }
                resumed = std::mem::take(&mut flags.resumed);
            }
        }
        let (once, recurs, asks) = (flags.once, schedule.trigger == Trigger::Recurring, flags.asks);
        let thing = schedule.thing.take()?;
        Some(Running { id, why, thing, once, recurs, resumed, asked: false, gave: false, asks })
    }

    /// All that is user code.
    fn serve(&self, running: &mut Running, cx: &mut Context<'_>) -> Result<Outcome, FatalError> {
        let thing = running.thing.output();
        let _watched = self.watched(thing.name());
        let demand = match running.why {
            Why::Start => thing.start(cx).map_err(Failure::from),
            Why::Wake | Why::Resumed => {
                let drains = thing.is_draining();
                let demand = self.sparing_ports(running.once, thing, |thing| thing.wake(cx).map_err(Failure::from));
                if drains && demand.is_ok() && !thing.is_draining() { Ok(Demand::Done) } else { demand }
            }
            Why::Tick | Why::Turn => running.produce(self, cx),
        };
        let thing = running.thing.output();
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
        let due = if running.recurs && !done { thing.due(cx) } else { None };
        Ok(Outcome { demand, due, again, drains: done && thing.is_draining() })
    }

    /// Ends the stream of what runs once, but not a port that its chain leads to, which others may feed.
    fn sparing_ports<R>(
        &self,
        once: bool,
        thing: &mut dyn OutputThing,
        call: impl FnOnce(&mut dyn OutputThing) -> R,
    ) -> R {
        if once {
            *self.run.spared.borrow_mut() = ports_of(thing);
        }
        let result = call(thing);
        if once {
            self.run.spared.take();
        }
        result
    }

    /// Puts a Thing back into the table, or drops it, and sees to what it has asked for.
    fn finish(&self, running: Running, outcome: &Outcome, cx: &mut Context<'_>) -> Result<(), RunError> {
        let Running { id, why, mut thing, recurs, asked, gave, asks, .. } = running;
        let done = outcome.demand == Demand::Done;
        if outcome.drains {
            self.note_failed(self.stop_calling(id, &mut thing));
        }
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(id) else {
            drop(schedules);
            return self.end(id, thing);
        };
        let over = !schedule.flags.asks; // a tick is, once a thread that was asked has answered
        schedule.counts.ticks += u64::from(asked && over);
        schedule.failed_in_a_row *= u32::from(!gave || !over);
        if done && !outcome.drains || schedule.flags.cancelled {
            drop(schedules);
            return self.end(id, thing);
        }
        let unheard = why == Why::Start && matches!(thing, Driven::Events(_));
        schedule.thing = Some(thing);
        if outcome.demand == Demand::Full && !std::mem::replace(&mut schedule.flags.paused, true) {
            self.run.paused.borrow_mut().push(id);
        }
        let later = outcome.due.filter(|due| *due > cx.now());
        if let Some(due) = later {
            cx.wake_at(due);
        }
        // What came before a descriptor was registered is not announced.
        if cx.take_again() || unheard || recurs && !done && later.is_none() {
            self.queue(id, &mut schedule.flags);
        }
        if cx.due != Instant::NEVER {
            self.set_wake(id, schedule, cx);
        }
        if over && (why == Why::Tick || asks) {
            self.set_next_tick(id, schedule, cx.now(), outcome.again);
        }
        Ok(())
    }

    #[cold]
    fn end(&self, id: Id, thing: Driven) -> Result<(), RunError> {
        let trigger = self.remove(id).map_or(Trigger::Never, |(_, trigger)| trigger);
        self.drop_thing(id, thing, trigger)
    }

    /// Stops calling a Thing that has ended: from now on it is only woken.
    #[cold]
    fn stop_calling(&self, id: Id, thing: &mut Driven) -> Result<(), RunError> {
        let trigger = self.with_schedule(id, |schedule| std::mem::replace(&mut schedule.trigger, Trigger::Never));
        if let Some(trigger) = trigger.filter(|trigger| *trigger != Trigger::Never) {
            self.forget_rate(trigger);
            self.discard(|_| self.deregister(id, thing))?;
        }
        Ok(())
    }

    /// Calls a Thing in this turn or the next.
    pub(super) fn call_soon(&self, id: Id) {
        self.with_schedule(id, |schedule| self.queue(id, &mut schedule.flags));
    }

    fn queue(&self, id: Id, flags: &mut Flags) {
        if !std::mem::replace(&mut flags.queued, true) {
            self.run.again.borrow_mut().push_back(id);
        }
    }

    /// Sets a wake-up for what is connected to a schedule without a port in between.
    #[cold]
    fn set_wake(&self, id: Id, schedule: &mut Schedule, cx: &mut Context<'_>) {
        cx.catch_up_on_resumes();
        if cx.stalled && !std::mem::replace(&mut schedule.flags.stalled, true) {
            self.run.stalled.borrow_mut().push(Stalled::Flow(id));
        }
        if cx.due != ON_RESUME {
            self.arm(id, schedule, cx.due);
        }
    }

    fn arm(&self, id: Id, schedule: &mut Schedule, due: Instant) {
        if due < schedule.armed {
            schedule.armed = due;
            self.run.timers.borrow_mut().once(due, self.slack(None), Due { kind: Kind::Flow, id });
        }
    }

    #[cold]
    fn sample_failed(&self, id: Id, thing: &mut dyn OutputThing, error: StreamError, cx: &mut Context<'_>) -> Receipt {
        let policy = self.with_schedule(id, |schedule| {
            schedule.counts.failures += 1;
            schedule.failed_in_a_row += 1;
            (schedule.on_failure, schedule.failed_in_a_row)
        });
        let give_up = match policy {
            None => return Ok(Demand::Done),
            Some((OnFailure::Stop, _)) => true,
            Some((OnFailure::Skip, _)) => false,
            Some((OnFailure::Fatal, _)) => return Err(cx.fatal(error)),
            Some((OnFailure::Retry { attempts, .. }, failed)) => failed >= attempts,
        };
        if give_up {
            thing.fail(error, cx)?;
            return Ok(Demand::Done);
        }
        self.report(thing.name(), &error);
        Ok(Demand::More)
    }
}

/// The ports that a Thing's chain leads to.
fn ports_of(thing: &dyn OutputThing) -> Vec<usize> {
    struct Ports(Vec<usize>);
    impl Visitor for Ports {
        fn filter(&mut self, _: &str) {}
        fn branch(&mut self, see: &dyn Fn(&mut dyn Visitor)) {
            see(self);
        }
        fn sink(&mut self, _: &str) {}
        fn port(&mut self, port: PortRef, _: bool) {
            self.0.push(port.id());
        }
    }
    let mut ports = Ports(Vec::new());
    thing.describe(&mut ports);
    ports.0
}

impl Running {
    fn produce(&mut self, engine: &Engine, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let thing = self.thing.output();
        if !thing.is_listened() {
            return Ok(Demand::Done);
        }
        if self.resumed && !thing.has_room() {
            return Ok(Demand::Full); // others have room again
        }
        self.asked = true;
        let demand = thing.produce(cx);
        self.gave = demand.is_ok();
        match demand {
            demand if !self.once => demand,
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
