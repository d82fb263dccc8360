//! The engine behind a [`Scheduler`](super::Scheduler): the table of schedules and the phases of a turn.
//!
//! While a Thing is called it is out of the table, and nothing of the engine is borrowed: so a Thing may schedule, cancel
//! and stop from inside its own call. A turn calls each Thing at most once, so that nobody starves the others.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use slab::Slab;

use super::EventThing;
use super::clocks::RunClock;
use super::edge::Threads;
use super::handle::{ScheduleError, ScheduleHandle, ScheduleStats};
use super::inbox::{Doorbell, InboxId};
use super::periodic::{First, Missed, OnFailure, Periodic};
use super::reactor::{Reactor, Until};
use super::timers::{Due, Kind, Timers};
use crate::clock::{Instant, Timestamp, nanos};
use crate::context::{Context, Culprit, Host, Job};
use crate::error::{Failure, RunError, StreamError};
use crate::output::OutputThing;
use crate::port::{AnyPort, RunLink};
use crate::thing::{Demand, Receipt};

pub(super) struct Engine {
    pub(super) clock: RunClock,
    pub(super) link: Rc<RunLink>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) bell: Arc<Doorbell>,
    pub(super) threads: Threads,
    /// Samplings that edge threads have been asked for and have not answered: the virtual clock waits for them.
    pub(super) asked: Rc<Cell<usize>>,
    reactor: RefCell<Reactor>,
    schedules: RefCell<Slab<Schedule>>,
    timers: RefCell<Timers>,
    ports: RefCell<Slab<Weak<dyn AnyPort>>>,
    /// Schedules to call in the next turn.
    again: RefCell<VecDeque<(usize, u32)>>,
    unstarted: RefCell<Vec<(usize, u32)>>,
    paused: RefCell<Vec<(usize, u32)>>,
    jobs: RefCell<VecDeque<Job>>,
    culprit: RefCell<Option<String>>,
    phases: RefCell<Vec<(Duration, Instant)>>,
    /// Periodic ticks a second, for the choice of slack.
    rate: Cell<f64>,
    /// Feedback on its way: the run goes on for it.
    later: Cell<usize>,
    serial: Cell<u32>,
    me: Weak<Engine>,
    /// Kept from turn to turn, so that a turn allocates nothing.
    due: RefCell<Vec<(Due, Instant)>>,
    ready: RefCell<Vec<usize>>,
    inboxes: RefCell<Vec<InboxId>>,
}

pub(super) struct Schedule {
    /// `None` while it is being called.
    thing: Option<Driven>,
    trigger: Trigger,
    serial: u32,
    counts: ScheduleStats,
    /// Where the counts go when the schedule has ended.
    last_counts: Rc<Cell<ScheduleStats>>,
    failed_in_a_row: u32,
    cancelled: bool,
    paused: bool,
    queued: bool,
    armed: Instant,
    on_failure: OnFailure,
}

enum Driven {
    Output(Box<dyn OutputThing>),
    Events(Box<dyn EventThing>),
}

impl Driven {
    fn output(&mut self) -> &mut dyn OutputThing {
        match self {
            Self::Output(thing) => &mut **thing,
            Self::Events(thing) => &mut **thing,
        }
    }

    fn as_output(&self) -> &dyn OutputThing {
        match self {
            Self::Output(thing) => &**thing,
            Self::Events(thing) => &**thing,
        }
    }
}

/// What makes the engine call a Thing.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Trigger {
    Periodic(Periodic, Instant),
    Recurring,
    Once,
    /// A descriptor or an inbox.
    Event,
}

/// How a call went.
type Outcome = Result<Demand, Failure>;

/// Above this many ticks a second, ticks are grouped.
const CROWDED: f64 = 2_000.0;
const GROUPED: Duration = Duration::from_millis(1);

