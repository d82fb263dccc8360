//! The engine behind a [`Scheduler`](super::Scheduler): its state, and the table of schedules.
//!
//! `turn.rs` has the phases of a turn, `calls.rs` how a Thing is called. A turn calls each Thing at most once, so that
//! nobody starves the others.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use slab::Slab;

use super::EventThing;
use super::calls::Called;
use super::clocks::RunClock;
use super::edge::Threads;
use super::handle::{ScheduleError, ScheduleHandle, ScheduleStats};
use super::host::Waiting;
use super::inbox::{Doorbell, InboxId};
use super::pauses::Stalled;
use super::periodic::{Beat, First, OnFailure, Periodic};
use super::reactor::Reactor;
use super::timers::{Due, Kind, Timers};
use crate::clock::Instant;
use crate::context::Job;
use crate::error::RunError;
use crate::output::OutputThing;
use crate::port::{Hub, RunLink};
use crate::reports::Reports;
use crate::visit::shows_anything;

pub(super) struct Engine {
    pub(super) clock: RunClock,
    pub(super) link: Rc<RunLink>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) bell: Arc<Doorbell>,
    pub(super) threads: Threads,
    /// Samplings that edge threads have been asked for and have not answered: the virtual clock waits for them.
    pub(super) asked: Rc<Cell<usize>>,
    pub(super) reactor: RefCell<Reactor>,
    pub(super) schedules: RefCell<Slab<Schedule>>,
    pub(super) timers: RefCell<Timers>,
    pub(super) ports: RefCell<Slab<Waiting>>,
    /// Ports and joins behind which something still drains: kept, and run for, until it has.
    pub(super) lingering: RefCell<Vec<Rc<dyn Hub>>>,
    /// Schedules to call in the next turn.
    pub(super) again: RefCell<VecDeque<(usize, u32)>>,
    pub(super) unstarted: RefCell<Vec<(usize, u32)>>,
    pub(super) paused: RefCell<Vec<(usize, u32)>>,
    /// How often paused sources were set free: who was set free while it was called does not pause after it.
    pub(super) resumed: Cell<u64>,
    /// Stages that hold events back until somebody has room again, and those of them to be woken in the next turn.
    pub(super) stalled: RefCell<Vec<Stalled>>,
    pub(super) unstalled: RefCell<Vec<Stalled>>,
    /// Sources that were paused, to be called in the next turn.
    pub(super) freed: RefCell<Vec<(usize, u32)>>,
    pub(super) jobs: RefCell<VecDeque<Job>>,
    pub(super) reports: Reports,
    pub(super) culprit: RefCell<Option<String>>,
    pub(super) phases: RefCell<Vec<(Duration, Instant)>>,
    /// Periodic ticks a second, for the choice of slack.
    pub(super) rate: Cell<f64>,
    /// Feedback on its way: the run goes on for it.
    pub(super) later: Cell<usize>,
    pub(super) serial: Cell<u32>,
    pub(super) me: Weak<Engine>,
    /// Kept from turn to turn, so that a turn allocates nothing.
    pub(super) due: RefCell<Vec<(Due, Instant)>>,
    pub(super) ready: RefCell<Vec<usize>>,
    pub(super) inboxes: RefCell<Vec<InboxId>>,
}

