//! How a run ends: a stop that lets the graph send what it holds, and then, or at once after a fatal error, the close.
//!
//! The order of a stop:
//! 1. Every source is ended, in the order of scheduling: it is asked for no more events, and what is connected is told
//!    that its stream has completed. Threads are told to end. A port that several feed ends with the last of them.
//! 2. The run goes on until nothing is held any more: windows have been sent at their end, delayed events in their time,
//!    what is queued for a thread by that thread. At most for the time of the stop, see
//!    [`Scheduler::stop_within`](super::Scheduler::stop_within).
//! 3. Every Thing is dropped, in reverse order of creation, and threads are waited for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::engine::{Engine, Run, log_failed};
use super::host::Waiting;
use super::keyed::Id;
use super::phase::Phase;
use super::reactor::{Until, monotonic};
use super::table::{Schedule, Trigger};
use crate::clock::Instant;
use crate::error::RunError;
use crate::port::{Held, PortRef};
use crate::visit::{Visitor, ports_behind};

/// How far a stop has come.
#[derive(Default)]
pub(super) struct Stop {
    /// Set from any thread.
    pub(super) asked: Arc<AtomicBool>,
    /// While the graph sends what it holds: how long it may do so, by the reactor's clock.
    until: Cell<Option<Instant>>,
    /// The graph must close at once.
    forced: Cell<bool>,
    /// How many of those that feed a port have not ended.
    feeders: RefCell<BTreeMap<usize, usize>>,
}

impl Stop {
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Asks for a stop, and if one is going on, for its end.
    pub(super) fn insist(&self) {
        self.forced.set(self.until.get().is_some());
        self.ask();
    }

    fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until.get()
    }

    /// One of those that feed a port has ended: whether there are others.
    pub(super) fn spares(&self, port: usize) -> bool {
        let mut feeders = self.feeders.borrow_mut();
        let Some(left) = feeders.get_mut(&port) else { return false };
        *left = left.saturating_sub(1);
        *left > 0
    }

    fn is_over(&self) -> bool {
        self.forced.get() || self.until.get().is_none_or(|until| monotonic() >= until)
    }

    fn reset(&self) {
        self.until.set(None);
        self.forced.set(false);
        self.feeders.take();
        self.asked.store(false, Ordering::SeqCst);
    }
}

