//! Calling a Thing, and what follows from it: the next tick, a pause, the end of its schedule or of the run.
//!
//! While a Thing is called it is out of the table, and nothing of the engine is borrowed: so a Thing may schedule, cancel
//! and stop from inside its own call.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::engine::{Driven, Engine, Schedule, Trigger, index, panic_text};
use super::pauses::Stalled;
use super::periodic::{Beat, Missed, OnFailure};
use super::timers::{Due, Kind};
use crate::clock::{Instant, nanos};
use crate::context::{Context, Host, ON_RESUME};
use crate::error::{Failure, NOT_YET, RunError, StreamError};
use crate::output::OutputThing;
use crate::thing::{Demand, Receipt};

/// How a call went.
type Outcome = Result<Demand, Failure>;

/// When a call was over, and when the Thing wants to be asked again, if it had nothing yet.
pub(super) struct Called {
    pub(super) done_at: Instant,
    pub(super) again: Option<Instant>,
}

impl Engine {
    /// Calls a Thing because it is due.
    pub(super) fn call(&self, key: usize, serial: u32) -> Result<Called, RunError> {
        let resumed = match self.schedules.borrow_mut().get_mut(key).filter(|schedule| schedule.serial == serial) {
            Some(schedule) if !schedule.paused && schedule.trigger != Trigger::Never => {
                std::mem::take(&mut schedule.resumed)
            }
            _ => return Ok(Called { done_at: self.now(), again: None }),
        };
        self.with_thing(key, serial, |thing, cx| {
            if !thing.is_listened() {
                return Ok(Demand::Done);
            }
            if resumed && !thing.has_room() {
                return Ok(Demand::Full); // others have room again
            }
            let outcome = thing.produce(cx);
            match outcome {
                outcome if !self.called(key, outcome.is_ok()) => outcome,
                Err(Failure::NotYet) => Err(StreamError::new(NOT_YET).into()), // it will not be asked again
                outcome => outcome.map(|_| Demand::Done),
            }
        })
    }

    /// Wakes what is connected to a schedule without a port in between. If it drains, that is all it does until it has.
    pub(super) fn wake(&self, key: usize, serial: u32) -> Result<Called, RunError> {
        self.with_thing(key, serial, |thing, cx| {
            let drains = thing.is_draining();
            let demand = thing.wake(cx)?;
            Ok(if drains && !thing.is_draining() { Demand::Done } else { demand })
        })
    }

    /// Counts a call: whether it was the only one.
    fn called(&self, key: usize, well: bool) -> bool {
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(key) else { return false };
        schedule.counts.ticks += 1;
        if well {
            schedule.failed_in_a_row = 0;
        }
        matches!(schedule.trigger, Trigger::Once)
    }

