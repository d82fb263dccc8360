//! The engine behind a [`Scheduler`](super::Scheduler): its state, and how a run ends.
//!
//! `table.rs` has the schedules, `turn.rs` the phases of a turn, `calls.rs` how a Thing is called. A turn calls each Thing
//! at most once, so that nobody starves the others.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::clocks::RunClock;
use super::host::Waiting;

use super::keyed::{Id, Keyed};
use super::pauses::Stalled;
use super::reactor::Reactor;
use super::table::{Driven, Schedule};
use super::threads::crew::Threads;
use super::threads::inbox::Doorbell;
use super::threads::watch::Watch;
use super::timers::{Due, Timers};
use crate::clock::Instant;
use crate::context::{Context, Job};
use crate::error::{FatalError, RunError};
use crate::output::OutputThing;
use crate::port::{AnyPort, Held, Hub, PortRef, RunLink};
use crate::reports::Reports;
use crate::visit::{ports_behind, shows_anything};

pub(super) struct Engine {
    pub(super) clock: RunClock,
    pub(super) link: Rc<RunLink>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) bell: Arc<Doorbell>,
    pub(super) threads: Threads,
    /// Who notices that a call takes too long, if anybody does.
    pub(super) watch: RefCell<Option<Arc<Watch>>>,
    /// What threads have been asked for and have not done: the virtual clock waits for them.
    pub(super) asked: Rc<Cell<usize>>,
    pub(super) reactor: RefCell<Reactor>,
    pub(super) schedules: RefCell<Keyed<Schedule>>,
    pub(super) run: Run,
    /// How often paused sources were set free: who was set free while it was called does not pause after it.
    pub(super) resumed: Cell<u64>,
    pub(super) reports: Reports,
    pub(super) me: Weak<Engine>,
    /// Kept from turn to turn, so that a turn allocates nothing.
    pub(super) due: RefCell<Vec<Due>>,
    pub(super) ready: RefCell<Vec<usize>>,
    pub(super) inboxes: RefCell<Vec<Id>>,
}

/// What must not outlive a run.
#[derive(Default)]
pub(super) struct Run {
    pub(super) timers: RefCell<Timers>,
    /// Who is to be woken.
    pub(super) ports: RefCell<Keyed<Waiting>>,
    /// Ports and joins behind which something still drains: kept, and run for, until it has.
    pub(super) lingering: RefCell<Vec<Rc<dyn Hub>>>,
    /// Ports whose sources have ended, and which loops lead back to: they end when nothing is on its way any more.
    pub(super) ending: RefCell<Vec<Rc<dyn AnyPort>>>,
    /// Schedules to call in the next turn.
    pub(super) again: RefCell<VecDeque<Id>>,
    pub(super) unstarted: RefCell<Vec<Id>>,
    pub(super) paused: RefCell<Vec<Id>>,
    /// Stages that hold events back until somebody has room again, and those of them to be woken in the next turn.
    pub(super) stalled: RefCell<Vec<Stalled>>,
    pub(super) unstalled: RefCell<Vec<Stalled>>,
    /// Sources that were paused, to be called in the next turn.
    pub(super) freed: RefCell<Vec<Id>>,
    pub(super) jobs: RefCell<VecDeque<Job>>,
    /// Feedback on its way: the run goes on for it.
    pub(super) later: Cell<usize>,
    pub(super) phases: RefCell<Vec<(Duration, Instant)>>,
    /// Periodic ticks a second, for the choice of slack.
    pub(super) rate: Cell<f64>,
    /// How many turns virtual time has stood still.
    pub(super) still: Cell<(Instant, u32)>,
    /// Ports that are not ended by who runs once.
    pub(super) spared: RefCell<Vec<usize>>,
    pub(super) culprit: RefCell<Option<String>>,
    /// What went wrong where nobody could be told: it ends the run after the turn.
    pub(super) failed: RefCell<Option<RunError>>,
}