pub(super) struct Schedule {
    /// `None` while it is being called.
    pub(super) thing: Option<Driven>,
    pub(super) trigger: Trigger,
    pub(super) serial: u32,
    pub(super) counts: ScheduleStats,
    /// Where the counts go when the schedule has ended.
    pub(super) last_counts: Rc<Cell<ScheduleStats>>,
    pub(super) failed_in_a_row: u32,
    pub(super) cancelled: bool,
    pub(super) paused: bool,
    /// Set free by a resume that may have been meant for others.
    pub(super) resumed: bool,
    /// Whether it is among the stalled.
    pub(super) stalled: bool,
    pub(super) queued: bool,
    pub(super) armed: Instant,
    pub(super) on_failure: OnFailure,
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

/// Above this many ticks a second, ticks are grouped.
const CROWDED: f64 = 2_000.0;
/// Half of it is the median lateness, which stays below that of a timer wheel of milliseconds; see `benches/`.
const GROUPED: Duration = Duration::from_micros(1_900);

impl Engine {
    pub(super) fn new(clock: RunClock) -> Result<Rc<Self>, RunError> {
        let reactor = Reactor::new().map_err(RunError::new)?;
        let bell = Arc::new(Doorbell::new(reactor.waker()));
        let (link, ring) = (Rc::new(RunLink::default()), bell.clone());
        link.trackers.set_bell(move || ring.wake_up());
        Ok(Rc::new_cyclic(|me| Self {
            clock,
            link,
            stop: Arc::default(),
            bell,
            threads: Threads::default(),
            asked: Rc::default(),
            reactor: RefCell::new(reactor),
            schedules: RefCell::default(),
            timers: RefCell::default(),
            ports: RefCell::default(),
            lingering: RefCell::default(),
            again: RefCell::default(),
            unstarted: RefCell::default(),
            paused: RefCell::default(),
            resumed: Cell::new(0),
            stalled: RefCell::default(),
            unstalled: RefCell::default(),
            freed: RefCell::default(),
            jobs: RefCell::default(),
            reports: Reports::default(),
            culprit: RefCell::default(),
            phases: RefCell::default(),
            rate: Cell::new(0.0),
            later: Cell::new(0),
            serial: Cell::new(0),
            me: me.clone(),
            due: RefCell::default(),
            ready: RefCell::default(),
            inboxes: RefCell::default(),
        }))
    }

    pub(super) fn reactor(&self) -> std::cell::RefMut<'_, Reactor> {
        self.reactor.borrow_mut()
    }

    // ---- the table ----

    pub(super) fn add(&self, thing: Box<dyn OutputThing>, trigger: Trigger) -> Result<ScheduleHandle, ScheduleError> {
        let handle = self.insert(Driven::Output(thing), trigger);
        if trigger == Trigger::Recurring {
            self.call_soon(handle.key, handle.serial);
        }
        Ok(handle)
    }

    pub(super) fn add_periodic(
        &self,
        thing: Box<dyn OutputThing>,
        timing: Periodic,
    ) -> Result<ScheduleHandle, ScheduleError> {
        if timing.period.is_zero() {
            return Err(ScheduleError::ZeroPeriod);
        }
        let handle = self.insert(Driven::Output(thing), Trigger::Periodic(timing.beat(), self.now()));
        self.set_on_failure(&handle, timing.on_failure);
        self.set_first(&handle, timing);
        Ok(handle)
    }

    pub(super) fn add_once(&self, thing: Box<dyn OutputThing>, delay: Duration) -> ScheduleHandle {
        let handle = self.insert(Driven::Output(thing), Trigger::Once);
        self.set_timer(&handle, self.now() + delay);
        handle
    }

    pub(super) fn add_events(&self, mut thing: Box<dyn EventThing>) -> Result<ScheduleHandle, ScheduleError> {
        let key = self.schedules.borrow().vacant_key();
        thing.register(&mut self.reactor().registry(key)).map_err(ScheduleError::Register)?;
        let handle = self.insert(Driven::Events(thing), Trigger::Event);
        self.call_soon(handle.key, handle.serial); // what came before is not announced again
        Ok(handle)
    }

    /// The key that the next schedule will have: an inbox announces itself by it.
    pub(super) fn next_key(&self) -> usize {
        self.schedules.borrow().vacant_key()
    }

    pub(super) fn set_on_failure(&self, handle: &ScheduleHandle, on_failure: OnFailure) {
        if let Some(schedule) = self.schedules.borrow_mut().get_mut(handle.key) {
            schedule.on_failure = on_failure;
        }
    }

    pub(super) fn insert(&self, thing: Driven, trigger: Trigger) -> ScheduleHandle {
        self.serial.set(self.serial.get().wrapping_add(1));
        let (serial, last_counts) = (self.serial.get(), Rc::default());
        let key = self.schedules.borrow_mut().insert(Schedule {
            thing: Some(thing),
            trigger,
            serial,
            counts: ScheduleStats::default(),
            last_counts: Rc::clone(&last_counts),
            failed_in_a_row: 0,
            cancelled: false,
            paused: false,
            resumed: false,
            stalled: false,
            queued: false,
            armed: Instant::NEVER,
            on_failure: OnFailure::Stop,
        });
        self.unstarted.borrow_mut().push((key, serial));
        ScheduleHandle { engine: self.me.clone(), key, serial, last_counts }
    }

