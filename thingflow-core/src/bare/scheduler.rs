//! [`Scheduler`]: runs what its [`Timetable`] says is due, and wakes who has asked for it.

use core::fmt;
use core::time::Duration;

use embedded_hal::delay::DelayNs;
use heapless::Vec;

use super::host::BareHost;
use super::{ScheduleError, TaskId, Timetable};
use crate::chain::{Chain, Connected, Identity};
use crate::clock::{Instant, Timestamp, nanos};
use crate::context::Context;
use crate::error::{Failure, FatalError, RunError};
use crate::moment::BootId;
use crate::output::{ConnectedFlow, Flow, OutputThing};
use crate::sensor::{Sampled, Sensor};
use crate::thing::{Demand, InputThing};

/// What [`Scheduler::schedule_sensor`] builds in the place given to it.
pub type SensorFlow<S, N> = ConnectedFlow<Sampled<S>, Connected<Identity, N>>;

/// What a missing reading means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// It ends the task's stream by an error, and the task is removed; the others go on.
    #[default]
    Stop,
    /// It is reported to the log, and the task runs again at its next tick.
    Skip,
}

/// Runs up to `N` Things that are lent to it, in ticks that the caller counts. See the [module](super).
///
/// A tick is 10 ms and the counter wraps at 2^20 unless told otherwise.
pub struct Scheduler<'a, const N: usize> {
    table: Timetable<N>,
    slots: Vec<Slot<'a>, N>,
    tick: u64,
    ticks: u64,
    /// The resumes that the tasks have heard of.
    resumes: u64,
    host: BareHost,
}

struct Slot<'a> {
    id: TaskId,
    thing: &'a mut dyn OutputThing,
    on_failure: OnFailure,
    started: bool,
    again: bool,
    phase: Phase,
    /// A stage waits for room.
    stalled: bool,
    wake: Instant,
}

/// Whether a Thing is asked for events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// It was told to pause.
    Full,
    /// Somebody has room again, perhaps not those who listen to it: they are asked before it goes on.
    Freed,
}

/// One call of a Thing.
#[derive(Clone, Copy)]
enum Step {
    Start,
    Wake,
    Produce,
}

impl<'a, const N: usize> Scheduler<'a, N> {
    /// A scheduler with ticks of 10 ms.
    pub fn new() -> Self {
        Self::with_tick(Duration::from_millis(10))
    }

    /// A scheduler with ticks of the given length.
    pub fn with_tick(tick: Duration) -> Self {
        let (tick, host) = (nanos(tick).max(1), BareHost::default());
        host.boot.set(BootId::from_u128(1));
        Self { table: Timetable::new(1 << 20), slots: Vec::new(), tick, ticks: 0, resumes: 0, host }
    }

    /// The value at which the tick counter wraps, for [`run_by_counter`](Self::run_by_counter): to be set before
    /// anything is scheduled.
    #[must_use]
    pub fn wrap_at(mut self, wrap: u32) -> Self {
        self.table = Timetable::new(wrap);
        self
    }

    /// Sets the wall clock: it is `time` now and goes on with the ticks. Without it, events count from 1970.
    pub fn set_time(&mut self, time: Timestamp) {
        let since_start = time - Timestamp::UNIX_EPOCH;
        let running = self.now().since(Instant::ZERO);
        self.host.epoch.set(Timestamp::UNIX_EPOCH + since_start.saturating_sub(running));
        self.host.is_set.set(true);
    }

    /// Says which boot of the board it is, for what an earlier one has saved: a number that is counted in flash. Boot 1 unless told so.
    pub fn set_boot(&mut self, boot: BootId) {
        self.host.boot.set(boot);
    }

    /// Runs a Thing at a fixed rate. A missing reading ends it, see [`OnFailure::Stop`].
    ///
    /// # Errors
    /// If the interval does not fit the tick or its counter, or if `N` Things are scheduled already.
    pub fn schedule_periodic(
        &mut self,
        thing: &'a mut dyn OutputThing,
        interval: Duration,
    ) -> Result<TaskId, ScheduleError> {
        self.schedule_periodic_with(thing, interval, OnFailure::Stop)
    }