    pub(super) fn with_thing(
        &self,
        key: usize,
        serial: u32,
        call: impl FnOnce(&mut dyn OutputThing, &mut Context<'_>) -> Outcome,
    ) -> Result<Called, RunError> {
        let mut again = None;
        let Some(mut thing) = self.take_thing(key, serial) else { return Ok(Called { done_at: self.now(), again }) };
        let resumed = self.resumed.get();
        let mut cx = Context::new(self.now(), self);
        let outcome = catch_unwind(AssertUnwindSafe(|| call(thing.output(), &mut cx)));
        let outcome = match outcome {
            Ok(Ok(demand)) => Ok(demand),
            Ok(Err(Failure::Sample(error))) => self.sample_failed(key, thing.output(), error, &mut cx),
            Ok(Err(Failure::NotYet)) => {
                again = thing.output().due(&mut cx);
                Ok(Demand::More)
            }
            Ok(Err(Failure::Fatal(token))) => Err(cx.take_error(token)),
            Err(panic) => Err(self.panicked(&*panic)),
        };
        match outcome {
            Ok(demand) => {
                let done_at = cx.now();
                let room = demand == Demand::Full && self.resumed.get() != resumed;
                let demand = if room { Demand::More } else { demand };
                self.put_back(key, thing, demand, &mut cx);
                Ok(Called { done_at, again })
            }
            Err(mut error) => {
                error.name_thing(|| thing.as_output().name().to_owned());
                self.put_back(key, thing, Demand::More, &mut cx); // closed with all the others
                Err(error)
            }
        }
    }

    pub(super) fn take_thing(&self, key: usize, serial: u32) -> Option<Driven> {
        let mut schedules = self.schedules.borrow_mut();
        let schedule = schedules.get_mut(key).filter(|schedule| schedule.serial == serial)?;
        schedule.thing.take()
    }

    pub(super) fn put_back(&self, key: usize, mut thing: Driven, demand: Demand, cx: &mut Context<'_>) {
        let recurs = demand != Demand::Done && self.recurs(key);
        let due = if recurs { thing.output().due(cx) } else { None };
        let drains = demand == Demand::Done && thing.as_output().is_draining();
        if drains {
            self.stop_calling(key, &mut thing);
        }
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(key) else { return };
        let over = demand == Demand::Done && !drains || schedule.cancelled;
        if over {
            let called = schedule.trigger != Trigger::Never;
            drop(schedules);
            self.remove(key);
            if called {
                self.deregister(key, &mut thing);
            }
            return; // the Thing is dropped last, when the engine is whole again
        }
        schedule.thing = Some(thing);
        let serial = schedule.serial;
        if demand == Demand::Full && !std::mem::replace(&mut schedule.paused, true) {
            self.paused.borrow_mut().push((key, serial));
        }
        drop(schedules);
        let later = due.filter(|due| *due > cx.now());
        if let Some(due) = later {
            cx.wake_at(due);
        }
        if cx.take_again() || recurs && later.is_none() {
            self.call_soon(key, serial);
        }
        if cx.due != Instant::NEVER {
            self.wake_flow(key, cx.due, cx.stalled);
        }
    }

    fn recurs(&self, key: usize) -> bool {
        self.schedules.borrow().get(key).is_some_and(|schedule| matches!(schedule.trigger, Trigger::Recurring))
    }

    /// Sets a wake-up for what is connected to a schedule without a port in between.
    #[cold]
    pub(super) fn wake_flow(&self, key: usize, due: Instant, stalled: bool) {
        let mut schedules = self.schedules.borrow_mut();
        if stalled
            && let Some(schedule) = schedules.get_mut(key)
            && !std::mem::replace(&mut schedule.stalled, true)
        {
            self.stalled.borrow_mut().push(Stalled::Flow(key, schedule.serial));
        }
        let wanted = |schedule: &&mut Schedule| due < schedule.armed && due != ON_RESUME;
        let Some(schedule) = schedules.get_mut(key).filter(wanted) else { return };
        schedule.armed = due;
        let what = Due { kind: Kind::Flow, key: index(key), serial: schedule.serial };
        self.timers.borrow_mut().once(due, self.slack(None), what);
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Runs `call` outside of any schedule.
    pub(super) fn guarded(&self, call: impl FnOnce(&mut Context<'_>) -> Receipt) -> Result<(), RunError> {
        let mut cx = Context::new(self.now(), self);
        match catch_unwind(AssertUnwindSafe(|| call(&mut cx))) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(token)) => Err(cx.take_error(token)),
            Err(panic) => Err(self.panicked(&*panic)),
        }
    }

    pub(super) fn panicked(&self, panic: &(dyn std::any::Any + Send)) -> RunError {
        let mut error = RunError::new(format!("panicked: {}", panic_text(panic)));
        if let Some(name) = self.culprit.take() {
            error.name_thing(|| name);
        }
        error
    }

    pub(super) fn sample_failed(
        &self,
        key: usize,
        thing: &mut dyn OutputThing,
        error: StreamError,
        cx: &mut Context<'_>,
    ) -> Result<Demand, RunError> {
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(key) else { return Ok(Demand::Done) };
        schedule.counts.failures += 1;
        schedule.failed_in_a_row += 1;
        let failed = schedule.failed_in_a_row;
        let give_up = match schedule.on_failure {
            OnFailure::Stop => true,
            OnFailure::Skip => false,
            OnFailure::Fatal => return Err(RunError::new(error)),
            OnFailure::Retry { attempts, .. } => failed >= attempts,
        };
        drop(schedules);
        if give_up {
            thing.fail(error, cx).map_err(|token| cx.take_error(token))?;
            return Ok(Demand::Done);
        }
        self.report(thing.name(), &error);
        Ok(Demand::More)
    }
}

impl Schedule {
    /// When a failed sampling is tried again.
    pub(super) fn next_try(&self, now: Instant) -> Option<Instant> {
        match self.on_failure {
            OnFailure::Retry { first, longest, .. } if self.failed_in_a_row > 0 => {
                let times = 1 << (self.failed_in_a_row - 1).min(20);
                Some(now + first.saturating_mul(times).min(longest))
            }
            _ => None,
        }
    }

    /// When a periodic schedule is due next. `now` is when its Thing had been called.
    pub(super) fn next_tick(&mut self, beat: &Beat, tick: Instant, now: Instant) -> Instant {
        let next = tick + beat.period;
        match beat.missed {
            Missed::Delay => now + beat.period,
            Missed::Skip if next < now => {
                let period = nanos(beat.period);
                let missed = (now - next).as_nanos().div_ceil(u128::from(period));
                let missed = u64::try_from(missed).unwrap_or(u64::MAX);
                self.counts.missed += missed;
                Instant::from_nanos(next.as_nanos().saturating_add(missed.saturating_mul(period)))
            }
            Missed::Skip | Missed::CatchUp => next,
        }
    }
}