impl Run {
    /// Takes all of it out. Each field is named here, so that none is forgotten.
    fn take(&self) -> Self {
        Self {
            timers: self.timers.take().into(),
            ports: self.ports.borrow_mut().take_all().into(),
            lingering: self.lingering.take().into(),
            ending: self.ending.take().into(),
            again: self.again.take().into(),
            unstarted: self.unstarted.take().into(),
            paused: self.paused.take().into(),
            stalled: self.stalled.take().into(),
            unstalled: self.unstalled.take().into(),
            freed: self.freed.take().into(),
            jobs: self.jobs.take().into(),
            later: self.later.take().into(),
            phases: self.phases.take().into(),
            rate: self.rate.take().into(),
            still: self.still.take().into(),
            spared: self.spared.take().into(),
            culprit: self.culprit.take().into(),
            failed: self.failed.take().into(),
        }
    }
}

impl Engine {
    pub(super) fn new(clock: RunClock) -> Result<Rc<Self>, RunError> {
        let reactor = Reactor::new().map_err(RunError::new)?;
        let bell = Arc::new(Doorbell::new(reactor.waker()));
        let (link, ring, stop) = (Rc::new(RunLink::default()), bell.clone(), Arc::<AtomicBool>::default());
        link.trackers.set_bell(move || ring.wake_up());
        Ok(Rc::new_cyclic(|me| Self {
            clock,
            link,
            threads: Threads::new(bell.clone(), stop.clone()),
            watch: RefCell::default(),
            stop,
            bell,
            asked: Rc::default(),
            reactor: RefCell::new(reactor),
            schedules: RefCell::default(),
            run: Run::default(),
            resumed: Cell::new(0),
            reports: Reports::default(),
            me: me.clone(),
            due: RefCell::default(),
            ready: RefCell::default(),
            inboxes: RefCell::default(),
        }))
    }

    pub(super) fn reactor(&self) -> std::cell::RefMut<'_, Reactor> {
        self.reactor.borrow_mut()
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Whether there is anything left to run for.
    pub(super) fn has_work(&self) -> bool {
        self.has_work_but_loops() || !self.run.ending.borrow().is_empty()
    }

    /// Whether there is anything left to run for, but for the end of loops that are at rest.
    pub(super) fn has_work_but_loops(&self) -> bool {
        let run = &self.run;
        self.has_schedules()
            || !run.jobs.borrow().is_empty()
            || run.later.get() > 0
            || run.lingering.borrow().iter().any(|hub| hub.is_draining())
            || self.link.trackers.is_nudged()
            || self.is_holding()
    }

    /// Whether a stage behind a port holds an event that is to go on at a time that it has asked for.
    fn is_holding(&self) -> bool {
        let waiting: Vec<_> = self.run.ports.borrow().iter().filter_map(Waiting::upgrade).collect();
        waiting.iter().any(|hub| hub.is_holding())
    }

    /// Whether virtual time stands still for a thread.
    pub(super) fn waits_for_threads(&self) -> bool {
        self.clock.is_virtual() && self.asked.get() > 0
    }

    pub(super) fn names(&self) -> Vec<String> {
        let name = |schedule: &Schedule| Some(schedule.thing.as_ref()?.as_output().name().to_owned());
        self.schedules.borrow().iter().filter(|schedule| schedule.counts()).filter_map(name).collect()
    }

    /// Everything that is scheduled, but for what only serves another schedule.
    pub(super) fn each_shown(&self, mut see: impl FnMut(&dyn OutputThing)) {
        for schedule in self.schedules.borrow().iter() {
            if let Some(thing) = schedule.thing.as_ref().map(Driven::as_output)
                && shows_anything(|visitor| thing.describe(visitor))
            {
                see(thing);
            }
        }
    }

    pub(super) fn describe(&self, visitor: &mut dyn crate::Visitor) {
        for schedule in self.schedules.borrow().iter() {
            if let Some(thing) = &schedule.thing {
                thing.as_output().describe(visitor);
            }
        }
        if let Some(reports) = self.reports.listened() {
            visitor.port(reports.as_ref(), false);
        }
    }

    // ---- user code and its panics ----

