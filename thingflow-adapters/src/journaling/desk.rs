//! [`Desk`]: the reactor's side of a journal.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use thingflow_core::{Context, Registry, StreamError};
use thingflow_journal::{BootClock, Journal};

use super::bell::Bell;
use super::inlet::Inlet;

/// Sees what the journal's thread has done, and tells everybody.
pub(crate) struct Desk {
    /// What reports call it.
    name: &'static str,
    pub(crate) bell: Bell,
    pub(crate) inlet: Rc<RefCell<Inlet>>,
    /// The durable number when it was last looked at.
    pub(crate) durable: u64,
    failures: u64,
    /// What is known of the wall clocks of boots.
    clocks: Vec<BootClock>,
    /// Whether that of this boot is.
    has_clock: bool,
}

impl Desk {
    pub(crate) fn new(name: &'static str, journal: &Journal) -> io::Result<Self> {
        let bell = Bell::new()?;
        journal.notify(bell.ringer());
        let inlet = Rc::new(RefCell::new(Inlet::new(journal)));
        let clocks = journal.clocks();
        Ok(Self { name, bell, inlet, durable: journal.durable(), failures: 0, clocks, has_clock: false })
    }

    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.bell.register(registry)?;
        self.inlet.borrow_mut().registry = Some(registry.clone());
        Ok(())
    }

    pub(crate) fn look(&mut self, journal: &Journal, cx: &mut Context<'_>) {
        self.bell.quiet();
        self.note_clock(journal, cx);
        let durable = journal.durable();
        let moved = durable > self.durable;
        self.durable = durable;
        if moved {
            self.failures = 0;
        }
        let failed = self.report(journal, cx);
        let mut inlet = self.inlet.borrow_mut();
        inlet.stuck = failed || inlet.stuck && !moved;
        let room = inlet.retry();
        let acks = inlet.acks();
        drop(inlet);
        acks.iter().for_each(|acks| acks.durable(durable));
        if room {
            cx.resume();
        }
    }

    /// What is known of the wall clocks of boots.
    pub(crate) fn clocks(&self) -> &[BootClock] {
        &self.clocks
    }

    /// Notes in the journal that records of this boot have no wall time, and what it is when the clock has been set, so that a
    /// later process and a later boot know.
    pub(crate) fn note_clock(&mut self, journal: &Journal, cx: &Context<'_>) {
        if self.has_clock {
            return;
        }
        let clock = cx.wall_clock();
        let boot = clock.boot.as_u128();
        let known = self.clocks.iter().find(|known| known.boot == boot).map(|known| known.time);
        let has_unknown_times = self.inlet.borrow().has_unknown_times;
        self.has_clock =
            boot == 0 || matches!(known, Some(Some(_))) || clock.is_set && !has_unknown_times && known.is_none();
        if self.has_clock || known.is_some() && !clock.is_set || known.is_none() && !has_unknown_times {
            return;
        }
        let time = clock.is_set.then_some(clock.time.as_nanos());
        journal.note_clock(BootClock { boot, monotonic: clock.at.as_nanos(), time });
        self.clocks = journal.clocks();
    }

    /// Reports what has gone wrong: whether a commit may have failed.
    pub(crate) fn report(&mut self, journal: &Journal, cx: &Context<'_>) -> bool {
        let report = |report: String| cx.report(self.name, &StreamError::msg(report));
        let (reports, _) = journal.take_reports();
        reports.iter().for_each(|found| report(found.to_string()));
        let Some(error) = journal.take_failure() else { return false };
        self.failures += 1;
        if self.failures.is_power_of_two() {
            report(format!("{error:?}; tried again"));
        }
        true
    }

    /// Whether all inputs have ended and all that they brought is on the disk.
    pub(crate) fn is_closed_upstream(&self) -> bool {
        let inlet = self.inlet.borrow();
        inlet.open == 0 && inlet.has_room() && inlet.is_acknowledged() && self.durable >= inlet.newest
    }

    /// Whether a commit or room is awaited, and may come.
    pub(crate) fn waits_for_journal(&self) -> bool {
        let inlet = self.inlet.borrow();
        let commits = inlet.awaits_commits && self.durable < inlet.newest;
        (commits || !inlet.has_room()) && !inlet.stuck
    }

    /// Has virtual time wait for the journal's thread or not. Says whether it does wait.
    pub(crate) fn hold_time(&self, waits: bool) -> bool {
        let inlet = self.inlet.borrow();
        inlet.registry.as_ref().is_some_and(|registry| registry.wait_for_thread(waits)) && waits
    }

    /// The end of the run. What has come in is synced, so that it can be acknowledged upstream.
    pub(crate) fn close(&self, journal: &Journal) {
        self.hold_time(false);
        let inlet = self.inlet.borrow();
        if inlet.is_acknowledged() {
            return;
        }
        // What cannot be synced is not acknowledged.
        let _ = journal.sync();
        for acks in inlet.acks() {
            acks.durable(journal.durable());
            acks.abandon();
        }
    }
}
