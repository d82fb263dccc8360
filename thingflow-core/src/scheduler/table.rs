//! The table of schedules: what is in it, and how it gets in and out.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::calls::ports_of;
use super::engine::Engine;
use super::handle::{ScheduleError, ScheduleHandle, ScheduleStats};
use super::inspect::Desk;
use super::keyed::Id;
use super::periodic::{Beat, OnFailure, Periodic};
use super::phase::{Phase, Wish};
use super::troubles::Troubles;
use crate::clock::Instant;
use crate::error::RunError;
use crate::notice::Question;
use crate::output::OutputThing;

pub(super) struct Schedule {
    /// `None` while it is being called.
    pub(super) thing: Option<Box<dyn OutputThing>>,
    pub(super) trigger: Trigger,
    pub(super) phase: Phase,
    pub(super) counts: Counts,
    rare: Option<Box<Rare>>,
    /// When a wish of what is connected without a port in between is due.
    pub(super) armed: Instant,
    pub(super) lists: Lists,
    /// It is not started before somebody listens to it: what is asked for its events, and no thread's inbox, which would fill.
    pub(super) awaits_reader: bool,
    /// It is let go when nobody is left who could do so.
    pub(super) may_be_forsaken: bool,
    /// It waits for that: the run does not go on for it.
    pub(super) unread: bool,
    /// Its thread has been asked for a sample and has not answered.
    pub(super) asks: bool,
}

/// What few schedules need, made when it is needed for the first time: a program may have a hundred thousand of them.
#[derive(Default)]
pub(super) struct Rare {
    pub(super) on_failure: OnFailure,
    pub(super) troubles: Troubles,
    /// False while it serves only somebody who is not part of a running graph: the run does not go on for it.
    pub(super) counts_for_the_run: Option<Rc<Cell<bool>>>,
}

/// What a schedule has done so far.
pub(super) enum Counts {
    /// With the handles, which show it when the schedule has ended.
    Shared(Rc<Cell<ScheduleStats>>),
    /// No handle is left.
    Own(ScheduleStats),
}

impl Counts {
    pub(super) fn get(&self) -> ScheduleStats {
        match self {
            Self::Shared(counts) => counts.get(),
            Self::Own(counts) => *counts,
        }
    }

    /// Lets go of what the last handle has left.
    pub(super) fn take_back(&mut self) {
        *self = Self::Own(self.get());
    }
}

/// On which of the engine's lists a schedule is, so that it is on none of them twice.
#[derive(Clone, Copy, Default)]
pub(super) struct Lists {
    pub(super) again: bool,
    pub(super) stalled: bool,
}

/// What makes the engine call a Thing.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Trigger {
    Periodic(Beat, Instant),
    Recurring,
    Once,
    /// A descriptor or an inbox.
    Event,
    /// The answers of a thread to what the graph has asked of it: a stop waits for them, and does not end it.
    Answers,
}

impl Schedule {
    pub(super) fn is_part_of_the_run(&self) -> bool {
        let counts = self.rare.as_ref().and_then(|rare| rare.counts_for_the_run.as_ref());
        !self.unread && counts.is_none_or(|counts| counts.get())
    }

    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn on_failure(&self) -> OnFailure {
        self.rare.as_ref().map(|rare| rare.on_failure).unwrap_or_default()
    }

    /// How many samplings have failed since the last one that did not.
    pub(super) fn failed_in_a_row(&self) -> u32 {
        self.rare.as_ref().map_or(0, |rare| rare.troubles.failed_in_a_row())
    }

    /// Notes a sampling that went well. After failures that were logged: how many there were in a row.
    pub(super) fn worked(&mut self) -> Option<u32> {
        self.rare.as_mut()?.troubles.worked()
    }

    /// Changes what is counted.
    pub(super) fn count(&mut self, change: impl FnOnce(&mut ScheduleStats)) {
        match &mut self.counts {
            Counts::Own(counts) => change(counts),
            Counts::Shared(counts) => {
                let mut changed = counts.get();
                change(&mut changed);
                counts.set(changed);
            }
        }
    }
}