impl Engine {
    /// Whether the run is to stop, and has not begun to.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_asked() && !self.is_winding_down()
    }

    pub(super) fn is_winding_down(&self) -> bool {
        self.stop.until().is_some()
    }

    /// Ends all sources and goes on until nothing is held any more, for as long as a stop may take.
    pub(super) fn wind_down(&self) -> Result<(), RunError> {
        let patience = self.threads.patience();
        let deadline = self.now() + patience;
        self.stop.until.set(Some(monotonic() + patience));
        self.stop.feeders.replace(self.count_feeders());
        self.threads.tell();
        self.end_sources();
        self.settle_until(deadline)?;
        // Ports that nothing feeds but calls by hand, or that were fed by what did not end.
        for port in self.open_ports() {
            self.guarded(move |cx| port.port().complete(cx))?;
            self.settle_until(deadline)?;
        }
        if self.has_work() && !patience.is_zero() {
            log::warn!(
                "the stop did not wait any longer, and what these still hold is lost: {}",
                self.names().join(", ")
            );
        }
        Ok(())
    }

    /// Last the one that shows what goes wrong meanwhile.
    fn open_ports(&self) -> Vec<PortRef> {
        let mut ports = Vec::new();
        log_failed(self.discard(|_| ports = ports_behind(|visitor| show(self, visitor))));
        ports.retain(|port| !port.port().is_closed());
        let reports = self.reports.listened().map(|port| port.as_ref().id());
        ports.sort_by_key(|port| Some(port.id()) == reports);
        ports
    }

    /// Goes on until nothing is held any more, with one turn at least.
    fn settle_until(&self, deadline: Instant) -> Result<(), RunError> {
        while !self.stop.forced.get() {
            let over = self.stop.is_over();
            self.turn(if over { Until::Now } else { Until::At(deadline) })?;
            if over || self.now() >= deadline || !self.has_work() {
                break;
            }
        }
        Ok(())
    }

    fn end_sources(&self) {
        let ends = |schedule: &Schedule| schedule.trigger != Trigger::Answers;
        let sources: Vec<(Id, Phase)> = {
            let schedules = self.schedules.borrow();
            schedules.ids().filter(|(_, schedule)| ends(schedule)).map(|(id, schedule)| (id, schedule.phase)).collect()
        };
        for (id, phase) in sources {
            match phase {
                Phase::New(_) => self.let_go(id), // it has never sent anything
                _ => self.end(id),
            }
        }
    }

    /// How many chains lead into each port.
    fn count_feeders(&self) -> BTreeMap<usize, usize> {
        let mut counts = Feeders(BTreeMap::new());
        log_failed(self.discard(|_| {
            self.describe(&mut counts);
            for port in ports_behind(|visitor| show(self, visitor)) {
                port.connections(&mut |connection| connection.describe(&mut counts));
            }
        }));
        counts.0
    }

    /// Closes every Thing, in reverse order of creation, and stops the edge threads. Then the engine is as new.
    pub(super) fn close(&self) {
        let mut held = Vec::new();
        log_failed(self.discard(|_| take_things(self, &mut held)));
        held.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
        for (_, thing) in held {
            log_failed(self.discard(|_| drop(thing)));
        }
        let ids: Vec<Id> = self.schedules.borrow().ids().map(|(id, _)| id).collect();
        for id in ids.into_iter().rev() {
            if let Some(Some(thing)) = self.remove(id) {
                log_failed(self.drop_thing(thing));
            }
        }
        let Run { hubs, jobs, failed, .. } = self.run.take();
        log_failed(failed.take().map_or(Ok(()), Err));
        for job in jobs.take() {
            log_failed(self.discard(|_| drop(job)));
        }
        log_failed(self.discard(|_| drop(hubs)));
        self.reports.end_run();
        self.threads.stop();
        self.link.trackers.end_run();
        log_failed(self.settle_tracked());
        self.stop.reset();
    }
}

/// Counts those that end in a port, but not those that close a loop: a loop does not keep itself open.
struct Feeders(BTreeMap<usize, usize>);

impl Visitor for Feeders {
    fn filter(&mut self, _: &str) {}
    fn branch(&mut self, see: &dyn Fn(&mut dyn Visitor)) {
        see(self);
    }
    fn sink(&mut self, _: &str) {}
    fn port(&mut self, port: PortRef, feedback: bool) {
        if !feedback {
            *self.0.entry(port.id()).or_default() += 1;
        }
    }
}

/// Takes the Things off every port that can be reached from a schedule, from what still drains, or from an event on its
/// way round a loop, each with the number of its creation.
fn take_things(engine: &Engine, held: &mut Vec<(usize, Box<dyn Held>)>) {
    for port in ports_behind(|visitor| show(engine, visitor)) {
        port.port().close(held);
    }
    for hub in engine.run.hubs.lingering.take() {
        hub.close_draining(held);
    }
}

fn show(engine: &Engine, visitor: &mut dyn Visitor) {
    engine.describe(visitor);
    for hub in &*engine.run.hubs.lingering.borrow() {
        match hub.clone().as_port() {
            Some(port) => visitor.port(PortRef::new(port), false),
            None => hub.describe(visitor),
        }
    }
    for waiting in engine.run.hubs.waiting.borrow().iter() {
        if let Waiting::Events(hub) = waiting
            && let Some(port) = hub.clone().as_port()
        {
            visitor.port(PortRef::new(port), true);
        }
    }
}
