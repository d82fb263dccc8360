//! The engine behind a [`Scheduler`](super::Scheduler): its state, and how a run ends.
//!
//! `table.rs` has the schedules, `turn.rs` the phases of a turn, `calls.rs` how a Thing is called. A turn calls each Thing
//! at most once, so that nobody starves the others.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use super::clocks::RunClock;
use super::closing::Stop;
use super::host::Waiting;
use super::inspect::Desk;

use super::keyed::{Id, Keyed};
use super::pauses::Stalled;
use super::reactor::Reactor;
use super::signals::StopsOn;
use super::table::{Schedule, Trigger};
use super::threads::crew::Threads;
use super::threads::inbox::Doorbell;
use super::threads::watch::Watched;
use super::timers::{Due, Timers};
use super::wall::Wall;
use crate::clock::Instant;
use crate::context::{Context, Job};
use crate::error::{FatalError, RunError};
use crate::identity::next_number;
use crate::output::OutputThing;
use crate::port::{AnyPort, Hub, RunLink};
use crate::reports::Reports;
use crate::visit::shows_anything;

pub(crate) struct Engine {
    pub(super) clock: RunClock,
    pub(super) link: Rc<RunLink>,
    pub(super) stop: Stop,
    pub(super) stops_on: Cell<StopsOn>,
    pub(super) bell: Arc<Doorbell>,
    pub(super) threads: Threads,
    /// Notices that a call takes too long, if that has been asked for.
    pub(super) watched: Watched,
    /// What threads have been asked for and have not done: the virtual clock waits for them.
    pub(super) asked: Rc<Cell<usize>>,
    pub(super) reactor: Reactor,
    pub(super) schedules: RefCell<Keyed<Schedule>>,
    pub(super) run: Run,
    /// How often paused sources were set free: who was set free while it was called does not pause after it.
    pub(super) resumed: Cell<u64>,
    pub(super) reports: Reports,
    pub(super) wall: Wall,
    pub(super) me: Weak<Engine>,
    /// Tells it from other schedulers of the program.
    pub(super) number: usize,
    /// Where other threads ask, once somebody may.
    pub(super) desk: OnceCell<Desk>,
    /// Kept from turn to turn, so that a turn allocates nothing.
    pub(super) due: RefCell<Vec<Due>>,
    pub(super) ready: RefCell<Vec<Id>>,
    pub(super) inboxes: RefCell<Vec<Id>>,
}

/// What must not outlive a run, by who sees to it.
#[derive(Default)]
pub(super) struct Run {
    pub(super) time: Time,
    pub(super) calls: Calls,
    pub(super) pauses: Pauses,
    pub(super) hubs: Hubs,
    pub(super) jobs: RefCell<VecDeque<Job>>,
    /// What went wrong where nobody could be told: it ends the run after the turn.
    pub(super) failed: RefCell<Option<RunError>>,
}

/// When something is due: `ticks.rs`, `turn.rs`.
#[derive(Default)]
pub(super) struct Time {
    pub(super) timers: RefCell<Timers>,
    /// Periods, and an instant at which schedules of each are due.
    pub(super) phases: RefCell<Vec<(Duration, Instant)>>,
    /// Periodic ticks a second, for the choice of slack.
    pub(super) rate: Cell<f64>,
    /// How many turns virtual time has stood still.
    pub(super) still: Cell<(Instant, u32)>,
}

/// Which schedules are called, and what holds during a call: `calls.rs`.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) unstarted: RefCell<Vec<Id>>,
    /// Those that wait for their first reader, and are not started before.
    pub(super) unread: RefCell<Vec<Id>>,
    /// The number of what had been connected last when all of these were asked, and whose turn it is to be asked meanwhile.
    pub(super) wired: Cell<usize>,
    pub(super) next_unread: Cell<usize>,
    /// How many places of the table are to be asked whether anybody still listens, and the next of them.
    pub(super) to_ask: Cell<usize>,
    pub(super) next_asked: Cell<usize>,
    /// To be called in the next turn.
    pub(super) again: RefCell<VecDeque<Id>>,
    /// Ports that are not ended by who runs once.
    pub(super) spared: RefCell<Vec<usize>>,
    /// Who was being called when a panic began.
    pub(super) culprit: RefCell<Option<String>>,
}

