//! What a context asks of the scheduler.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::engine::Engine;
use super::pauses::Stalled;
use super::threads::inbox::Doorbell;
use super::timers::{Due, Kind};
use crate::clock::{Instant, Timestamp};
use crate::context::{Context, Culprit, Host, Job};
use crate::error::StreamError;
use crate::moment::WallClock;
use crate::port::{AnyPort, Hub, RunLink};
use crate::thing::Closed;

/// A port that is to be woken. An event on its way round a loop keeps the loop alive.
pub(super) enum Waiting {
    Connections(Weak<dyn Hub>),
    Events(Rc<dyn Hub>),
}

impl Waiting {
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Connections(port) if port.strong_count() == 0)
    }

    pub(super) fn upgrade(&self) -> Option<Rc<dyn Hub>> {
        match self {
            Self::Connections(port) => port.upgrade(),
            Self::Events(port) => Some(port.clone()),
        }
    }
}

impl Engine {
    /// Hands on what has been reported, and logged.
    pub(super) fn hear(&self, thing: &str, error: &StreamError) {
        if let Some(desk) = self.desk.get() {
            desk.note_error(thing, error, self.now());
        }
        if self.reports.add(thing, error, self.now()) {
            self.do_later(|engine, cx| engine.reports.send(cx));
        }
    }

    /// Does something of the engine's own in the next turn.
    pub(super) fn do_later(&self, job: impl FnOnce(&Self, &mut Context<'_>) -> Closed + 'static) {
        let me = self.me.clone();
        self.run.jobs.borrow_mut().push_back(Box::new(move |cx| me.upgrade().map_or(Ok(()), |me| job(&me, cx))));
    }
}

impl Host for Engine {
    fn now(&self) -> Instant {
        Engine::now(self)
    }

    fn timestamp(&self, now: Instant) -> Timestamp {
        self.clock.timestamp_at(now)
    }

    fn wall_clock(&self, now: Instant) -> WallClock {
        self.wall_clock_at(now)
    }

    fn report(&self, thing: &str, error: &StreamError) {
        log::warn!("{thing}: {error}");
        self.hear(thing, error);
    }

    fn stop(&self) {
        self.stop.ask();
    }

    fn resume(&self) {
        Engine::resume(self);
    }

    fn resumes(&self) -> Option<u64> {
        Some(self.resumed.get())
    }

    fn wake_on_resume(&self, port: Weak<dyn Hub>) -> bool {
        self.run.pauses.stalled.borrow_mut().push(Stalled::Port(port));
        true
    }

    fn blame(&self, thing: &dyn Culprit) {
        // A panic is on its way: one more, of a question, would end the process.
        let name = || catch_unwind(AssertUnwindSafe(|| thing.name())).unwrap_or_default();
        self.run.calls.culprit.borrow_mut().get_or_insert_with(name);
    }

    fn defer(&self, job: Job) {
        self.run.jobs.borrow_mut().push_back(job);
    }

    fn engine(&self) -> Option<&Engine> {
        Some(self)
    }

    fn wake_at(&self, port: Weak<dyn Hub>, due: Instant, later: bool) -> bool {
        let (kind, waiting) = match port.upgrade() {
            Some(port) if later => (Kind::Later, Waiting::Events(port)),
            _ => (Kind::Port, Waiting::Connections(port)),
        };
        if kind == Kind::Later {
            self.run.hubs.later.set(self.run.hubs.later.get() + 1);
        }
        let id = self.run.hubs.waiting.borrow_mut().insert(waiting);
        self.set_once(due, Due { kind, id });
        true
    }

    fn bell(&self) -> Option<Arc<Doorbell>> {
        Some(self.bell.clone())
    }

    fn spares(&self, port: usize) -> bool {
        self.run.calls.spared.borrow().contains(&port)
    }

    fn drains(&self) -> bool {
        true
    }

    fn linger(&self, hub: Rc<dyn Hub>) {
        let mut lingering = self.run.hubs.lingering.borrow_mut();
        if !lingering.iter().any(|other| Rc::ptr_eq(other, &hub)) {
            lingering.push(hub);
        }
    }

    fn end_at_rest(&self, port: Rc<dyn AnyPort>) -> bool {
        self.run.hubs.ending.borrow_mut().push(port);
        true
    }

    fn link(&self) -> Option<Rc<RunLink>> {
        Some(self.link.clone())
    }
}
