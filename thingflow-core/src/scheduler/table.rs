//! The table of schedules: what is in it, and how it gets in and out.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::EventThing;
use super::engine::Engine;
use super::handle::{ScheduleError, ScheduleHandle, ScheduleStats};
use super::keyed::Id;
use super::periodic::{Beat, OnFailure, Periodic};
use crate::clock::Instant;
use crate::error::RunError;
use crate::output::OutputThing;

pub(super) struct Schedule {
    /// `None` while it is being called.
    pub(super) thing: Option<Driven>,
    pub(super) trigger: Trigger,
    pub(super) counts: ScheduleStats,
    /// Where the counts go when the schedule has ended.
    last_counts: Rc<Cell<ScheduleStats>>,
    pub(super) failed_in_a_row: u32,
    pub(super) on_failure: OnFailure,
    /// When a wish of what is connected without a port in between is due.
    pub(super) armed: Instant,
    pub(super) flags: Flags,
    /// False while it serves only somebody who is not part of a running graph: the run does not go on for it.
    pub(super) counts_for_the_run: Option<Rc<Cell<bool>>>,
}

impl Schedule {
    /// Whether it is part of a running graph.
    pub(super) fn counts(&self) -> bool {
        self.counts_for_the_run.as_ref().is_none_or(|counts| counts.get())
    }
}

#[derive(Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // each is asked for alone
pub(super) struct Flags {
    pub(super) started: bool,
    /// It has been scheduled for one call.
    pub(super) once: bool,
    pub(super) cancelled: bool,
    pub(super) paused: bool,
    /// Set free by a resume that may have been meant for others.
    pub(super) resumed: bool,
    /// Whether it is among the stalled.
    pub(super) stalled: bool,
    /// Whether it waits for its turn.
    pub(super) queued: bool,
    /// Its thread has been asked for a sample and has not answered.
    pub(super) asks: bool,
}

pub(super) enum Driven {
    Output(Box<dyn OutputThing>),
    Events(Box<dyn EventThing>),
}

impl Driven {
    pub(super) fn output(&mut self) -> &mut dyn OutputThing {
        match self {
            Self::Output(thing) => &mut **thing,
            Self::Events(thing) => &mut **thing,
        }
    }

    pub(super) fn as_output(&self) -> &dyn OutputThing {
        match self {
            Self::Output(thing) => &**thing,
            Self::Events(thing) => &**thing,
        }
    }
}

/// What makes the engine call a Thing.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Trigger {
    Periodic(Beat, Instant),
    Recurring,
    Once,
    /// A descriptor or an inbox.
    Event,
    /// Nothing any more: its chain is woken until it has drained.
    Never,
}

impl Engine {
    pub(super) fn add(&self, thing: Box<dyn OutputThing>, trigger: Trigger) -> ScheduleHandle {
        self.insert(Driven::Output(thing), trigger)
    }

    pub(super) fn add_periodic(
        &self,
        thing: Box<dyn OutputThing>,
        timing: Periodic,
    ) -> Result<ScheduleHandle, ScheduleError> {
        timing.check()?;
        let handle = self.insert(Driven::Output(thing), Trigger::Periodic(timing.beat(), self.now()));
        self.with_schedule(handle.id, |schedule| schedule.on_failure = timing.on_failure);
        self.set_first(handle.id, timing);
        Ok(handle)
    }

    pub(super) fn add_once(&self, thing: Box<dyn OutputThing>, delay: Duration) -> ScheduleHandle {
        let handle = self.insert(Driven::Output(thing), Trigger::Once);
        self.set_timer(handle.id, self.now() + delay);
        handle
    }

    pub(super) fn add_events(&self, mut thing: Box<dyn EventThing>) -> Result<ScheduleHandle, ScheduleError> {
        let key = self.next_id().key as usize;
        thing.register(&mut self.reactor().registry(key)).map_err(ScheduleError::Register)?;
        Ok(self.insert(Driven::Events(thing), Trigger::Event))
    }

    /// The name that the next schedule will have: an inbox announces itself by it.
    pub(super) fn next_id(&self) -> Id {
        self.schedules.borrow().next_id()
    }

    fn insert(&self, thing: Driven, trigger: Trigger) -> ScheduleHandle {
        let last_counts = Rc::default();
        let id = self.schedules.borrow_mut().insert(Schedule {
            thing: Some(thing),
            trigger,
            counts: ScheduleStats::default(),
            last_counts: Rc::clone(&last_counts),
            failed_in_a_row: 0,
            on_failure: OnFailure::Stop,
            armed: Instant::NEVER,
            flags: Flags { once: trigger == Trigger::Once, ..Flags::default() },
            counts_for_the_run: None,
        });
        self.run.unstarted.borrow_mut().push(id);
        ScheduleHandle { engine: self.me.clone(), id, last_counts }
    }

    /// Changes a schedule, if it is still there.
    pub(super) fn with_schedule<R>(&self, id: Id, change: impl FnOnce(&mut Schedule) -> R) -> Option<R> {
        self.schedules.borrow_mut().get_mut(id).map(change)
    }

    pub(super) fn cancel(&self, id: Id) {
        let called = self.with_schedule(id, |schedule| {
            let called = schedule.thing.is_none();
            schedule.flags.cancelled |= called; // in the middle of its call: goes when that is over
            called
        });
        if called == Some(false) {
            self.let_go(id);
        }
    }

    /// Takes a schedule out of the table, and drops its Thing.
    pub(super) fn let_go(&self, id: Id) {
        if let Some((Some(thing), trigger)) = self.remove(id) {
            self.note_failed(self.drop_thing(id, thing, trigger));
        }
    }

    /// Takes a schedule out of the table: its Thing, unless that is being called, and what has made it run.
    pub(super) fn remove(&self, id: Id) -> Option<(Option<Driven>, Trigger)> {
        let schedule = self.schedules.borrow_mut().remove(id)?;
        self.forget_rate(schedule.trigger);
        schedule.last_counts.set(schedule.counts);
        Some((schedule.thing, schedule.trigger))
    }

    /// Takes a Thing's descriptors off the reactor and drops it. Its own `Drop` may use the engine, which is whole.
    pub(super) fn drop_thing(&self, id: Id, mut thing: Driven, trigger: Trigger) -> Result<(), RunError> {
        self.discard(move |name| {
            thing.as_output().name().clone_into(name);
            if trigger != Trigger::Never {
                self.deregister(id, &mut thing);
            }
            drop(thing);
        })
    }

    pub(super) fn deregister(&self, id: Id, thing: &mut Driven) {
        if let Driven::Events(thing) = thing
            && let Err(error) = thing.deregister(&mut self.reactor().registry(id.key as usize))
        {
            log::debug!("{}: its descriptor could not be taken off the reactor: {error}", thing.name());
        }
    }

    pub(super) fn is_active(&self, id: Id) -> bool {
        self.schedules.borrow().get(id).is_some_and(|schedule| !schedule.flags.cancelled)
    }

    pub(super) fn counts(&self, id: Id) -> Option<ScheduleStats> {
        self.schedules.borrow().get(id).map(|schedule| schedule.counts)
    }

    /// Whether there is a schedule to run for.
    pub(super) fn has_schedules(&self) -> bool {
        self.schedules.borrow().iter().any(Schedule::counts)
    }
}
