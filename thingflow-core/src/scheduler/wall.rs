//! The wall clock of a run: whether it has been set, and a report at each step. Nobody looks until somebody asks.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::time::Duration;

use super::engine::Engine;
use crate::clock::{Instant, Timestamp};
use crate::error::RunError;
use crate::moment::{BootId, WallClock};
use crate::port::{OnDemand, Port, PortRef};

/// While the clock has not been set, the kernel is asked at most this often.
const LOOK: Duration = Duration::from_millis(100);

/// The wall clock was set to another time, or has become known to be right: see
/// [`Scheduler::clock_changes`](crate::Scheduler::clock_changes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockChange {
    /// When it was noticed, on the scheduler's clock, which takes no part in it.
    pub at: Instant,
    /// What the clock would have shown then.
    pub before: Timestamp,
    /// What it shows. As before, if it was not stepped.
    pub after: Timestamp,
    /// Whether the clock is known to have been set.
    pub is_set: bool,
}

impl fmt::Display for ClockChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.before == self.after {
            return write!(f, "the wall clock is synchronized: it is {}", self.after);
        }
        write!(f, "the wall clock was set from {} to {}", self.before, self.after)
    }
}

/// What is known of the wall clock.
#[derive(Default)]
pub(super) struct Wall {
    port: OnDemand<ClockChange>,
    boot: OnceCell<BootId>,
    watches: Cell<bool>,
    is_set: Cell<bool>,
    /// When the kernel is asked next.
    look: Cell<Instant>,
    steps: Cell<u64>,
    /// The last reading, by which a step is measured.
    last: Cell<(Instant, Timestamp)>,
    /// Steps of the virtual clock that have been seen.
    seen: Cell<u64>,
}

impl Wall {
    /// The port, if anybody listens to it.
    pub(super) fn listened(&self) -> Option<PortRef> {
        self.port.listened()
    }

    /// Forgets the port, which has been closed.
    pub(super) fn end_run(&self) {
        self.port.end_run();
    }
}

impl Engine {
    /// The port of changes, and whether it is new.
    pub(super) fn clock_changes(&self) -> (Port<ClockChange>, bool) {
        self.watch_wall_clock(self.now());
        self.wall.port.port("clock")
    }

    /// Takes the wall clock as set, whatever the kernel says.
    pub(super) fn trust_wall_clock(&self) {
        self.wall.is_set.set(true);
    }

    /// What is known of the wall clock.
    pub(super) fn wall_clock_at(&self, at: Instant) -> WallClock {
        self.watch_wall_clock(at);
        self.look_at_wall_clock(at);
        WallClock {
            at,
            time: self.clock.timestamp_at(at),
            is_set: self.wall.is_set.get(),
            steps: self.wall.steps.get(),
            boot: *self.wall.boot.get_or_init(|| self.clock.boot()),
        }
    }

    /// Begins to watch, at the first question.
    fn watch_wall_clock(&self, now: Instant) {
        let wall = &self.wall;
        if wall.watches.replace(true) {
            return;
        }
        wall.last.set((now, self.clock.timestamp_at(now)));
        if let Some(script) = self.clock.scripted() {
            wall.seen.set(script.steps());
        } else if let Err(error) = self.reactor.watch_clock() {
            log::warn!("steps of the wall clock are not seen, it cannot be watched: {error}");
        }
    }

    /// Whether it has been set, if that is not known yet.
    fn look_at_wall_clock(&self, now: Instant) {
        let wall = &self.wall;
        if wall.is_set.get() {
            return;
        }
        if let Some(script) = self.clock.scripted() {
            wall.is_set.set(script.is_set());
        } else if now >= wall.look.get() {
            wall.look.set(now + LOOK);
            wall.is_set.set(thingflow_clock::kernel_clock().is_ok_and(|clock| clock.synchronized));
        }
    }

    /// Reports what has become of the wall clock since the last turn, if anybody watches it.
    pub(super) fn follow_wall_clock(&self) -> Result<(), RunError> {
        if !self.wall.watches.get() {
            return Ok(());
        }
        let (now, was_set) = (self.now(), self.wall.is_set.get());
        let stepped = self.has_stepped();
        if stepped {
            self.wall.is_set.set(true);
            self.wall.steps.set(self.wall.steps.get() + 1);
        } else if !was_set && self.wall.listened().is_some() {
            self.look_at_wall_clock(now);
        }
        if !stepped && was_set == self.wall.is_set.get() {
            return Ok(());
        }
        self.report_change(now, stepped)
    }

    fn has_stepped(&self) -> bool {
        match self.clock.scripted() {
            Some(script) => self.wall.seen.replace(script.steps()) != script.steps(),
            None => self.reactor.take_clock_set(),
        }
    }

    fn report_change(&self, at: Instant, stepped: bool) -> Result<(), RunError> {
        let (last, shown) = self.wall.last.get();
        let after = self.clock.timestamp_at(at);
        let before = if stepped { shown + at.since(last) } else { after };
        self.wall.last.set((at, after));
        let change = ClockChange { at, before, after, is_set: self.wall.is_set.get() };
        log::info!("{change}");
        self.guarded(|cx| self.wall.port.emit(change, cx).map(drop))
    }
}

/// Which boot of this machine it is.
pub(super) fn boot_id() -> BootId {
    let read = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    read.ok().and_then(|text| text.parse().ok()).unwrap_or(BootId::UNKNOWN)
}
