//! The scheduler: one thread, one reactor, all schedules.

mod calls;
mod clocks;
mod closing;
mod descriptors;
mod downstream;
mod engine;
mod handle;
mod host;
mod inspect;
mod keyed;
mod pauses;
mod periodic;
mod phase;
mod reactor;
mod signals;
mod table;
mod threads;
mod ticks;
mod timers;
mod troubles;
mod turn;
mod wall;
mod within;

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub use clocks::{SystemClock, VirtualClock};
pub use descriptors::{Descriptor, EventThing, NotScheduled, Readiness, Ready, Registry};
pub use handle::{ScheduleError, ScheduleHandle, ScheduleStats, Stopper};
pub use inspect::{
    CallTimes, Control, InspectError, Inspector, Lateness, Reported, ScheduleInfo, ScheduleKind, ScheduleState, Seen,
    Snapshot, Spot, TapEvents, TapSettings, TurnTimes,
};
pub use periodic::{IntoPeriodic, OnFailure, Periodic};
pub use reactor::Interest;
pub use signals::StopSignal;
pub(crate) use threads::inbox::Doorbell;
pub use threads::{
    Batch, Delivery, DeliveryMeter, DeliveryStats, EdgeOutput, EdgeSink, OnSetup, Overrun, PoolInput, PostError,
    Refusal, Rejection, Remote, StopToken, Worker,
};
pub use wall::ClockChange;

pub(crate) use engine::Engine;

/// Stops the joins of a run, after those schedules and until that time at the latest.
pub(crate) type StopJoins = fn(&Engine, &[keyed::Id], crate::clock::Instant) -> Result<(), RunError>;
pub(crate) const STOP_JOINS: StopJoins = Engine::stop_joins;

use crate::clock::Clock;
use crate::error::RunError;
use crate::notice::Notice;
use crate::output::OutputThing;
use crate::port::Port;
use crate::reports::Report;
use crate::sensor::{Sensor, SensorOutput};
use crate::thing::InputThing;
use clocks::RunClock;
use engine::log_failed;
use reactor::Until;

/// Owns the reactor, the clock and the schedules. It stays on its thread; see [`Remote`] and [`Stopper`] for others.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::{ListSensor, Recorder};
/// let mut scheduler = Scheduler::virtual_time()?; // `Scheduler::new()` for real time
/// let (lux, seen) = (SensorOutput::new(ListSensor::new("lux", [20.0, 30.0])), Recorder::new());
/// lux.map(|e| e.val > 25.0).connect(seen.clone());
/// scheduler.schedule_periodic(lux, Duration::from_secs(60))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "false@60 true@120 |@180");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A Thing cannot be scheduled twice, since the scheduler takes it:
///
/// ```compile_fail,E0382
/// # use std::time::Duration;
/// # use thingflow_core::prelude::*;
/// # let scheduler = Scheduler::virtual_time()?;
/// let numbers = from_iter(0..).output();
/// scheduler.schedule_periodic(numbers, Duration::from_secs(1))?;
/// scheduler.schedule_periodic(numbers, Duration::from_secs(2))?; // use of moved value
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The order of a stop
///
/// A [`stop`](Stopper::stop), from whatever thread or [call](crate::Context::stop), or a [signal](Self::stop_on), lets the
/// turn end, and then:
///
/// 1. No source is asked for events any more, and edge threads are told to end. What is being collected is sent as it is, see
///    [`Notice::Flush`](crate::Notice::Flush): the open window of an hour. Nothing is told that its stream has completed.
/// 2. The run goes on while something is held: delayed events are sent in their time, what is queued for a thread is taken by
///    that, what a thread was asked for comes from it. Then joins send what has waited for another input and can go on without
///    it, those further up first. This takes two seconds at most, or what [`stop_within`](Self::stop_within) says; another
///    signal ends it at once.
/// 3. Every Thing is dropped, in reverse order of creation. Edge threads are waited for, as long again.
///
/// After a fatal error there is the third step only. Then the scheduler is as new.
///
/// # Examples
///
/// It stays on its thread:
///
/// ```compile_fail,E0277
/// # use thingflow_core::prelude::*;
/// let mut scheduler = Scheduler::new()?;
/// std::thread::spawn(move || scheduler.run_forever()); // cannot be sent between threads safely
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Scheduler {
    engine: Rc<Engine>,
}

