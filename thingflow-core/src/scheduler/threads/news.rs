//! What threads tell the reactor beside events: reports, how they have failed, that the run should stop. And [`ThreadHost`],
//! what a Thing may know and ask on a thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::super::clocks::{RunClock, SystemClock};
use super::super::engine::Engine;
use super::crew::lock;
use super::inbox::Doorbell;
use crate::clock::{Clock, Instant, Timestamp};
use crate::context::{Context, Host, Job};
use crate::error::{FatalError, RunError, StreamError};

/// What the reactor looks at in each turn. It rings like an event, so what is told before an event is heard before it.
pub(super) struct News {
    /// There is something to hear.
    fresh: AtomicBool,
    told: Mutex<Heard>,
    bell: Arc<Doorbell>,
    stop: Arc<AtomicBool>,
}

#[derive(Default)]
pub(in super::super) struct Heard {
    /// How a thread has failed: this ends the run.
    pub(in super::super) failed: Option<RunError>,
    /// Of whom, and what.
    pub(in super::super) reports: Vec<(String, StreamError)>,
}

/// More reports than these do not wait for the reactor: they are in the log only.
const MOST_REPORTS: usize = 256;

impl News {
    pub(super) fn new(bell: Arc<Doorbell>, stop: Arc<AtomicBool>) -> Self {
        Self { fresh: AtomicBool::new(false), told: Mutex::default(), bell, stop }
    }

    /// For the next run.
    pub(super) fn renewed(&self) -> Self {
        Self::new(self.bell.clone(), self.stop.clone())
    }

    /// Ends the run. The first failure counts.
    pub(super) fn failed(&self, error: RunError) {
        self.tell(|told| _ = told.failed.get_or_insert(error));
    }

    pub(super) fn report(&self, thing: &str, error: &StreamError) {
        self.tell(|told| {
            if told.reports.len() < MOST_REPORTS {
                told.reports.push((thing.to_owned(), error.clone()));
            }
        });
    }

    fn tell(&self, what: impl FnOnce(&mut Heard)) {
        what(&mut lock(&self.told));
        self.fresh.store(true, Ordering::SeqCst);
        self.bell.wake_up();
    }

    /// Whether a thread has failed and the reactor has not heard of it.
    pub(super) fn has_failed(&self) -> bool {
        lock(&self.told).failed.is_some()
    }

    fn stop_run(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.bell.wake_up();
    }

    pub(super) fn take(&self) -> Option<Heard> {
        self.fresh.swap(false, Ordering::SeqCst).then(|| std::mem::take(&mut *lock(&self.told)))
    }
}

impl Engine {
    /// Takes note of what threads have told.
    ///
    /// # Errors
    /// How one of them has failed.
    pub(in super::super) fn hear_threads(&self) -> Result<(), RunError> {
        let Some(Heard { failed, reports }) = self.threads.heard() else { return Ok(()) };
        for (thing, error) in reports {
            self.hear(&thing, &error);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Where the Things of a thread find themselves.
    pub(super) fn surroundings(&self) -> Surroundings {
        let epoch = match &self.clock {
            RunClock::Virtual(_) => Some(self.clock.timestamp_at(Instant::ZERO)),
            RunClock::System { .. } => None,
        };
        Surroundings { news: self.threads.news(), epoch }
    }
}

/// The scheduler, as a thread knows it.
pub(super) struct Surroundings {
    news: Arc<News>,
    /// In virtual time: what the wall clock shows at its start.
    epoch: Option<Timestamp>,
}

impl Surroundings {
    /// Calls a Thing at a time of the reactor's, and then does what it has deferred.
    pub(super) fn call<R>(
        &self,
        now: Instant,
        call: impl FnOnce(&mut Context<'_>) -> Result<R, FatalError>,
    ) -> Result<(R, Instant), RunError> {
        let host = ThreadHost { around: self, now, jobs: RefCell::default() };
        let mut cx = Context::new(now, &host);
        let result = call(&mut cx).map_err(|token| cx.take_error(token))?;
        loop {
            let Some(job) = host.jobs.borrow_mut().pop_front() else { return Ok((result, cx.due())) };
            job(&mut cx).map_err(|token| cx.take_error(token))?;
        }
    }
}

/// What a context on a thread leads to.
struct ThreadHost<'a> {
    around: &'a Surroundings,
    now: Instant,
    jobs: RefCell<VecDeque<Job>>,
}

impl Host for ThreadHost<'_> {
    fn now(&self) -> Instant {
        self.now
    }
    fn timestamp(&self, now: Instant) -> Timestamp {
        self.around.epoch.map_or_else(|| SystemClock.timestamp(), |epoch| epoch + now.since(Instant::ZERO))
    }
    fn report(&self, thing: &str, error: &StreamError) {
        log::warn!("{thing}: {error}"); // at once: the run may be over before the reactor hears of it
        self.around.news.report(thing, error);
    }
    fn stop(&self) {
        self.around.news.stop_run();
    }
    fn defer(&self, job: Job) {
        self.jobs.borrow_mut().push_back(job);
    }
}