/// A Thing that is being looked at. It goes back, unless it has been cancelled meanwhile.
struct Lent<'e> {
    engine: &'e Engine,
    id: Id,
    thing: Option<Box<dyn OutputThing>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(thing) = self.thing.take() else { return };
        let mut thing = Some(thing);
        self.engine.with_schedule(self.id, |schedule| {
            if schedule.phase != Phase::Cancelled {
                schedule.thing = thing.take();
            }
        });
        if let Some(thing) = thing {
            self.engine.remove(self.id);
            self.engine.note_failed(self.engine.drop_thing(thing));
        }
    }
}

impl Engine {
    pub(super) fn add(&self, thing: Box<dyn OutputThing>, trigger: Trigger) -> ScheduleHandle {
        let counts = Rc::default();
        let phase = if self.is_winding_down() { Phase::Stopped } else { Phase::New(Wish::Run) };
        let id = self.schedules.borrow_mut().insert(Schedule {
            thing: Some(thing),
            trigger,
            phase,
            counts: Counts::Shared(Rc::clone(&counts)),
            rare: None,
            armed: Instant::NEVER,
            lists: Lists::default(),
            awaits_reader: false,
            may_be_forsaken: false,
            unread: false,
            asks: false,
        });
        self.run.calls.unstarted.borrow_mut().push(id);
        ScheduleHandle { engine: self.me.clone(), id, counts }
    }

    pub(super) fn add_periodic(
        &self,
        thing: Box<dyn OutputThing>,
        timing: Periodic,
    ) -> Result<ScheduleHandle, ScheduleError> {
        timing.check()?;
        self.check(&*thing)?;
        let handle = self.add(thing, Trigger::Periodic(timing.beat(), self.now()));
        if timing.on_failure != OnFailure::Stop {
            self.with_schedule(handle.id, |schedule| schedule.rare_mut().on_failure = timing.on_failure);
        }
        self.await_reader(handle.id);
        self.set_first(handle.id, timing);
        Ok(handle)
    }

    pub(super) fn add_recurring(&self, thing: Box<dyn OutputThing>) -> Result<ScheduleHandle, ScheduleError> {
        self.check(&*thing)?;
        let handle = self.add(thing, Trigger::Recurring);
        self.await_reader(handle.id);
        Ok(handle)
    }

    /// Has a schedule wait for its first reader.
    pub(super) fn await_reader(&self, id: Id) {
        self.with_schedule(id, |schedule| schedule.awaits_reader = true);
    }

    pub(super) fn add_once(
        &self,
        thing: Box<dyn OutputThing>,
        delay: Duration,
    ) -> Result<ScheduleHandle, ScheduleError> {
        self.check(&*thing)?;
        let handle = self.add(thing, Trigger::Once);
        self.set_timer(handle.id, self.now() + delay);
        Ok(handle)
    }

    /// Refuses a Thing that feeds a port of another scheduler.
    pub(super) fn check(&self, thing: &dyn OutputThing) -> Result<(), ScheduleError> {
        match ports_of(thing).iter().find(|port| port.port().is_of_another(&self.link)) {
            Some(port) => Err(ScheduleError::OtherScheduler(port.name())),
            None => Ok(()),
        }
    }

    /// The name that the next schedule will have: an inbox announces itself by it.
    pub(super) fn next_id(&self) -> Id {
        self.schedules.borrow().next_id()
    }

    /// Changes a schedule, if it is still there.
    pub(super) fn with_schedule<R>(&self, id: Id, change: impl FnOnce(&mut Schedule) -> R) -> Option<R> {
        self.schedules.borrow_mut().get_mut(id).map(change)
    }

    // ---- looking at what is scheduled ----

    pub(super) fn ids(&self) -> Vec<Id> {
        self.schedules.borrow().ids().map(|(id, _)| id).collect()
    }

