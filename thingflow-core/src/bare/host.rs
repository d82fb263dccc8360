//! What a context leads to on a microcontroller: the time of the round, the log, and the wish to stop.

use core::cell::Cell;

use crate::clock::{Instant, Timestamp};
use crate::context::Host;
use crate::error::StreamError;
use crate::moment::{BootId, WallClock};

#[cfg(feature = "alloc")]
use crate::context::{Context, Job};
#[cfg(feature = "alloc")]
use crate::error::FatalError;
#[cfg(feature = "alloc")]
use crate::port::Hub;
#[cfg(feature = "alloc")]
use alloc::{rc::Weak, vec::Vec};
#[cfg(feature = "alloc")]
use core::cell::RefCell;

/// Asked by Things through their context.
#[derive(Default)]
pub(super) struct BareHost {
    pub(super) now: Cell<Instant>,
    /// The wall-clock time at [`Instant::ZERO`].
    pub(super) epoch: Cell<Timestamp>,
    /// Whether somebody has said so.
    pub(super) is_set: Cell<bool>,
    /// Which boot of the board it is.
    pub(super) boot: Cell<BootId>,
    pub(super) stopped: Cell<bool>,
    pub(super) reports: Cell<u32>,
    /// How often somebody had room again.
    pub(super) resumes: Cell<u64>,
    #[cfg(feature = "alloc")]
    later: RefCell<Vec<Later>>,
    #[cfg(feature = "alloc")]
    jobs: RefCell<Vec<Job>>,
    /// Ports with stages that wait for room, and the count of resumes that they have heard.
    #[cfg(feature = "alloc")]
    stalled: RefCell<Vec<Weak<dyn Hub>>>,
    #[cfg(feature = "alloc")]
    heard: Cell<u64>,
}

/// A wake-up of a port, where there are ports.
#[cfg(feature = "alloc")]
struct Later {
    port: Weak<dyn Hub>,
    due: Instant,
    emit: bool,
}

impl Host for BareHost {
    fn now(&self) -> Instant {
        self.now.get()
    }
    fn timestamp(&self, _: Instant) -> Timestamp {
        self.epoch.get() + self.now.get().since(Instant::ZERO)
    }
    fn wall_clock(&self, now: Instant) -> WallClock {
        let mut clock = WallClock::unknown(now, self.timestamp(now));
        clock.is_set = self.is_set.get();
        clock.boot = self.boot.get();
        clock
    }
    fn report(&self, thing: &str, error: &StreamError) {
        self.reports.set(self.reports.get().saturating_add(1));
        log::warn!("{thing}: {error}");
    }
    fn stop(&self) {
        self.stopped.set(true);
    }
    fn resume(&self) {
        self.resumes.set(self.resumes.get() + 1);
    }
    fn resumes(&self) -> Option<u64> {
        Some(self.resumes.get())
    }
    #[cfg(feature = "alloc")]
    fn wake_on_resume(&self, port: Weak<dyn Hub>) -> bool {
        self.stalled.borrow_mut().push(port);
        true
    }
    #[cfg(feature = "alloc")]
    fn defer(&self, job: Job) {
        self.jobs.borrow_mut().push(job);
    }
    #[cfg(feature = "alloc")]
    fn wake_at(&self, port: Weak<dyn Hub>, due: Instant, emit: bool) -> bool {
        self.later.borrow_mut().push(Later { port, due, emit });
        true
    }
}

#[cfg(feature = "alloc")]
impl BareHost {
    /// Runs what ports and Things have put off until now.
    pub(super) fn run_later(&self, cx: &mut Context<'_>) -> Result<(), FatalError> {
        for job in self.jobs.take() {
            job(cx)?;
        }
        if self.is_resumed() {
            self.heard.set(self.resumes.get());
            for port in self.stalled.take() {
                if let Some(port) = port.upgrade() {
                    let _ = port.resumed(cx)?;
                }
            }
        }
        let now = cx.now();
        let due: Vec<Later> = self.later.borrow_mut().extract_if(.., |later| later.due <= now).collect();
        for later in due {
            if let Some(port) = later.port.upgrade() {
                let _ = port.wake(later.emit, cx)?;
            }
        }
        Ok(())
    }

    fn is_resumed(&self) -> bool {
        self.heard.get() != self.resumes.get() && !self.stalled.borrow().is_empty()
    }

    /// When [`run_later`](Self::run_later) has something to do.
    pub(super) fn next_later(&self) -> Instant {
        if !self.jobs.borrow().is_empty() || self.is_resumed() {
            return self.now.get();
        }
        let later = self.later.borrow();
        let due = later.iter().filter(|later| later.port.strong_count() > 0).map(|later| later.due);
        due.min().unwrap_or(Instant::NEVER)
    }
}
