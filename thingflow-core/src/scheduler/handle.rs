//! Handles: to one schedule, and to stop a whole run from another thread.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::engine::Engine;
use super::keyed::Id;
use super::threads::inbox::{Doorbell, Wake};

/// A schedule. Dropping the handle keeps it; [`cancel`](Self::cancel) ends it.
#[derive(Clone)]
pub struct ScheduleHandle {
    pub(super) engine: Weak<Engine>,
    pub(super) id: Id,
    pub(super) last_counts: Rc<Cell<ScheduleStats>>,
}

impl ScheduleHandle {
    /// Ends the schedule and drops its Thing, without notices of completion. A second time it does nothing.
    pub fn cancel(&self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.cancel(self.id);
        }
    }

    /// Whether the schedule goes on.
    pub fn is_active(&self) -> bool {
        self.engine.upgrade().is_some_and(|engine| engine.is_active(self.id))
    }

    /// What the schedule has done so far.
    pub fn stats(&self) -> ScheduleStats {
        let running = self.engine.upgrade().and_then(|engine| engine.counts(self.id));
        running.unwrap_or(self.last_counts.get())
    }
}

impl fmt::Debug for ScheduleHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScheduleHandle").field("active", &self.is_active()).field("stats", &self.stats()).finish()
    }
}

/// Counters of one schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScheduleStats {
    /// How often the Thing has been called.
    pub ticks: u64,
    /// How many ticks passed without a call because something took too long.
    pub missed: u64,
    /// How many samplings failed.
    pub failures: u64,
}

/// Stops a run from any thread.
///
/// ```
/// use thingflow_core::prelude::*;
/// let mut scheduler = Scheduler::new()?;
/// let stopper = scheduler.stopper();
/// scheduler.schedule_recurring(never::<i32>().connect(call(|_| {})))?;
/// std::thread::spawn(move || stopper.stop());
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Stopper {
    pub(super) flag: Arc<AtomicBool>,
    pub(super) wake: Arc<dyn Wake>,
    pub(super) _bell: Arc<Doorbell>,
}

impl Stopper {
    /// Ends the run after the current turn: cleanly, and without notices of completion.
    pub fn stop(&self) {
        self.flag.store(true, Ordering::SeqCst);
        self.wake.wake();
    }
}

impl fmt::Debug for Stopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stopper")
    }
}

/// Why something could not be scheduled.
#[derive(Debug)]
#[non_exhaustive]
pub enum ScheduleError {
    /// A period of zero would never let the program rest.
    ZeroPeriod,
    /// A sampling that fails would be tried again without a wait and without an end.
    ZeroRetry,
    /// The descriptor of a Thing could not be registered.
    Register(io::Error),
    /// A thread could not be started.
    Thread(io::Error),
    /// A Thing asked its context to schedule another one, and is not run by a scheduler.
    NoScheduler,
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroPeriod => {
                f.write_str("a schedule needs a period above zero; to run as often as possible use schedule_recurring")
            }
            Self::ZeroRetry => f.write_str(
                "a retry that never gives up needs a wait above zero: raise `first` and `longest`, or limit `attempts`",
            ),
            Self::Register(error) => write!(f, "the reactor cannot wait for this Thing's descriptor: {error}"),
            Self::Thread(error) => write!(f, "the edge thread could not be started: {error}"),
            Self::NoScheduler => {
                f.write_str("only a Thing that is run by a scheduler, on its thread, can schedule others")
            }
        }
    }
}

impl Error for ScheduleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::ZeroPeriod | Self::ZeroRetry | Self::NoScheduler => None,
            Self::Register(error) | Self::Thread(error) => Some(error),
        }
    }
}