/// Who waits for room: `pauses.rs`.
#[derive(Default)]
pub(super) struct Pauses {
    pub(super) full: RefCell<Vec<Id>>,
    /// Stages that hold events back until somebody has room again, and those of them to be woken in the next turn.
    pub(super) stalled: RefCell<Vec<Stalled>>,
    pub(super) unstalled: RefCell<Vec<Stalled>>,
    /// Sources that were full, to be called in the next turn.
    pub(super) freed: RefCell<Vec<Id>>,
}

/// Ports and joins that wait: `host.rs`.
#[derive(Default)]
pub(super) struct Hubs {
    /// Who is to be woken.
    pub(super) waiting: RefCell<Keyed<Waiting>>,
    /// Feedback on its way: the run goes on for it.
    pub(super) later: Cell<usize>,
    /// Behind these something still drains: kept, and run for, until it has.
    pub(super) lingering: RefCell<Vec<Rc<dyn Hub>>>,
    /// Ports whose sources have ended, and which loops lead back to: they end when nothing is on its way any more.
    pub(super) ending: RefCell<Vec<Rc<dyn AnyPort>>>,
}

impl Run {
    /// Takes all of it out. Each field is named here, so that none is forgotten.
    pub(super) fn take(&self) -> Self {
        let Self { time, calls, pauses, hubs, jobs, failed } = self;
        Self {
            time: Time {
                timers: time.timers.take().into(),
                phases: time.phases.take().into(),
                rate: time.rate.take().into(),
                still: time.still.take().into(),
            },
            calls: Calls {
                unstarted: calls.unstarted.take().into(),
                unread: calls.unread.take().into(),
                wired: calls.wired.take().into(),
                next_unread: calls.next_unread.take().into(),
                to_ask: calls.to_ask.take().into(),
                next_asked: calls.next_asked.take().into(),
                again: calls.again.take().into(),
                spared: calls.spared.take().into(),
                culprit: calls.culprit.take().into(),
            },
            pauses: Pauses {
                full: pauses.full.take().into(),
                stalled: pauses.stalled.take().into(),
                unstalled: pauses.unstalled.take().into(),
                freed: pauses.freed.take().into(),
            },
            hubs: Hubs {
                waiting: hubs.waiting.borrow_mut().take_all().into(),
                later: hubs.later.take().into(),
                lingering: hubs.lingering.take().into(),
                ending: hubs.ending.take().into(),
            },
            jobs: jobs.take().into(),
            failed: failed.take().into(),
        }
    }
}

