//! How a run ends: a stop that lets the graph send what it holds, and then, or at once after a fatal error, the close.
//!
//! The order of a stop is documented at [`Scheduler`](super::Scheduler#the-order-of-a-stop).

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::calls::Why;
use super::downstream::Downstream;
use super::engine::{Engine, Run, log_failed};
use super::host::Waiting;
use super::keyed::Id;
use super::reactor::{Until, monotonic};
use super::table::Trigger;
use crate::clock::Instant;
use crate::error::RunError;
use crate::notice::Notice;
use crate::port::{AnyPort, Held, PortRef};
use crate::visit::{Visitor, ports_behind};

/// So often a stop has stages pass on what they collect, where what they send is held, and then collected by others.
const MOST_FLUSHES: u32 = 8;

/// How far a stop has come.
#[derive(Default)]
pub(super) struct Stop {
    /// Set from any thread.
    pub(super) asked: Arc<AtomicBool>,
    /// While the graph sends what it holds: how long it may do so, by the reactor's clock.
    until: Cell<Option<Instant>>,
    /// The graph must close at once.
    forced: Cell<bool>,
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

    pub(super) fn until(&self) -> Option<Instant> {
        self.until.get()
    }

    fn is_over(&self) -> bool {
        self.forced.get() || self.until.get().is_none_or(|until| monotonic() >= until)
    }

    fn reset(&self) {
        self.until.set(None);
        self.forced.set(false);
        self.asked.store(false, Ordering::SeqCst);
    }
}

impl Engine {
    /// Whether the run is to stop, and has not begun to.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.asked.load(Ordering::SeqCst) && !self.is_winding_down()
    }

    pub(super) fn is_winding_down(&self) -> bool {
        self.stop.until().is_some()
    }

    /// Asks no source any more, and goes on until nothing is held, for as long as a stop may take.
    pub(super) fn wind_down(&self) -> Result<(), RunError> {
        let patience = self.threads.patience();
        let deadline = self.now() + patience;
        self.stop.until.set(Some(monotonic() + patience));
        self.threads.tell();
        let started = self.stop_sources();
        self.send_held(&started, &self.link.ports(), deadline)?;
        if let Some(stop_joins) = self.link.stop_joins() {
            stop_joins(self, &started, deadline)?;
        }
        if self.stop.forced.get() {
            return Ok(());
        }
        if self.holds_something() && !patience.is_zero() {
            log::warn!(
                "the stop has waited for {patience:?}; of what the graph still holds only what is in an outbox is sent later"
            );
        }
        Ok(())
    }

    /// Has joins send what waits for an input: those further up first, and the next ones when that has come to them. Until its
    /// turn a join lets no flush pass, so that windows behind it need not send what they have got so far.
    pub(super) fn stop_joins(&self, schedules: &[Id], deadline: Instant) -> Result<(), RunError> {
        let Downstream { begins, mut joins } = self.downstream();
        joins.iter().flatten().for_each(|join| join.await_stop());
        let last = joins.pop();
        for (joins, is_last) in joins.into_iter().map(|joins| (joins, false)).chain(last.map(|joins| (joins, true))) {
            if self.stop.forced.get() {
                break;
            }
            for join in joins {
                self.guarded(move |cx| join.stop(cx).map(drop))?;
            }
            let ports = if is_last { self.link.ports() } else { begins.clone() };
            self.send_held(schedules, &ports, deadline)?;
        }
        Ok(())
    }

    /// Has all that is fed by those schedules and ports pass on what is being collected, and goes on until nothing is held. What
    /// was held may have come to a stage that collects it: then all of it once more.
    fn send_held(&self, schedules: &[Id], ports: &[Rc<dyn AnyPort>], deadline: Instant) -> Result<(), RunError> {
        for _ in 0..MOST_FLUSHES {
            self.flush(schedules, ports)?;
            let was_held = self.holds_events();
            self.drain(deadline)?;
            if self.stop.forced.get() || !was_held {
                break;
            }
        }
        Ok(())
    }

    /// Goes on while something is held.
    fn drain(&self, deadline: Instant) -> Result<(), RunError> {
        while !self.stop.is_over() && self.now() < deadline && (self.holds_something() || self.has_news()) {
            self.turn(Until::At(deadline))?;
        }
        Ok(())
    }

    /// Those that have been started.
    fn stop_sources(&self) -> Vec<Id> {
        let mut started = Vec::new();
        let mut schedules = self.schedules.borrow_mut();
        for (id, schedule) in schedules.ids_mut() {
            if schedule.trigger != Trigger::Answers && schedule.phase.stop() {
                started.push(id);
            }
        }
        started
    }

    /// Has schedules and ports pass on what is being collected behind them.
    fn flush(&self, schedules: &[Id], ports: &[Rc<dyn AnyPort>]) -> Result<(), RunError> {
        for id in schedules {
            self.call(*id, Why::Flush)?;
        }
        for port in ports {
            self.guarded(move |cx| port.notice(Notice::Flush, cx))?;
        }
        Ok(())
    }

    /// Whether a stage may have room by now for what it holds: a thread has said so, or somebody on the reactor.
    fn has_news(&self) -> bool {
        self.has_work() && (self.has_freed() || self.bell.has_rung())
    }

    /// Whether there is anything to wait for in a stop.
    fn holds_something(&self) -> bool {
        let mut holds = false;
        log_failed(self.discard(|_| {
            holds = self.has_errands() || self.ids().into_iter().any(|id| self.schedule_holds(id));
        }));
        holds
    }

    /// Whether a stage on the reactor holds an event.
    fn holds_events(&self) -> bool {
        let mut holds = false;
        log_failed(self.discard(|_| {
            holds = self.has_errands()
                || !self.run.pauses.stalled.borrow().is_empty()
                || self.ids().into_iter().any(|id| !self.is_answering(id) && self.schedule_holds(id));
        }));
        holds
    }

    fn is_answering(&self, id: Id) -> bool {
        self.with_schedule(id, |schedule| schedule.trigger == Trigger::Answers) == Some(true)
    }

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
                self.link.note_started(Rc::downgrade(&port) as _);
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
        log_failed(self.discard(|_| take_things(self, &mut held)));
        self.drop_held(held);
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
        for hub in hubs.waiting.borrow().iter().filter_map(Waiting::upgrade) {
            hub.forget_wishes();
        }
        log_failed(self.discard(|_| drop(hubs)));
        for hub in self.link.take_unfed() {
            log_failed(self.discard(|_| drop(hub)));
        }
        self.reports.end_run();
        self.wall.end_run();
        self.watched.end_run();
        let failed = self.threads.stop().and_then(|heard| heard.failed);
        self.link.trackers.end_run();
        log_failed(self.settle_tracked());
        self.stop.reset();
        failed.map_or(Ok(()), Err)
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