    /// Runs `call` outside of any schedule.
    pub(super) fn guarded<R>(
        &self,
        call: impl FnOnce(&mut Context<'_>) -> Result<R, FatalError>,
    ) -> Result<R, RunError> {
        let _watched = self.watched("a wake-up");
        let mut cx = Context::new(self.now(), self);
        match catch_unwind(AssertUnwindSafe(|| call(&mut cx))) {
            Ok(result) => result.map_err(|token| cx.take_error(token)),
            Err(panic) => Err(self.panicked(&*panic)),
        }
    }

    /// Drops what is user code, or has some in it. `drop` says whose.
    pub(super) fn discard(&self, drop: impl FnOnce(&mut String)) -> Result<(), RunError> {
        let mut name = String::new();
        catch_unwind(AssertUnwindSafe(|| drop(&mut name))).map_err(|panic| {
            let mut error = self.panicked(&*panic);
            error.name_thing(|| name);
            error
        })
    }

    pub(super) fn panicked(&self, panic: &(dyn std::any::Any + Send)) -> RunError {
        let mut error = RunError::new(format!("panicked: {}", panic_text(panic)));
        if let Some(name) = self.run.culprit.take() {
            error.name_thing(|| name);
        }
        error
    }

    /// Ends the run after the turn, if something went wrong where nobody can be told.
    pub(super) fn note_failed(&self, result: Result<(), RunError>) {
        if let Err(error) = result {
            log::error!("{error}");
            self.run.failed.borrow_mut().get_or_insert(error);
        }
    }

    pub(super) fn take_failed(&self) -> Result<(), RunError> {
        if self.run.failed.borrow().is_none() { Ok(()) } else { self.run.failed.take().map_or(Ok(()), Err) }
    }

    // ---- the end ----

    /// Closes what is left of a run that has come to its end: all but the loops that somebody may feed again.
    pub(super) fn close_unfed(&self) {
        let started = self.link.end_run();
        let mut loops = Vec::new();
        for port in started.iter().filter(|port| port.is_looped()) {
            log_failed(self.discard(|_| {
                let reached = ports_behind(|visitor| visitor.port(PortRef::new(port.clone()), false));
                loops.extend(reached.iter().map(PortRef::id));
            }));
        }
        let mut held = Vec::new();
        for port in started {
            if loops.contains(&port.id()) {
                self.link.note_started(Rc::downgrade(&port));
            } else {
                log_failed(self.discard(|_| port.close(&mut held)));
            }
        }
        self.drop_held(held);
    }

    fn drop_held(&self, mut held: Vec<(usize, Box<dyn Held>)>) {
        held.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
        for (_, thing) in held {
            log_failed(self.discard(|_| drop(thing)));
        }
    }

    /// Closes every Thing, in reverse order of creation, and stops the edge threads. Then the engine is as new.
    ///
    /// # Errors
    /// How a thread has failed meanwhile.
    pub(super) fn close(&self) -> Result<(), RunError> {
        let mut held = Vec::new();
        // First the ports that the run has started, seen by a walk or not, and each by itself: a walk asks user code.
        for port in self.link.end_run() {
            log_failed(self.discard(|_| port.close(&mut held)));
        }
        log_failed(self.discard(|_| super::closing::take_things(self, &mut held)));
        self.drop_held(held);
        let ids: Vec<Id> = self.schedules.borrow().ids().map(|(id, _)| id).collect();
        for id in ids.into_iter().rev() {
            if let Some((Some(thing), trigger)) = self.remove(id) {
                log_failed(self.drop_thing(id, thing, trigger));
            }
        }
        let Run { ports, lingering, ending, jobs, failed, .. } = self.run.take();
        log_failed(failed.take().map_or(Ok(()), Err));
        for job in jobs.take() {
            log_failed(self.discard(|_| drop(job)));
        }
        for hub in ports.borrow().iter().filter_map(Waiting::upgrade) {
            hub.forget_wishes();
        }
        log_failed(self.discard(|_| drop((ports, lingering, ending))));
        self.reports.end_run();
        self.watch.take();
        let failed = self.threads.stop().and_then(|heard| heard.failed);
        self.link.trackers.end_run();
        log_failed(self.settle_tracked());
        self.stop.store(false, Ordering::SeqCst);
        failed.map_or(Ok(()), Err)
    }
}

/// Closing goes on whatever happens.
pub(super) fn log_failed(result: Result<(), RunError>) {
    if let Err(error) = result {
        log::error!("while closing: {error}");
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("with a value that is no text").to_owned()
}
