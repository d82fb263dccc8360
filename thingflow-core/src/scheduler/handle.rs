//! Handles: to one schedule, and to stop a whole run from another thread.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(doc)]
use super::Scheduler;
use super::engine::Engine;
use super::keyed::Id;
use super::phase::Phase;
use super::threads::inbox::{Doorbell, Wake};
use crate::error::fmt_chain;

/// A schedule. Dropping the handle keeps it; [`cancel`](Self::cancel) ends it.
#[derive(Clone)]
pub struct ScheduleHandle {
    pub(super) engine: Weak<Engine>,
    pub(super) id: Id,
    pub(super) counts: Rc<Cell<ScheduleStats>>,
}

impl ScheduleHandle {
    /// Ends the schedule and drops its Thing at once, without notices of completion; what its chain holds is lost. A
    /// [join](crate::joins) behind it goes on as if that input had completed, unless you still have its port, which you may
    /// feed. A second time it does nothing.
    pub fn cancel(&self) {
        self.with_engine(|engine| engine.cancel(self.id));
    }

    /// Completes the schedule in the next turn: the Thing is asked for no more events, and what is connected is told that
    /// the stream has completed. What an edge thread has been asked for comes before. Stages that hold events send them, in
    /// their time.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::{Limit, testing::Recorder};
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// let second = Duration::from_secs(1);
    /// let numbers = from_iter(1..).delay(10 * second, Limit::default()).connect(seen.clone());
    /// let handle = scheduler.schedule_periodic(numbers, second)?;
    /// scheduler.run_for(2 * second)?;
    /// handle.end();
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), "1@11 2@12 |@12");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn end(&self) {
        self.with_engine(|engine| engine.end(self.id));
    }

    /// Stops asking the Thing for events until [`resume`](Self::resume). Stages that hold events still send them, and what an
    /// edge thread has been asked for still comes. A paused schedule does not keep a run going: when there is nothing else, the
    /// run returns, and the next one goes on with the schedule.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::Recorder;
    /// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    /// let second = Duration::from_secs(1);
    /// let handle = scheduler.schedule_periodic(from_iter(1..).connect(seen.clone()), second)?;
    /// scheduler.schedule_periodic(from_iter(1..).connect(Recorder::new()), second)?; // goes on meanwhile
    /// scheduler.run_for(2 * second)?;
    /// handle.pause();
    /// scheduler.run_for(3 * second)?;
    /// handle.resume();
    /// scheduler.run_for(second)?;
    /// assert_eq!(seen.timed_text(), "1@1 2@2 3@6"); // what is paused misses its ticks
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pause(&self) {
        self.with_engine(|engine| engine.pause(self.id));
    }

    /// Resumes a schedule that was [paused](Self::pause): a periodic one with its next tick, any other in the next turn
    /// if it was due meanwhile.
    pub fn resume(&self) {
        self.with_engine(|engine| engine.unpause(self.id));
    }

    /// Ends the schedule, which waits for its first reader, when nobody is left who could connect one.
    pub(crate) fn let_go_when_forsaken(&self) {
        self.with_engine(|engine| _ = engine.with_schedule(self.id, |schedule| schedule.may_be_forsaken = true));
    }

    /// Whether the schedule goes on, now or after a pause.
    pub fn is_active(&self) -> bool {
        self.phase().is_some()
    }

    /// Whether its handle has paused it.
    pub fn is_paused(&self) -> bool {
        self.phase().is_some_and(Phase::is_paused)
    }

    /// What the schedule has done so far.
    pub fn stats(&self) -> ScheduleStats {
        self.counts.get()
    }

    fn phase(&self) -> Option<Phase> {
        self.engine.upgrade()?.phase(self.id)
    }

    fn with_engine(&self, ask: impl FnOnce(&Engine)) {
        if let Some(engine) = self.engine.upgrade() {
            ask(&engine);
        }
    }
}

impl Drop for ScheduleHandle {
    fn drop(&mut self) {
        if Rc::strong_count(&self.counts) == 2 {
            self.with_engine(|engine| _ = engine.with_schedule(self.id, |schedule| schedule.counts.take_back()));
        }
    }
}

impl fmt::Debug for ScheduleHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScheduleHandle").field("active", &self.is_active()).field("stats", &self.stats()).finish()
    }
}

/// Counters of one schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// Ends the run after the current turn, without notices of completion; what is connected may send what it holds before, see
    /// [the order of a stop](Scheduler#the-order-of-a-stop).
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
#[non_exhaustive]
pub enum ScheduleError {
    /// The period is zero, which would never let the program rest.
    ZeroPeriod,
    /// A failed sample would be retried without a wait and without an end.
    ZeroRetry,
    /// The descriptor of a Thing could not be registered.
    Register(io::Error),
    /// A thread could not be started.
    Thread(io::Error),
    /// It leads to a port of this name, which belongs to another scheduler.
    OtherScheduler(String),
    /// A Thing asked its context to schedule another one, but is not run by a scheduler.
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
            Self::OtherScheduler(port) => write!(
                f,
                "cannot schedule what feeds the port `{port}` of another scheduler: post events to it over a `Remote`"
            ),
            Self::Register(_) => f.write_str("cannot wait for this Thing's descriptor"),
            Self::Thread(_) => f.write_str("cannot start the edge thread"),
            Self::NoScheduler => {
                f.write_str("only a Thing that is run by a scheduler, on its thread, can schedule others")
            }
        }
    }
}

/// As `Display`, with the chain of causes: what `main` prints when it returns the error.
impl fmt::Debug for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_chain(self, f)
    }
}

impl Error for ScheduleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::ZeroPeriod | Self::ZeroRetry | Self::OtherScheduler(_) | Self::NoScheduler => None,
            Self::Register(error) | Self::Thread(error) => Some(error),
        }
    }
}