impl Scheduler {
    /// A scheduler in real time.
    ///
    /// # Errors
    /// That the operating system gives no descriptor: the limit of open files is reached.
    pub fn new() -> Result<Self, RunError> {
        Ok(Self { engine: Engine::new(RunClock::system())? })
    }

    /// A scheduler in virtual time, which jumps to the next deadline: for tests and replays. What other threads post of
    /// their own accord, and what comes from descriptors, comes in real time all the same.
    ///
    /// While there is something to do, time stands still: for ten thousand turns, so that a recurring source without an end
    /// does not keep it there.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn virtual_time() -> Result<Self, RunError> {
        Self::with_clock(VirtualClock::new())
    }

    /// Like [`virtual_time`](Self::virtual_time), on your own clock.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_clock(clock: VirtualClock) -> Result<Self, RunError> {
        Ok(Self { engine: Engine::new(RunClock::Virtual(clock))? })
    }

    /// Samples a Thing at a fixed rate, for the first time after one period; see [`Periodic`] for more.
    ///
    /// # Errors
    /// [`ScheduleError::ZeroPeriod`], [`ScheduleError::ZeroRetry`], [`ScheduleError::OtherScheduler`].
    pub fn schedule_periodic(
        &self,
        thing: impl OutputThing + 'static,
        timing: impl IntoPeriodic,
    ) -> Result<ScheduleHandle, ScheduleError> {
        self.engine.add_periodic(Box::new(thing), timing.into_periodic())
    }

    /// Samples a sensor at a fixed rate; `connect` says what follows.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::ListSensor;
    /// # let mut scheduler = Scheduler::virtual_time()?;
    /// scheduler.schedule_sensor(ListSensor::new("lux", [20.0, 30.0]), Duration::from_secs(1), |lux| {
    ///     lux.print();
    /// })?;
    /// # scheduler.run_forever()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ScheduleError::ZeroPeriod`], [`ScheduleError::ZeroRetry`], [`ScheduleError::OtherScheduler`].
    pub fn schedule_sensor<S: Sensor + 'static>(
        &self,
        sensor: S,
        timing: impl IntoPeriodic,
        connect: impl FnOnce(&SensorOutput<S>),
    ) -> Result<ScheduleHandle, ScheduleError>
    where
        S::Reading: Clone + 'static,
    {
        let output = SensorOutput::new(sensor);
        connect(&output);
        self.schedule_periodic(output, timing)
    }

    /// Calls a Thing once in every turn, as often as the other schedules allow; a source with a timetable of its own,
    /// such as [`interval`](crate::interval), only when it is due.
    ///
    /// # Errors
    /// [`ScheduleError::OtherScheduler`].
    pub fn schedule_recurring(&self, thing: impl OutputThing + 'static) -> Result<ScheduleHandle, ScheduleError> {
        self.engine.add_recurring(Box::new(thing))
    }

    /// Calls a Thing once, after `delay`. Then its stream has ended: stages that hold events send them when they are due,
    /// and the connected Things are told. A port that a flow leads to is not told, since several schedules may feed it.
    ///
    /// # Errors
    /// [`ScheduleError::OtherScheduler`].
    pub fn schedule_later_one_time(
        &self,
        thing: impl OutputThing + 'static,
        delay: Duration,
    ) -> Result<ScheduleHandle, ScheduleError> {
        self.engine.add_once(Box::new(thing), delay)
    }

    /// Runs until nothing is scheduled any more, until [`stop`](Stopper::stop) or [a signal](Self::stop_on), or until a fatal
    /// error. In the last three cases everything is closed before this returns, see
    /// [the order of a stop](Self#the-order-of-a-stop). In the first case everything is closed but a loop that you hold the
    /// port of, which may be fed again; to go on with other ports too, use [`run_for`](Self::run_for) or
    /// [`turn`](Self::turn).
    ///
    /// Nothing is scheduled any more when the sources have ended, all that stages hold has been sent, and threads have taken what was
    /// queued for them: a flow that is finite needs no other call, and what it has gathered can be looked at then.
    ///
    /// # Errors
    /// The fatal error, with the Thing it came from and its causes.
    #[doc(alias = "run_until_complete")]
    #[doc(alias = "run_until_idle")]
    #[doc(alias = "block_on")]
    pub fn run_forever(&mut self) -> Result<(), RunError> {
        if self.engine.clock.is_virtual() {
            return self.run_to_the_end();
        }
        let watching = self.engine.watch_signals().map_err(RunError::new)?;
        let result = self.run_to_the_end();
        drop(watching);
        result.and(self.engine.reactor.forget_signals().map_err(RunError::new))
    }

    /// As [`run_forever`](Self::run_forever), for at most `d` of the scheduler's time, and without touching signals. What
    /// is scheduled stays, and the next call goes on with it.
    ///
    /// # Errors
    /// The fatal error.
    pub fn run_for(&mut self, d: Duration) -> Result<(), RunError> {
        self.run(Until::At(self.engine.now() + d))
    }

    /// Waits for what is due next, at most for `timeout`, and serves it: to embed the scheduler in your own loop.
    /// False when there is nothing left to run for.
    ///
    /// # Errors
    /// The fatal error.
    pub fn turn(&mut self, timeout: Option<Duration>) -> Result<bool, RunError> {
        self.engine.tell_others(true);
        let limit = timeout.map_or(Until::Event, |d| Until::At(self.engine.now() + d));
        let served = self.engine.turn(limit);
        self.end_turn(served)?;
        let goes_on = self.goes_on();
        if !goes_on {
            self.end_turn(Ok(()))?; // who was asked may have failed
        }
        self.engine.tell_others(goes_on);
        Ok(goes_on)
    }

    /// A handle to stop the run from any thread.
    pub fn stopper(&self) -> Stopper {
        let wake = Arc::new(self.engine.reactor.waker());
        Stopper { flag: self.engine.stop.asked.clone(), wake, _bell: self.engine.bell.clone() }
    }

    /// A port with all errors that end nothing, wherever they are reported. Each is sent in the turn after, and logged as
    /// ever; an error that is reported while this port sends is only logged.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::{OnFailure, testing::{FlakySensor, Recorder}};
    /// # let mut scheduler = Scheduler::virtual_time()?;
    /// let (co2, seen) = (FlakySensor::new("co2", [Ok(410), Err("no answer"), Ok(415)]), Recorder::new());
    /// scheduler.reports().map(|report| report.to_string()).connect(seen.clone());
    /// let timing = Periodic::every(Duration::from_secs(1)).on_failure(OnFailure::Skip);
    /// scheduler.schedule_sensor(co2, timing, |co2| {
    ///     co2.for_each(|_| {});
    /// })?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.events(), ["co2: the sensor gave no reading: no answer"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reports(&self) -> Port<Report> {
        let (port, new) = self.engine.reports.port();
        if new {
            let mut started = port.clone();
            self.engine.do_later(move |_, cx| started.notice(Notice::Start, cx).map(drop));
        }
        port
    }

    /// Says when the wall clock is set to another time, and when it becomes known that it has been set: an event for each
    /// change, in the turn in which it is noticed. A program asks for it before the run.
    ///
    /// A clock has been set when a daemon synchronizes it, as the kernel says, or when it is stepped while the scheduler watches
    /// it. Where a service of the boot sets it to a time that it has saved, start the program after `time-set.target`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::{Timestamp, VirtualClock, testing::Recorder};
    /// let clock = VirtualClock::new().unset();
    /// let (mut scheduler, seen) = (Scheduler::with_clock(clock.clone())?, Recorder::new());
    /// scheduler.clock_changes().map(|change| change.to_string()).connect(seen.clone());
    /// let ticks = from_iter(1..=3).for_each(move |tick| {
    ///     if tick == 2 {
    ///         clock.set(Timestamp::from_secs(100)); // the network is there
    ///     }
    /// });
    /// scheduler.schedule_periodic(ticks, Duration::from_secs(1))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.events(), ["the wall clock was set from 1970-01-01T00:00:03Z to 1970-01-01T00:01:41Z"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clock_changes(&self) -> Port<ClockChange> {
        let (port, new) = self.engine.clock_changes();
        if new {
            let mut started = port.clone();
            self.engine.do_later(move |_, cx| started.notice(Notice::Start, cx).map(drop));
        }
        port
    }

    /// Takes the wall clock as set from now on: for a board with a battery-backed clock that no network corrects.
    pub fn trust_wall_clock(&self) {
        self.engine.trust_wall_clock();
    }

    /// The names of what is scheduled, and of the threads that take something from it.
    pub fn active(&self) -> Vec<String> {
        self.engine.names()
    }

    /// The graph as it is now: everything that is scheduled and what stands behind it.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::ListSensor;
    /// let scheduler = Scheduler::virtual_time()?;
    /// let second = std::time::Duration::from_secs(1);
    /// scheduler.schedule_sensor(ListSensor::new("lux", [20.0]), second, |lux| {
    ///     lux.map(|e| e.val).for_each(drop);
    /// })?;
    /// let probe = scheduler.schedule_sensor_on_separate_thread(ListSensor::new("probe", [1]), second)?;
    /// probe.for_each(drop);
    /// assert_eq!(scheduler.graph().to_string(), "lux -> map -> call\nprobe -> call\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn graph(&self) -> crate::diagram::Graph {
        let mut graph = crate::diagram::Graph::new();
        self.engine.each_shown(|id, thing| _ = graph.add_as(thing, Some(self.engine.node_id(id)), &mut |_, _| {}));
        graph
    }

    pub(crate) fn each_shown(&self, mut see: impl FnMut(&dyn OutputThing)) {
        self.engine.each_shown(|_, thing| see(thing));
    }

    /// Shows all outputs to a walk over the graph.
    pub fn describe(&self, visitor: &mut dyn crate::Visitor) {
        self.engine.describe(visitor);
    }

    /// The scheduler's time.
    pub fn now(&self) -> crate::Instant {
        self.engine.now()
    }

    fn goes_on(&self) -> bool {
        self.engine.has_work() && !self.engine.is_stopped()
    }

    fn run_to_the_end(&mut self) -> Result<(), RunError> {
        self.run(Until::Event)?;
        self.engine.let_unread_go();
        self.engine.close_unfed(); // a pin must not stay on
        Ok(())
    }

    fn run(&mut self, limit: Until) -> Result<(), RunError> {
        self.engine.tell_others(true);
        let mut result = self.engine.begin_read();
        while result.is_ok() && self.goes_on() {
            result = self.engine.turn(limit);
            if matches!(limit, Until::At(end) if self.engine.now() >= end) && !self.engine.waits_for_threads() {
                break;
            }
        }
        if result.is_ok() && !self.engine.has_work() {
            drop(self.engine.link.take_deserted()); // nobody is left to be let go
            self.engine.threads.settle();
            result = self.engine.hear_threads();
        }
        self.engine.answer_others();
        let result = self.end_turn(result);
        self.engine.tell_others(result.is_ok() && self.goes_on());
        result
    }

    /// Closes all if the run ends here.
    fn end_turn(&mut self, result: Result<(), RunError>) -> Result<(), RunError> {
        let mut result = result.and_then(|()| self.engine.take_failed());
        let stopped = self.engine.is_stopped();
        if stopped && result.is_ok() {
            result = self.engine.wind_down();
        }
        if result.is_ok() && !stopped {
            return Ok(());
        }
        let closed = self.engine.close();
        if result.is_err() {
            log_failed(closed); // the first error is told
            return result;
        }
        closed
    }
}

/// Closes what is still scheduled.
impl Drop for Scheduler {
    fn drop(&mut self) {
        self.engine.tell_others(false);
        log_failed(self.engine.close());
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("active", &self.active()).finish_non_exhaustive()
    }
}

impl Clock for Scheduler {
    fn now(&self) -> crate::Instant {
        self.engine.now()
    }
    fn timestamp(&self) -> crate::Timestamp {
        self.engine.clock.timestamp_at(self.engine.now())
    }
}