    /// Runs a Thing at a fixed rate and says what a missing reading means.
    ///
    /// # Errors
    /// As [`schedule_periodic`](Self::schedule_periodic).
    pub fn schedule_periodic_with(
        &mut self,
        thing: &'a mut dyn OutputThing,
        interval: Duration,
        on_failure: OnFailure,
    ) -> Result<TaskId, ScheduleError> {
        let ticks = nanos(interval).saturating_add(self.tick / 2) / self.tick;
        let id = self.table.add(u32::try_from(ticks).unwrap_or(u32::MAX))?;
        let slot = Slot {
            id,
            thing,
            on_failure,
            started: false,
            again: false,
            phase: Phase::Running,
            stalled: false,
            wake: Instant::NEVER,
        };
        self.slots.push(slot).map_err(|_| ScheduleError::Full)?;
        Ok(id)
    }

    /// Samples a sensor at a fixed rate into a sink, or into several joined by [`tee`](crate::sinks::tee). The flow is built
    /// in `place`, as there is no allocator.
    ///
    /// ```
    /// # use core::{convert::Infallible, time::Duration};
    /// # use thingflow_core::{SensorId, bare, prelude::*};
    /// # struct Lux;
    /// # impl Sensor for Lux {
    /// #     type Reading = u8;
    /// #     type Error = Infallible;
    /// #     fn id(&self) -> SensorId { "lux".into() }
    /// #     fn sample(&mut self) -> Result<u8, SampleError<Infallible>> { Ok(7) }
    /// # }
    /// let mut place = None;
    /// let mut scheduler = bare::Scheduler::<1>::new();
    /// let minute = Duration::from_secs(60);
    /// scheduler.schedule_sensor(&mut place, Lux, minute, call(|e: SensorEvent<u8>| assert_eq!(e.val, 7)))?;
    /// assert_eq!(scheduler.run_due(0)?, Some(6_000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`schedule_periodic`](Self::schedule_periodic).
    pub fn schedule_sensor<S: Sensor, I: InputThing<crate::SensorEvent<S::Reading>> + 'static>(
        &mut self,
        place: &'a mut Option<SensorFlow<S, I>>,
        sensor: S,
        interval: Duration,
        sink: I,
    ) -> Result<TaskId, ScheduleError> {
        let flow = place.insert(Flow::new(Sampled::new(sensor)).connect(sink));
        self.schedule_periodic(flow, interval)
    }

    /// Removes a task without notice to its sinks; false if it has gone already. A Thing that wants to end by itself
    /// answers [`Demand::Done`].
    pub fn cancel(&mut self, task: TaskId) -> bool {
        self.slots.retain(|slot| slot.id != task);
        self.table.remove(task)
    }

    /// Lets `elapsed` ticks pass and runs what is due. The answer is the number of ticks to sleep, 0 if something is
    /// overdue, `None` if nothing is scheduled any more, and no port waits for a wake-up, or a Thing has asked to stop.
    ///
    /// # Errors
    /// The fatal error of a Thing.
    pub fn run_due(&mut self, elapsed: u32) -> Result<Option<u32>, RunError> {
        self.table.advance(elapsed);
        self.ticks += u64::from(elapsed);
        self.host.now.set(self.now());
        let served = self.serve_due();
        let sleep = self.sleep(); // looked at in any case: a wish to stop is not for a later run
        served.map(|()| sleep)
    }

    /// What a start or a reading wishes for at once comes in the next round, as all of this tick come before it.
    fn serve_due(&mut self) -> Result<(), RunError> {
        self.free();
        self.run_later()?;
        self.wake_due()?;
        self.start_new()?;
        self.produce_due()
    }

    /// Runs until nothing is scheduled any more, or a Thing has asked to stop. Only the delays count as time: for work
    /// that takes a noticeable time see [`run_by_counter`](Self::run_by_counter).
    ///
    /// # Errors
    /// If nothing is scheduled; the fatal error of a Thing.
    pub fn run_forever(&mut self, delay: &mut impl DelayNs) -> Result<(), RunError> {
        self.refuse_empty()?;
        let mut elapsed = 0;
        while let Some(ticks) = self.run_due(elapsed)? {
            self.delay(delay, ticks);
            elapsed = ticks;
        }
        Ok(())
    }

    /// As [`run_forever`](Self::run_forever), with a counter of ticks that goes on while Things work. It wraps at the
    /// value given to [`wrap_at`](Self::wrap_at) and is read at least once in a turn of it.
    ///
    /// # Errors
    /// As [`run_forever`](Self::run_forever).
    pub fn run_by_counter(
        &mut self,
        delay: &mut impl DelayNs,
        mut counter: impl FnMut() -> u32,
    ) -> Result<(), RunError> {
        self.refuse_empty()?;
        let mut last = counter(); // which need not be 0
        loop {
            let now = counter();
            let elapsed = self.table.between(last, now);
            last = now;
            let Some(ticks) = self.run_due(elapsed)? else { return Ok(()) };
            let worked = self.table.between(last, counter());
            self.delay(delay, ticks.saturating_sub(worked));
        }
    }

    /// The time of the current round: the ticks that have passed.
    pub fn now(&self) -> Instant {
        Instant::from_nanos(self.ticks.saturating_mul(self.tick))
    }

    /// How many Things are scheduled.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing is scheduled.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many errors that ended nothing have been reported.
    pub fn reports(&self) -> u32 {
        self.host.reports.get()
    }

    fn refuse_empty(&self) -> Result<(), RunError> {
        if self.is_empty() && self.next_wake() == Instant::NEVER {
            Err(RunError::new(ScheduleError::NothingScheduled.text()))
        } else {
            Ok(())
        }
    }

    fn delay(&self, delay: &mut impl DelayNs, ticks: u32) {
        let nanos = u64::from(ticks).saturating_mul(self.tick);
        delay.delay_ms(u32::try_from(nanos / 1_000_000).unwrap_or(u32::MAX));
        delay.delay_ns((nanos % 1_000_000) as u32);
    }

    fn start_new(&mut self) -> Result<(), RunError> {
        self.run_each(Step::Start, |slot| !core::mem::replace(&mut slot.started, true))
    }

    /// Lets those go on that wait for room: a stage is woken at once, a source runs at its next tick if it has room then.
    fn free(&mut self) {
        if self.resumes == self.host.resumes.get() {
            return;
        }
        self.resumes = self.host.resumes.get();
        let now = self.now();
        for slot in &mut self.slots {
            if core::mem::take(&mut slot.stalled) {
                slot.wake = now;
            }
            if slot.phase == Phase::Full {
                slot.phase = Phase::Freed;
            }
        }
    }

    fn wake_due(&mut self) -> Result<(), RunError> {
        let now = self.now();
        self.run_each(Step::Wake, |slot| slot.wake <= now)
    }

    /// Those that asked to be called again come first: they ran in the last round.
    fn produce_due(&mut self) -> Result<(), RunError> {
        let due = self.table.due();
        self.run_each(Step::Produce, |slot| slot.again && !due.contains(&slot.id) && slot.has_room())?;
        for id in due {
            self.run_each(Step::Produce, |slot| slot.id == id && slot.has_room())?;
        }
        Ok(())
    }

    /// Calls the Things that `is_due` names, and lets go of those that are done or that nobody listens to.
    fn run_each(&mut self, step: Step, mut is_due: impl FnMut(&mut Slot<'a>) -> bool) -> Result<(), RunError> {
        let mut at = 0;
        while let Some(slot) = self.slots.get_mut(at) {
            if is_due(slot) && slot.run(step, &self.host)? == Demand::Done {
                self.let_go(at);
            } else {
                at += 1;
            }
        }
        Ok(())
    }

    /// Apart, for it would stand in the loop of each step.
    #[inline(never)]
    fn let_go(&mut self, at: usize) {
        let gone = self.slots.remove(at);
        self.table.remove(gone.id);
    }

    #[cfg(feature = "alloc")]
    fn run_later(&mut self) -> Result<(), RunError> {
        let cx = &mut Context::new(self.now(), &self.host);
        self.host.run_later(cx).map_err(|error| cx.take_error(error))
    }

    #[cfg(not(feature = "alloc"))]
    fn run_later(&mut self) -> Result<(), RunError> {
        Ok(())
    }

    /// Until what is due next; `None` if nothing is.
    fn sleep(&self) -> Option<u32> {
        if self.host.stopped.take() {
            return None; // a later run goes on from here
        }
        let resumed = self.resumes != self.host.resumes.get();
        let waits = |slot: &Slot<'_>| slot.phase == Phase::Full || slot.stalled;
        if self.slots.iter().any(|slot| slot.again && slot.phase != Phase::Full || resumed && waits(slot)) {
            return Some(0);
        }
        let ticks = self.table.sleep();
        let wake = self.next_wake();
        if wake == Instant::NEVER {
            return ticks;
        }
        let wake = wake.as_nanos().div_ceil(self.tick).saturating_sub(self.ticks);
        Some(ticks.unwrap_or(u32::MAX).min(u32::try_from(wake).unwrap_or(u32::MAX)))
    }

    /// When a Thing, a port or a job wants to be served.
    fn next_wake(&self) -> Instant {
        let wake = self.slots.iter().map(|slot| slot.wake).min().unwrap_or(Instant::NEVER);
        #[cfg(feature = "alloc")]
        let wake = wake.min(self.host.next_later());
        wake
    }
}