    /// Looks at a Thing, which is out of the table meanwhile: a question is user code, which may use the engine. `None` if the
    /// Thing is being called, or gone.
    pub(super) fn look_at<R>(&self, id: Id, look: impl FnOnce(&dyn OutputThing) -> R) -> Option<R> {
        let lent = Lent { engine: self, id, thing: Some(self.with_schedule(id, |schedule| schedule.thing.take())??) };
        lent.thing.as_deref().map(look)
    }

    /// Whether a stop waits for a schedule.
    pub(super) fn schedule_holds(&self, id: Id) -> bool {
        let answers = |schedule: &mut Schedule| {
            let phase = if schedule.asks { Phase::Ending } else { schedule.phase };
            (phase, schedule.trigger == Trigger::Answers && schedule.is_part_of_the_run())
        };
        match self.with_schedule(id, answers) {
            Some((Phase::Ending, _)) => true, // or its thread is to answer
            Some((Phase::Stopped | Phase::Draining, _) | (_, true)) => {
                self.look_at(id, |thing| thing.is_draining() || thing.ask(Question::Holding)) == Some(true)
            }
            Some(_) | None => false,
        }
    }

    // ---- what handles ask for ----

    pub(super) fn cancel(&self, id: Id) {
        let called = self.with_schedule(id, |schedule| {
            if schedule.thing.is_none() {
                schedule.phase = Phase::Cancelled;
            }
            schedule.thing.is_none()
        });
        if called == Some(false) {
            self.let_go(id);
        }
    }

    pub(super) fn pause(&self, id: Id) {
        self.with_schedule(id, |schedule| schedule.phase.pause());
    }

    pub(super) fn unpause(&self, id: Id) {
        let due = self.with_schedule(id, |schedule| {
            let due = schedule.phase.resume();
            due && !matches!(schedule.trigger, Trigger::Periodic(..)) // that one keeps its ticks
        });
        if due == Some(true) {
            self.call_soon(id);
        }
    }

    /// Completes a schedule in the next turn.
    pub(super) fn end(&self, id: Id) {
        if self.with_schedule(id, |schedule| schedule.phase.end()) == Some(true) {
            self.call_soon(id);
        }
    }

    pub(super) fn phase(&self, id: Id) -> Option<Phase> {
        let schedules = self.schedules.borrow();
        schedules.get(id).map(|schedule| schedule.phase).filter(|phase| *phase != Phase::Cancelled)
    }

    // ---- the way out ----

    /// Ends a schedule whose Thing is in the table.
    pub(super) fn let_go(&self, id: Id) {
        if let Some(Some(thing)) = self.remove(id) {
            self.note_failed(self.drop_thing(thing));
        }
    }

    /// Takes a schedule out of the table: its Thing, unless that is being called.
    pub(super) fn remove(&self, id: Id) -> Option<Option<Box<dyn OutputThing>>> {
        let schedule = self.schedules.borrow_mut().remove(id)?;
        if let Some(desk) = self.desk.get() {
            desk.forget(id);
        }
        self.watched.forget(id);
        if schedule.trigger == Trigger::Answers {
            self.ask_all(); // those whose events the thread has taken may have nobody else who wants some
        }
        if schedule.phase != Phase::Draining {
            self.forget_rate(schedule.trigger);
        }
        Some(schedule.thing)
    }

    /// Drops a Thing, and so takes its descriptors off the reactor. Its own `Drop` may use the engine, which is whole.
    pub(super) fn drop_thing(&self, thing: Box<dyn OutputThing>) -> Result<(), RunError> {
        self.discard(move |name| {
            thing.name().clone_into(name);
            drop(thing);
        })
    }

    /// Whether there is a schedule to run for: not for one that is paused, which nobody would let go on.
    pub(super) fn has_schedules(&self) -> bool {
        let controlled = self.desk.get().is_some_and(Desk::is_controlled);
        let may_go_on = |schedule: &Schedule| controlled || !schedule.phase.is_paused();
        self.schedules.borrow().iter().any(|schedule| may_go_on(schedule) && schedule.is_part_of_the_run())
    }
}