    fn set_first(&self, handle: &ScheduleHandle, timing: Periodic) {
        let first = match timing.first {
            First::After(delay) => self.now() + delay,
            First::AfterOnePeriod => self.in_step(timing.period),
        };
        self.rate.set(self.rate.get() + 1.0 / timing.period.as_secs_f64());
        self.set_tick(handle.key, first);
    }

    /// The last instant within one period that coincides with ticks of an equal or harmonic period.
    fn in_step(&self, period: Duration) -> Instant {
        let target = self.now() + period;
        let mut phases = self.phases.borrow_mut();
        let divides = |a: Duration, b: Duration| b.as_nanos().is_multiple_of(a.as_nanos());
        let related = phases.iter().filter(|(other, _)| divides(*other, period) || divides(period, *other)).min();
        let first = match related {
            Some((other, tick)) => {
                let step = period.min(*other).as_nanos();
                let off = (i128::from(target.as_nanos()) - i128::from(tick.as_nanos())).rem_euclid(step as i128);
                Instant::from_nanos(target.as_nanos() - u64::try_from(off).unwrap_or(0))
            }
            None => target,
        };
        if phases.len() < 64 && phases.iter().all(|(other, _)| *other != period) {
            phases.push((period, first));
        }
        first
    }

    pub(super) fn cancel(&self, key: usize, serial: u32) {
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(key).filter(|schedule| schedule.serial == serial) else { return };
        if schedule.thing.is_none() {
            schedule.cancelled = true; // in the middle of its call: goes when that is over
            return;
        }
        drop(schedules); // the Thing's own `Drop` may use the engine
        drop(self.remove(key));
    }

    pub(super) fn remove(&self, key: usize) -> Option<Driven> {
        let schedule = self.schedules.borrow_mut().try_remove(key)?;
        self.forget_rate(schedule.trigger);
        schedule.last_counts.set(schedule.counts);
        let mut thing = schedule.thing?;
        if schedule.trigger != Trigger::Never {
            self.deregister(key, &mut thing);
        }
        Some(thing)
    }

    fn forget_rate(&self, trigger: Trigger) {
        if let Trigger::Periodic(beat, _) = trigger {
            self.rate.set(self.rate.get() - 1.0 / beat.period.as_secs_f64());
        }
    }

    /// Stops calling a Thing that has ended: from now on it is only woken.
    pub(super) fn stop_calling(&self, key: usize, thing: &mut Driven) {
        let Some(trigger) =
            self.schedules.borrow_mut().get_mut(key).map(|s| std::mem::replace(&mut s.trigger, Trigger::Never))
        else {
            return;
        };
        if trigger != Trigger::Never {
            self.forget_rate(trigger);
            self.deregister(key, thing);
        }
    }

    pub(super) fn deregister(&self, key: usize, thing: &mut Driven) {
        if let Driven::Events(thing) = thing
            && let Err(error) = thing.deregister(&mut self.reactor().registry(key))
        {
            log::debug!("{}: its descriptor could not be taken off the reactor: {error}", thing.name());
        }
    }

    pub(super) fn is_active(&self, key: usize, serial: u32) -> bool {
        self.schedules.borrow().get(key).is_some_and(|schedule| schedule.serial == serial && !schedule.cancelled)
    }

    pub(super) fn counts(&self, key: usize, serial: u32) -> Option<ScheduleStats> {
        let schedules = self.schedules.borrow();
        schedules.get(key).filter(|schedule| schedule.serial == serial).map(|schedule| schedule.counts)
    }