impl Engine {
    pub(super) fn new(clock: RunClock) -> Result<Rc<Self>, RunError> {
        let reactor = Reactor::new().map_err(RunError::new)?;
        let bell = Arc::new(Doorbell::new(reactor.waker()));
        Ok(Rc::new_cyclic(|me| Self {
            clock,
            link: Rc::default(),
            stop: Arc::default(),
            bell,
            threads: Threads::default(),
            asked: Rc::default(),
            reactor: RefCell::new(reactor),
            schedules: RefCell::default(),
            timers: RefCell::default(),
            ports: RefCell::default(),
            again: RefCell::default(),
            unstarted: RefCell::default(),
            paused: RefCell::default(),
            jobs: RefCell::default(),
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
        match trigger {
            Trigger::Periodic(timing, _) => self.set_first(&handle, timing)?,
            Trigger::Recurring => self.call_soon(handle.key, handle.serial),
            Trigger::Once | Trigger::Event => {}
        }
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

    fn insert(&self, thing: Driven, trigger: Trigger) -> ScheduleHandle {
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
            queued: false,
            armed: Instant::NEVER,
            on_failure: if let Trigger::Periodic(timing, _) = trigger { timing.on_failure } else { OnFailure::Stop },
        });
        self.unstarted.borrow_mut().push((key, serial));
        ScheduleHandle { engine: self.me.clone(), key, serial, last_counts }
    }

    fn set_first(&self, handle: &ScheduleHandle, timing: Periodic) -> Result<(), ScheduleError> {
        if timing.period.is_zero() {
            drop(self.remove(handle.key));
            return Err(ScheduleError::ZeroPeriod);
        }
        let first = match timing.first {
            First::After(delay) => self.now() + delay,
            First::AfterOnePeriod => self.in_step(timing.period),
        };
        self.rate.set(self.rate.get() + 1.0 / timing.period.as_secs_f64());
        self.set_tick(handle.key, first);
        Ok(())
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
        let thing = {
            let mut schedules = self.schedules.borrow_mut();
            match schedules.get_mut(key) {
                Some(schedule) if schedule.serial == serial => {
                    if schedule.thing.is_none() {
                        schedule.cancelled = true; // in the middle of its call: goes when that is over
                        return;
                    }
                }
                _ => return,
            }
            drop(schedules);
            self.remove(key)
        };
        drop(thing);
    }

    fn remove(&self, key: usize) -> Option<Driven> {
        let schedule = self.schedules.borrow_mut().try_remove(key)?;
        if let Trigger::Periodic(timing, _) = schedule.trigger {
            self.rate.set(self.rate.get() - 1.0 / timing.period.as_secs_f64());
        }
        schedule.last_counts.set(schedule.counts);
        let mut thing = schedule.thing?;
        self.deregister(key, &mut thing);
        Some(thing)
    }

    fn deregister(&self, key: usize, thing: &mut Driven) {
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
        !self.schedules.borrow().is_empty() || !self.jobs.borrow().is_empty() || self.later.get() > 0
    }

    pub(super) fn names(&self) -> Vec<String> {
        let schedules = self.schedules.borrow();
        let things = schedules.iter().filter_map(|(_, schedule)| schedule.thing.as_ref());
        things.map(|thing| thing.as_output().name().to_owned()).collect()
    }

    pub(super) fn describe(&self, visitor: &mut dyn crate::Visitor) {
        for (_, schedule) in self.schedules.borrow().iter() {
            if let Some(thing) = &schedule.thing {
                thing.as_output().describe(visitor);
            }
        }
    }

    // ---- timers ----

    fn slack(&self, wanted: Option<Duration>) -> Duration {
        match wanted {
            _ if self.clock.is_virtual() => Duration::ZERO,
            Some(slack) => slack,
            None if self.rate.get() > CROWDED => GROUPED,
            None => Duration::ZERO,
        }
    }

    fn set_timer(&self, handle: &ScheduleHandle, due: Instant) {
        let what = Due { kind: Kind::Schedule, key: index(handle.key), serial: handle.serial };
        self.timers.borrow_mut().once(due, self.slack(None), what);
    }

    fn set_tick(&self, key: usize, due: Instant) {
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(key) else { return };
        if let Trigger::Periodic(timing, tick) = &mut schedule.trigger {
            *tick = due;
            let what = Due { kind: Kind::Schedule, key: index(key), serial: schedule.serial };
            self.timers.borrow_mut().periodic(due, self.slack(timing.slack), timing.period, what);
        }
    }

    fn set_next_tick(&self, key: usize, serial: u32, now: Instant) {
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(key).filter(|schedule| schedule.serial == serial) else { return };
        if let Trigger::Periodic(timing, tick) = schedule.trigger {
            let next = match schedule.next_try(&timing, now) {
                Some(next) => next, // the ticks stay where they are
                None => {
                    let next = schedule.next_tick(&timing, tick, now);
                    schedule.trigger = Trigger::Periodic(timing, next);
                    next
                }
            };
            let what = Due { kind: Kind::Schedule, key: index(key), serial };
            self.timers.borrow_mut().periodic(next, self.slack(timing.slack), timing.period, what);
        }
    }

    fn call_soon(&self, key: usize, serial: u32) {
        if let Some(schedule) = self.schedules.borrow_mut().get_mut(key)
            && schedule.serial == serial
            && !std::mem::replace(&mut schedule.queued, true)
        {
            self.again.borrow_mut().push_back((key, serial));
        }
    }

    // ---- a turn ----

    /// Sleeps until something is due, at most until `limit`, and serves it.
    pub(super) fn turn(&self, limit: Until) -> Result<(), RunError> {
        self.start_new()?;
        if !self.has_work() {
            return Ok(()); // all of it ended at its start
        }
        self.wait(limit)?;
        self.clock.forget_wall_clock();
        self.fire_due_timers()?;
        self.drain_inboxes()?;
        self.call_waiting()?;
        self.run_jobs()?;
        self.release_unlistened();
        Ok(())
    }

    fn start_new(&self) -> Result<(), RunError> {
        for (key, serial) in self.unstarted.take() {
            self.with_thing(key, serial, |thing, cx| Ok(thing.start(cx)?))?;
        }
        for port in self.link.take_unstarted() {
            if let Some(port) = port.upgrade() {
                self.guarded(|cx| port.start(cx))?;
            }
        }
        Ok(())
    }

    fn wait(&self, limit: Until) -> Result<(), RunError> {
        let until = self.until(limit);
        let mut ready = self.ready.borrow_mut();
        ready.clear();
        let may_sleep = until == Until::Now || self.bell.prepare_sleep();
        let signal = self.reactor().wait(if may_sleep { until } else { Until::Now }, &mut ready);
        if until != Until::Now {
            self.bell.awake();
        }
        if let Some(signal) = signal.map_err(RunError::new)? {
            log::info!("signal {signal}: stopping; active were {}", self.names().join(", "));
            self.stop.store(true, Ordering::SeqCst);
        }
        for key in ready.drain(..) {
            let serial = self.schedules.borrow().get(key).map(|schedule| schedule.serial);
            if let Some(serial) = serial {
                self.call_soon(key, serial);
            }
        }
        Ok(())
    }

    fn until(&self, limit: Until) -> Until {
        let busy = !self.again.borrow().is_empty()
            || !self.jobs.borrow().is_empty()
            || !self.unstarted.borrow().is_empty()
            || !self.link.is_quiet()
            || self.stop.load(Ordering::SeqCst);
        if busy || limit == Until::Now {
            return Until::Now;
        }
        if self.asked.get() > 0 && self.clock.is_virtual() {
            return Until::Event; // virtual time stands still until the edge threads have answered
        }
        let next = self.timers.borrow().next();
        let until = match (next, limit) {
            (Some(next), Until::At(limit)) => Until::At(next.min(limit)),
            (Some(next), _) => Until::At(next),
            (None, limit) => limit,
        };
        match until {
            Until::At(due) if self.clock.jump_to(due) => Until::Now,
            Until::At(due) if due <= self.now() => Until::Now,
            until => until,
        }
    }

    fn fire_due_timers(&self) -> Result<(), RunError> {
        let mut due = self.due.take();
        self.timers.borrow_mut().take_due(self.now(), &mut due);
        let mut result = Ok(());
        for (what, _) in due.drain(..) {
            if result.is_ok() {
                result = self.fire(what);
            }
        }
        *self.due.borrow_mut() = due;
        result
    }

    fn fire(&self, due: Due) -> Result<(), RunError> {
        let key = due.key as usize;
        match due.kind {
            Kind::Schedule => {
                let done_at = self.call(key, due.serial)?;
                self.set_next_tick(key, due.serial, done_at);
            }
            Kind::Flow => {
                if let Some(schedule) = self.schedules.borrow_mut().get_mut(key) {
                    schedule.armed = Instant::NEVER;
                }
                self.with_thing(key, due.serial, |thing, cx| Ok(thing.wake(cx)?))?;
            }
            Kind::Port | Kind::Later => {
                let later = due.kind == Kind::Later;
                if later {
                    self.later.set(self.later.get() - 1);
                }
                let port = self.ports.borrow_mut().try_remove(key).and_then(|port| port.upgrade());
                if let Some(port) = port {
                    self.guarded(|cx| port.wake(later, cx))?;
                }
            }
            Kind::Rhythm => {}
        }
        Ok(())
    }

    fn drain_inboxes(&self) -> Result<(), RunError> {
        let mut inboxes = self.inboxes.borrow_mut();
        inboxes.clear();
        self.bell.take_ready(&mut inboxes);
        for InboxId(key) in inboxes.drain(..) {
            let serial = self.schedules.borrow().get(key).map(|schedule| schedule.serial);
            if let Some(serial) = serial {
                self.call_soon(key, serial);
            }
        }
        Ok(())
    }

    /// Calls those who wait for their turn: recurring ones, and those who have more at hand.
    fn call_waiting(&self) -> Result<(), RunError> {
        let waiting = self.again.borrow().len();
        for _ in 0..waiting {
            let Some((key, serial)) = self.again.borrow_mut().pop_front() else { break };
            if let Some(schedule) = self.schedules.borrow_mut().get_mut(key) {
                schedule.queued &= schedule.serial != serial;
            }
            self.call(key, serial)?;
        }
        Ok(())
    }

    fn run_jobs(&self) -> Result<(), RunError> {
        let waiting = self.jobs.borrow().len();
        for _ in 0..waiting {
            let Some(job) = self.jobs.borrow_mut().pop_front() else { break };
            self.guarded(|cx| job(cx).map(|()| Demand::More))?;
        }
        Ok(())
    }

    /// Lets go of sources that nobody listens to any more.
    fn release_unlistened(&self) {
        if !self.link.take_unlistened() {
            return;
        }
        let listens = |schedule: &Schedule| schedule.thing.as_ref().is_none_or(|thing| thing.as_output().is_listened());
        let gone: Vec<usize> =
            self.schedules.borrow().iter().filter(|(_, schedule)| !listens(schedule)).map(|(key, _)| key).collect();
        for key in gone {
            drop(self.remove(key));
        }
    }

    // ---- calls ----

    /// Calls a Thing because it is due.
    fn call(&self, key: usize, serial: u32) -> Result<Instant, RunError> {
        self.with_thing(key, serial, |thing, cx| {
            if !thing.is_listened() {
                return Ok(Demand::Done);
            }
            let outcome = thing.produce(cx);
            match self.called(key, outcome.is_ok()) {
                Some(Trigger::Once) => outcome.map(|_| Demand::Done),
                _ => outcome,
            }
        })
    }

    fn called(&self, key: usize, well: bool) -> Option<Trigger> {
        let mut schedules = self.schedules.borrow_mut();
        let schedule = schedules.get_mut(key)?;
        schedule.counts.ticks += 1;
        if well {
            schedule.failed_in_a_row = 0;
        }
        Some(schedule.trigger)
    }

    fn with_thing(
        &self,
        key: usize,
        serial: u32,
        call: impl FnOnce(&mut dyn OutputThing, &mut Context<'_>) -> Outcome,
    ) -> Result<Instant, RunError> {
        let Some(mut thing) = self.take_thing(key, serial) else { return Ok(self.now()) };
        let mut cx = Context::new(self.now(), self);
        let outcome = catch_unwind(AssertUnwindSafe(|| call(thing.output(), &mut cx)));
        let outcome = match outcome {
            Ok(Ok(demand)) => Ok(demand),
            Ok(Err(Failure::Sample(error))) => self.sample_failed(key, thing.output(), error, &mut cx),
            Ok(Err(Failure::Fatal(token))) => Err(cx.take_error(token)),
            Err(panic) => Err(self.panicked(&*panic)),
        };
        match outcome {
            Ok(demand) => {
                let done_at = cx.now();
                self.put_back(key, thing, demand, &mut cx);
                Ok(done_at)
            }
            Err(mut error) => {
                error.name_thing(|| thing.as_output().name().to_owned());
                self.put_back(key, thing, Demand::More, &mut cx); // closed with all the others
                Err(error)
            }
        }
    }

    fn take_thing(&self, key: usize, serial: u32) -> Option<Driven> {
        let mut schedules = self.schedules.borrow_mut();
        let schedule = schedules.get_mut(key).filter(|schedule| schedule.serial == serial && !schedule.paused)?;
        schedule.thing.take()
    }

    fn put_back(&self, key: usize, mut thing: Driven, demand: Demand, cx: &mut Context<'_>) {
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(key) else { return };
        let over = demand == Demand::Done || schedule.cancelled;
        if over {
            drop(schedules);
            self.remove(key);
            self.deregister(key, &mut thing);
            return; // the Thing is dropped last, when the engine is whole again
        }
        schedule.thing = Some(thing);
        let serial = schedule.serial;
        if demand == Demand::Full {
            schedule.paused = true;
            self.paused.borrow_mut().push((key, serial));
        }
        drop(schedules);
        self.reschedule(key, serial, cx);
    }

    fn reschedule(&self, key: usize, serial: u32, cx: &mut Context<'_>) {
        let again = cx.take_again();
        let trigger = self.schedules.borrow().get(key).map(|schedule| schedule.trigger);
        match trigger {
            Some(Trigger::Recurring) => self.call_soon(key, serial),
            _ if again => self.call_soon(key, serial),
            _ => {}
        }
        if cx.due != Instant::NEVER {
            self.wake_flow(key, cx.due);
        }
    }

    /// Sets a wake-up for what is connected to a schedule without a port in between.
    #[cold]
    fn wake_flow(&self, key: usize, due: Instant) {
        let mut schedules = self.schedules.borrow_mut();
        let Some(schedule) = schedules.get_mut(key).filter(|schedule| due < schedule.armed) else { return };
        schedule.armed = due;
        let what = Due { kind: Kind::Flow, key: index(key), serial: schedule.serial };
        self.timers.borrow_mut().once(due, self.slack(None), what);
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Runs `call` outside of any schedule.
    fn guarded(&self, call: impl FnOnce(&mut Context<'_>) -> Receipt) -> Result<(), RunError> {
        let mut cx = Context::new(self.now(), self);
        match catch_unwind(AssertUnwindSafe(|| call(&mut cx))) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(token)) => Err(cx.take_error(token)),
            Err(panic) => Err(self.panicked(&*panic)),
        }
    }

    fn panicked(&self, panic: &(dyn std::any::Any + Send)) -> RunError {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let mut error = RunError::new(format!("panicked: {}", text.unwrap_or("with a value that is no text")));
        if let Some(name) = self.culprit.take() {
            error.name_thing(|| name);
        }
        error
    }

    fn sample_failed(
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

    // ---- the end ----

    /// Sets everything free that waits for a queue to drain.
    pub(super) fn resume(&self) {
        for (key, serial) in self.paused.take() {
            if let Some(schedule) = self.schedules.borrow_mut().get_mut(key).filter(|s| s.serial == serial) {
                schedule.paused = false;
                if matches!(schedule.trigger, Trigger::Periodic(..)) {
                    continue; // goes on with its next tick
                }
            }
            self.call_soon(key, serial);
        }
    }

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
        self.threads.stop();
    }
}

#[allow(clippy::cast_possible_truncation)] // four billion schedules do not fit into memory
fn index(key: usize) -> u32 {
    key as u32
}

impl Host for Engine {
    fn now(&self) -> Instant {
        Engine::now(self)
    }

    fn timestamp(&self, now: Instant) -> Timestamp {
        self.clock.timestamp_at(now)
    }

    fn report(&self, thing: &str, error: &StreamError) {
        log::warn!("{thing}: {error}");
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    fn blame(&self, thing: &dyn Culprit) {
        self.culprit.borrow_mut().get_or_insert_with(|| thing.name());
    }

    fn defer(&self, job: Job) {
        self.jobs.borrow_mut().push_back(job);
    }

    fn wake_at(&self, port: Weak<dyn AnyPort>, due: Instant, later: bool) {
        let key = index(self.ports.borrow_mut().insert(port));
        let kind = if later { Kind::Later } else { Kind::Port };
        if later {
            self.later.set(self.later.get() + 1);
        }
        self.timers.borrow_mut().once(due, self.slack(None), Due { kind, key, serial: 0 });
    }

    fn link(&self) -> Option<Rc<RunLink>> {
        Some(self.link.clone())
    }
}

impl Schedule {
    /// When a failed sampling is tried again.
    fn next_try(&self, timing: &Periodic, now: Instant) -> Option<Instant> {
        match timing.on_failure {
            OnFailure::Retry { first, longest, .. } if self.failed_in_a_row > 0 => {
                let times = 1 << (self.failed_in_a_row - 1).min(20);
                Some(now + first.saturating_mul(times).min(longest))
            }
            _ => None,
        }
    }

    /// When a periodic schedule is due next. `now` is when its Thing had been called.
    fn next_tick(&mut self, timing: &Periodic, tick: Instant, now: Instant) -> Instant {
        let next = tick + timing.period;
        match timing.missed {
            Missed::Delay => now + timing.period,
            Missed::Skip if next < now => {
                let period = nanos(timing.period);
                let missed = (now - next).as_nanos().div_ceil(u128::from(period));
                let missed = u64::try_from(missed).unwrap_or(u64::MAX);
                self.counts.missed += missed;
                Instant::from_nanos(next.as_nanos().saturating_add(missed.saturating_mul(period)))
            }
            Missed::Skip | Missed::CatchUp => next,
        }
    }
}
