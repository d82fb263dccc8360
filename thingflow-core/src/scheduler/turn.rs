//! The phases of a turn: start what is new, wait, then serve timers, inboxes, descriptors and jobs.

use std::sync::atomic::Ordering;

use super::engine::{Engine, Schedule};
use super::host::Waiting;
use super::inbox::InboxId;
use super::reactor::Until;
use super::timers::{Due, Kind};
use crate::clock::Instant;
use crate::error::RunError;
use crate::thing::Demand;

impl Engine {
    /// Sleeps until something is due, at most until `limit`, and serves it.
    pub(super) fn turn(&self, limit: Until) -> Result<(), RunError> {
        self.start_new()?;
        if !self.has_work() {
            return Ok(()); // all of it ended at its start
        }
        self.wait(limit)?;
        self.clock.forget_wall_clock();
        self.call_freed()?;
        self.fire_due_timers()?;
        self.drain_inboxes()?;
        self.call_waiting()?;
        self.run_jobs()?;
        self.settle_tracked()?;
        self.release_unlistened();
        self.release_drained();
        Ok(())
    }

    pub(super) fn start_new(&self) -> Result<(), RunError> {
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

    pub(super) fn wait(&self, limit: Until) -> Result<(), RunError> {
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

    pub(super) fn until(&self, limit: Until) -> Until {
        let busy = !self.again.borrow().is_empty()
            || !self.jobs.borrow().is_empty()
            || self.has_freed()
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

    pub(super) fn fire_due_timers(&self) -> Result<(), RunError> {
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

    pub(super) fn fire(&self, due: Due) -> Result<(), RunError> {
        let key = due.key as usize;
        match due.kind {
            Kind::Schedule => {
                let called = self.call(key, due.serial)?;
                self.set_next_tick(key, due.serial, &called);
            }
            Kind::Flow => {
                if let Some(schedule) = self.schedules.borrow_mut().get_mut(key) {
                    schedule.armed = Instant::NEVER;
                }
                self.wake(key, due.serial)?;
            }
            Kind::Port | Kind::Later => {
                let later = due.kind == Kind::Later;
                let waiting = self.ports.borrow_mut().try_remove(key);
                if let Some(Waiting::Events(_)) = waiting {
                    self.later.set(self.later.get() - 1);
                }
                if let Some(port) = waiting.and_then(|port| port.upgrade()) {
                    self.guarded(|cx| port.wake(later, cx))?;
                }
            }
            Kind::Rhythm => {}
        }
        Ok(())
    }

    pub(super) fn drain_inboxes(&self) -> Result<(), RunError> {
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
    pub(super) fn call_waiting(&self) -> Result<(), RunError> {
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

    pub(super) fn run_jobs(&self) -> Result<(), RunError> {
        let waiting = self.jobs.borrow().len();
        for _ in 0..waiting {
            let Some(job) = self.jobs.borrow_mut().pop_front() else { break };
            self.guarded(|cx| job(cx).map(|()| Demand::More))?;
        }
        Ok(())
    }

    /// Tells sources what has become of their events. Last in a turn: when it ends by a fatal error, they are not done.
    pub(super) fn settle_tracked(&self) -> Result<(), RunError> {
        if !self.link.trackers.is_nudged() {
            return Ok(());
        }
        self.guarded(|cx| self.link.trackers.settle(cx).map(|()| Demand::More))
    }

    /// Lets go of sources that nobody listens to any more.
    pub(super) fn release_unlistened(&self) {
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

    /// Lets go of ports and joins behind which nothing drains any more.
    fn release_drained(&self) {
        let drained: Vec<_> = self.lingering.borrow_mut().extract_if(.., |hub| !hub.is_draining()).collect();
        drop(drained); // only now: what they keep may use the engine when it is dropped
    }
}