impl Engine {
    pub(super) fn new(clock: RunClock) -> Result<Rc<Self>, RunError> {
        let reactor = Reactor::new().map_err(RunError::new)?;
        let bell = Arc::new(Doorbell::new(reactor.waker()));
        let (link, ring, stop) = (Rc::new(RunLink::default()), bell.clone(), Stop::default());
        link.trackers.set_bell(move || ring.wake_up());
        Ok(Rc::new_cyclic(|me| Self {
            clock,
            link,
            threads: Threads::new(bell.clone(), stop.asked.clone()),
            watched: Watched::default(),
            stop,
            stops_on: Cell::default(),
            bell,
            asked: Rc::default(),
            reactor,
            schedules: RefCell::default(),
            run: Run::default(),
            resumed: Cell::new(0),
            reports: Reports::default(),
            wall: Wall::default(),
            me: me.clone(),
            number: next_number(),
            desk: OnceCell::new(),
            due: RefCell::default(),
            ready: RefCell::default(),
            inboxes: RefCell::default(),
        }))
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Whether there is anything left to run for.
    pub(super) fn has_work(&self) -> bool {
        self.has_schedules() || self.has_errands() || !self.run.hubs.ending.borrow().is_empty()
    }

    /// Whether there is anything left to run for, but for the end of loops that are at rest.
    pub(super) fn has_work_but_loops(&self) -> bool {
        self.has_schedules() || self.has_errands()
    }

    /// Whether there is anything left to do but for schedules.
    pub(super) fn has_errands(&self) -> bool {
        let run = &self.run;
        !run.jobs.borrow().is_empty()
            || run.hubs.later.get() > 0
            || self.link.trackers.is_nudged()
            || self.link.has_unfed()
            || self.has_held()
    }

    /// Whether anything is held behind ports and joins. A panic of who is asked ends the run.
    fn has_held(&self) -> bool {
        let mut held = false;
        self.note_failed(self.discard(|_| {
            held = self.run.hubs.lingering.borrow().iter().any(|hub| hub.is_draining()) || self.is_holding();
        }));
        held
    }

    /// Whether a stage behind a port holds an event that is to go on at a time that it has asked for.
    fn is_holding(&self) -> bool {
        let waiting: Vec<_> = self.run.hubs.waiting.borrow().iter().filter_map(Waiting::upgrade).collect();
        waiting.iter().any(|hub| hub.is_holding())
    }

    /// Whether virtual time stands still for a thread.
    pub(super) fn waits_for_threads(&self) -> bool {
        self.clock.is_virtual() && self.asked.get() > 0
    }

    /// The names of what is scheduled and of the threads that serve it, each thread once.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for id in self.ids() {
            let what = self.with_schedule(id, |schedule| (schedule.trigger, schedule.is_part_of_the_run()));
            let name = self.look_at(id, |thing| {
                let listed = match what? {
                    (Trigger::Answers, counts) => counts && names.iter().all(|other| other != thing.name()),
                    (Trigger::Event, _) => true,
                    _ => shows_anything(|visitor| thing.describe(visitor)),
                };
                listed.then(|| thing.name().to_owned())
            });
            names.extend(name.flatten());
        }
        names
    }

    /// Everything that is scheduled, but for what only serves another schedule.
    pub(super) fn each_shown(&self, mut see: impl FnMut(Id, &dyn OutputThing)) {
        for id in self.ids() {
            self.look_at(id, |thing| {
                if shows_anything(|visitor| thing.describe(visitor)) {
                    see(id, thing);
                }
            });
        }
    }

    pub(super) fn describe(&self, visitor: &mut dyn crate::Visitor) {
        for id in self.ids() {
            self.look_at(id, |thing| thing.describe(visitor));
        }
        if let Some(reports) = self.reports.listened() {
            visitor.port(reports, false);
        }
        if let Some(changes) = self.wall.listened() {
            visitor.port(changes, false);
        }
    }

    // ---- user code and its panics ----

    /// Runs `call` outside of any schedule.
    pub(super) fn guarded<R>(
        &self,
        call: impl FnOnce(&mut Context<'_>) -> Result<R, FatalError>,
    ) -> Result<R, RunError> {
        self.guarded_as(|| "the scheduler itself", call)
    }

    /// Runs `call` outside of any schedule, on behalf of whoever has this name.
    pub(super) fn guarded_as<R, N: AsRef<str>>(
        &self,
        name: impl FnOnce() -> N,
        call: impl FnOnce(&mut Context<'_>) -> Result<R, FatalError>,
    ) -> Result<R, RunError> {
        let _watched = self.watched.begin_as(name);
        let mut cx = Context::new(self.now(), self);
        match catch_unwind(AssertUnwindSafe(|| call(&mut cx))) {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(token)) => Err(cx.take_error(token)),
            Err(panic) => Err(self.panicked_at_a_stage(&*panic)),
        }
    }

    /// Drops what is user code, or has some in it. `drop` says whose.
    pub(super) fn discard(&self, drop: impl FnOnce(&mut String)) -> Result<(), RunError> {
        let mut name = String::new();
        catch_unwind(AssertUnwindSafe(|| drop(&mut name))).map_err(|panic| self.panicked_as(&*panic, name))
    }

    // These are called from many places, each of which would have them inline.

    #[cold]
    #[inline(never)]
    pub(super) fn panicked(&self, panic: &(dyn std::any::Any + Send)) -> RunError {
        let mut error = RunError::new(format!("panicked: {}", panic_text(panic)));
        if let Some(name) = self.run.calls.culprit.take() {
            error.name_thing(|| name);
        }
        error
    }

    #[cold]
    #[inline(never)]
    fn panicked_as(&self, panic: &(dyn std::any::Any + Send), name: String) -> RunError {
        let mut error = self.panicked(panic);
        error.name_thing(|| name);
        error
    }

    #[cold]
    #[inline(never)]
    fn panicked_at_a_stage(&self, panic: &(dyn std::any::Any + Send)) -> RunError {
        let mut error = self.panicked(panic);
        error.name_stage(|_| {});
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
}

/// Closing goes on whatever happens.
pub(super) fn log_failed(result: Result<(), RunError>) {
    if let Err(error) = result {
        log_error(&error);
    }
}

#[cold]
#[inline(never)]
fn log_error(error: &RunError) {
    log::error!("while closing: {error}");
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("with a value that is no text").to_owned()
}