    /// Whether there is anything left to run for.
    pub(super) fn has_work(&self) -> bool {
        !self.schedules.borrow().is_empty()
            || !self.jobs.borrow().is_empty()
            || self.later.get() > 0
            || self.lingering.borrow().iter().any(|hub| hub.is_draining())
            || self.link.trackers.is_nudged()
    }

    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.each_shown(|thing| names.push(thing.name().to_owned()));
        names
    }

    /// Everything that is scheduled, but for what only serves another schedule.
    pub(super) fn each_shown(&self, mut see: impl FnMut(&dyn OutputThing)) {
        for (_, schedule) in self.schedules.borrow().iter() {
            if let Some(thing) = schedule.thing.as_ref().map(Driven::as_output)
                && shows_anything(|visitor| thing.describe(visitor))
            {
                see(thing);
            }
        }
    }

    pub(super) fn describe(&self, visitor: &mut dyn crate::Visitor) {
        for (_, schedule) in self.schedules.borrow().iter() {
            if let Some(thing) = &schedule.thing {
                thing.as_output().describe(visitor);
            }
        }
        if let Some(reports) = self.reports.listened() {
            visitor.port(reports.as_ref(), false);
        }
    }

    // ---- timers ----

    pub(super) fn slack(&self, wanted: Option<Duration>) -> Duration {
        match wanted {
            _ if self.clock.is_virtual() => Duration::ZERO,
            Some(slack) => slack,
            None if self.rate.get() > CROWDED => GROUPED,
            None => Duration::ZERO,
        }
    }

    pub(super) fn set_timer(&self, handle: &ScheduleHandle, due: Instant) {
        let what = Due { kind: Kind::Schedule, key: index(handle.key), serial: handle.serial };
        self.timers.borrow_mut().once(due, self.slack(None), what);
    }

    pub(super) fn set_tick(&self, key: usize, due: Instant) {
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(key) else { return };
        if let Trigger::Periodic(beat, tick) = &mut schedule.trigger {
            *tick = due;
            let what = Due { kind: Kind::Schedule, key: index(key), serial: schedule.serial };
            self.timers.borrow_mut().periodic(due, self.slack(beat.slack), beat.period, what);
        }
    }

    pub(super) fn set_next_tick(&self, key: usize, serial: u32, called: &Called) {
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(key).filter(|schedule| schedule.serial == serial) else { return };
        if let Trigger::Periodic(beat, tick) = schedule.trigger {
            let again = called.again.filter(|at| *at < tick + beat.period);
            let next = match again.or_else(|| schedule.next_try(called.done_at)) {
                Some(next) => next, // the ticks stay where they are
                None => {
                    let next = schedule.next_tick(&beat, tick, called.done_at);
                    schedule.trigger = Trigger::Periodic(beat, next);
                    next
                }
            };
            let what = Due { kind: Kind::Schedule, key: index(key), serial };
            self.timers.borrow_mut().periodic(next, self.slack(beat.slack), beat.period, what);
        }
    }

    pub(super) fn call_soon(&self, key: usize, serial: u32) {
        if let Some(schedule) = self.schedules.borrow_mut().get_mut(key)
            && schedule.serial == serial
            && !std::mem::replace(&mut schedule.queued, true)
        {
            self.again.borrow_mut().push_back((key, serial));
        }
    }

    // ---- the end ----

    /// Closes every Thing, in reverse order of creation, and stops the edge threads.
    pub(super) fn close(&self) {
        let mut held = Vec::new();
        super::closing::take_things(self, &mut held);
        held.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
        for (_, thing) in held {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(thing))) {
                log::error!("while closing: {}", self.panicked(&*panic));
            }
        }
        let keys: Vec<usize> = self.schedules.borrow().iter().map(|(key, _)| key).collect();
        for key in keys.into_iter().rev() {
            drop(self.remove(key));
        }
        self.jobs.borrow_mut().clear();
        self.later.set(0);
        drop(self.ports.take());
        drop(self.lingering.take());
        self.threads.stop();
        self.link.trackers.end_run();
        if let Err(error) = self.settle_tracked() {
            log::error!("while closing: {error}");
        }
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("with a value that is no text").to_owned()
}

#[allow(clippy::cast_possible_truncation)] // four billion schedules do not fit into memory
pub(super) fn index(key: usize) -> u32 {
    key as u32
}