impl Slot<'_> {
    /// Whether it is not to pause, or not any more.
    fn has_room(&mut self) -> bool {
        if self.phase == Phase::Freed {
            self.phase = if self.thing.has_room() { Phase::Running } else { Phase::Full };
        }
        self.phase == Phase::Running
    }

    /// Calls the Thing once. `Done` if it is to be removed.
    fn run(&mut self, step: Step, host: &BareHost) -> Result<Demand, RunError> {
        let (cx, resumes) = (&mut Context::new(host.now.get(), host), host.resumes.get());
        let demand = match self.call(step, cx) {
            Ok(demand) => demand,
            Err(error) => {
                #[cfg(feature = "std")]
                cx.name_failed_in(|visitor| self.thing.describe(visitor));
                #[cfg(feature = "alloc")]
                cx.name_failed(|| self.thing.name().into());
                return Err(cx.take_error(error));
            }
        };
        cx.catch_up_on_resumes();
        self.stalled |= cx.stalled;
        if demand == Demand::Full {
            self.phase = if resumes == host.resumes.get() { Phase::Full } else { Phase::Freed };
        }
        let due = if cx.due() == Instant::ON_RESUME { Instant::NEVER } else { cx.due() };
        self.wake = if matches!(step, Step::Wake) { due } else { self.wake.min(due) };
        self.again |= cx.take_again();
        Ok(if self.thing.is_listened() { demand } else { Demand::Done })
    }

    fn call(&mut self, step: Step, cx: &mut Context<'_>) -> Result<Demand, FatalError> {
        let produced = match step {
            Step::Start => return self.thing.start(cx),
            Step::Wake => return self.thing.wake(cx),
            Step::Produce => {
                self.again = false;
                self.thing.produce(cx)
            }
        };
        match (produced, self.on_failure) {
            (Ok(demand), _) => Ok(demand),
            (Err(Failure::NotYet), _) => Ok(Demand::More),
            (Err(Failure::Fatal(error)), _) => Err(error),
            (Err(Failure::Sample(error)), OnFailure::Skip) => {
                cx.report(self.thing.name(), &error);
                Ok(Demand::More)
            }
            (Err(Failure::Sample(error)), OnFailure::Stop) => self.thing.fail(error, cx).map(|()| Demand::Done),
        }
    }
}

impl<const N: usize> Default for Scheduler<'_, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for Scheduler<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("bare::Scheduler").field("table", &self.table).field("now", &self.now()).finish_non_exhaustive()
    }
}
