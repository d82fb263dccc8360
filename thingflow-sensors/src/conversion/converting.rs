//! [`Converting`]: starts a measurement at each tick and reads it when it is ready.

use core::fmt;
use core::time::Duration;

#[cfg(feature = "alloc")]
use thingflow_core::Port;
use thingflow_core::{
    Context, Demand, Failure, InputThing, Instant, Notice, OutputThing, Question, Receipt, SensorEvent, StreamError,
};

use super::{Conversion, Progress, SHORTEST_WAIT, TIMEOUT};

/// Starts a measurement at each tick and sends its reading when that is ready, without anybody waiting in between.
///
/// The event carries the time at which the reading was fetched. A tick that comes while a measurement still runs is
/// left out. A measurement that fails, or is not ready after ten seconds, is a failed sampling like any other: the
/// schedule's policy decides. Not for `schedule_later_one_time`, which lets go of a Thing after its first call.
///
/// ```
/// use core::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::Recorder;
/// use thingflow_sensors::{Conversion, Converting, Progress};
/// /// Needs 0.3 s for each measurement.
/// struct Slow(u32);
/// impl Conversion for Slow {
///     type Reading = u32;
///     type Error = core::convert::Infallible;
///     fn id(&self) -> SensorId {
///         "slow".into()
///     }
///     fn start(&mut self) -> Result<Duration, Self::Error> {
///         Ok(Duration::from_millis(300))
///     }
///     fn read(&mut self) -> Result<Progress<u32>, Self::Error> {
///         self.0 += 1;
///         Ok(Progress::Ready(self.0))
///     }
/// }
/// let seen = Recorder::new();
/// let slow = Converting::new(Slow(0), pipe::<SensorEvent<u32>>().map(|e| e.val).take(2).to(seen.clone()));
/// let mut scheduler = Scheduler::virtual_time()?;
/// scheduler.schedule_periodic(slow, Duration::from_secs(1))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "1@1.3 2@2.3 |@2.3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "does nothing until it is scheduled"]
pub struct Converting<C, N> {
    conversion: C,
    /// What errors call a sensor whose id is a number.
    #[cfg(feature = "alloc")]
    label: Option<alloc::string::String>,
    next: N,
    running: Option<Running>,
    failed: Option<StreamError>,
    timeout: Duration,
}

#[derive(Clone, Copy)]
struct Running {
    since: Instant,
    due: Instant,
}

impl<C: Conversion, N: InputThing<SensorEvent<C::Reading>>> Converting<C, N> {
    /// Sends the readings to `next`: a sink, or a chain that ends in one.
    pub fn new(conversion: C, next: N) -> Self {
        Self {
            #[cfg(feature = "alloc")]
            label: conversion.id().number().map(|number| alloc::format!("sensor {number}")),
            conversion,
            next,
            running: None,
            failed: None,
            timeout: TIMEOUT,
        }
    }

    /// How long to wait for a measurement that should be ready and is not. 10 s unless told otherwise.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let takes = self.conversion.start().map_err(no_reading)?;
        let due = cx.now() + takes;
        self.running = Some(Running { since: cx.now(), due });
        cx.wake_at(due);
        Ok(())
    }

    /// Fetches the reading if it is ready.
    fn collect(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let Some(running) = self.running else { return Ok(Demand::More) };
        if cx.now() < running.due {
            cx.wake_at(running.due);
            return Ok(Demand::More);
        }
        self.running = None;
        match self.conversion.read().map_err(no_reading)? {
            Progress::Ready(val) => {
                let event = SensorEvent { sensor_id: self.conversion.id(), ts: cx.timestamp(), val };
                Ok(self.next.next(event, cx)?)
            }
            Progress::AskIn(_) if cx.now().since(running.since) >= self.timeout => {
                Err(StreamError::new("the sensor gave no reading: its measurement does not come to an end").into())
            }
            Progress::AskIn(wait) => {
                let due = cx.now() + wait.max(SHORTEST_WAIT);
                self.running = Some(Running { due, ..running });
                cx.wake_at(due);
                Ok(Demand::More)
            }
        }
    }
}

#[cfg(feature = "alloc")]
impl<C: Conversion> Converting<C, Port<SensorEvent<C::Reading>>>
where
    C::Reading: Clone + 'static,
{
    /// A port for the readings, for several readers, and what sends to it.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_sensors::{Conversion, Converting};
    /// # use core::time::Duration;
    /// fn watch(tank: impl Conversion<Reading = f64> + 'static) -> Result<(), Box<dyn std::error::Error>> {
    ///     let scheduler = Scheduler::new()?;
    ///     let (tank, readings) = Converting::output(tank);
    ///     readings.map(|e| e.val > 60.0).connect(call(|hot| println!("hot: {hot}")));
    ///     readings.print();
    ///     scheduler.schedule_periodic(tank, Duration::from_secs(10))?;
    ///     Ok(())
    /// }
    /// ```
    pub fn output(conversion: C) -> (Self, Port<SensorEvent<C::Reading>>) {
        let port = Port::new();
        (Self::new(conversion, port.clone()), port)
    }
}

fn no_reading(error: impl core::error::Error + Send + Sync + 'static) -> StreamError {
    StreamError::caused("the sensor gave no reading", error)
}

impl<C: Conversion, N: InputThing<SensorEvent<C::Reading>>> Converting<C, N> {
    /// Looks for the reading, and wakes what follows.
    fn wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        let demand = match self.collect(cx) {
            Ok(demand) => demand,
            Err(Failure::NotYet) => Demand::More,
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Sample(error)) => {
                self.failed = Some(error);
                cx.call_again(); // only `produce` may fail
                Demand::More
            }
        };
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(self.next.notice(Notice::Wake, cx)?)) }
    }
}

impl<C: Conversion, N: InputThing<SensorEvent<C::Reading>>> OutputThing for Converting<C, N> {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        if let Some(error) = self.failed.take() {
            return Err(error.into());
        }
        let demand = self.collect(cx)?; // ready at this very moment, and the tick came first
        if demand != Demand::Done && self.running.is_none() {
            self.begin(cx)?;
        }
        Ok(demand)
    }

    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Wake if !self.next.ask(Question::Draining) => self.wake(cx), // else the stream has ended
            notice => self.next.notice(notice, cx),
        }
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.next.ask(question)
    }
    fn due(&mut self, _: &mut Context<'_>) -> Option<Instant> {
        None
    }
    fn name(&self) -> &str {
        #[cfg(feature = "alloc")]
        if let Some(label) = &self.label {
            return label;
        }
        self.conversion.id().name().unwrap_or("sensor")
    }
}

impl<C: Conversion, N> fmt::Debug for Converting<C, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Converting({})", self.conversion.id())
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{LATER, Step, script};
    use super::*;
    use thingflow_core::prelude::*;
    use thingflow_core::testing::Recorder;

    /// What comes of a script that is sampled each second for five.
    fn run(steps: impl IntoIterator<Item = Step>, on_failure: OnFailure) -> String {
        let seen = Recorder::new();
        let thing = Converting::new(script(steps), pipe().map(|e: SensorEvent<u32>| e.val).to(seen.clone()));
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let timing = Periodic::every(Duration::from_secs(1)).on_failure(on_failure);
        scheduler.schedule_periodic(thing, timing).unwrap();
        scheduler.run_for(Duration::from_secs(5)).unwrap();
        seen.timed_text()
    }

    #[test]
    fn asks_again_until_it_is_ready_and_leaves_out_ticks() {
        let steps = [Ok(Progress::Ready(1)), LATER, LATER, Ok(Progress::Ready(2)), Ok(Progress::Ready(3))];
        // The one of 2 s is ready at 2.25 + 0.4 + 0.4 s, so the tick of 3 s is left out.
        assert_eq!(run(steps, OnFailure::Stop), "1@1.25 2@3.05 3@4.25");
    }

    #[test]
    fn a_failed_measurement_is_a_failed_sampling() {
        let steps = || [Ok(Progress::Ready(1)), Err("no answer"), Ok(Progress::Ready(2))];
        assert_eq!(run(steps(), OnFailure::Skip), "1@1.25 2@3.25");
        assert_eq!(run(steps(), OnFailure::Stop), "1@1.25 !@2.25 the sensor gave no reading: no answer");
    }

    #[test]
    fn an_endless_measurement_is_given_up() {
        let seen = Recorder::<SensorEvent<u32>>::new();
        let thing = Converting::new(script([LATER, LATER]), seen.clone()).timeout(Duration::from_millis(600));
        let mut scheduler = Scheduler::virtual_time().unwrap();
        scheduler.schedule_periodic(thing, Duration::from_secs(1)).unwrap();
        scheduler.run_forever().unwrap();
        assert!(seen.error().unwrap().ends_with("its measurement does not come to an end"));
    }

    #[test]
    fn a_slow_sensor_does_not_hold_up_a_fast_one() {
        let (slow, fast) = (Recorder::new(), Recorder::new());
        let port = Port::new();
        (&port).map(|e: SensorEvent<u32>| e.val).connect(slow.clone());
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let steps = (1..9).map(|n| Ok(Progress::Ready(n)));
        scheduler.schedule_periodic(Converting::new(script(steps), port), Duration::from_millis(500)).unwrap();
        let ticks = from_iter(0..10).connect(fast.clone());
        scheduler.schedule_periodic(ticks, Duration::from_millis(100)).unwrap();
        scheduler.run_for(Duration::from_secs(1)).unwrap();
        assert_eq!(slow.timed_text(), "1@0.75");
        assert_eq!(fast.timed_text(), "0@0.1 1@0.2 2@0.3 3@0.4 4@0.5 5@0.6 6@0.7 7@0.8 8@0.9 9@1");
    }

    #[test]
    fn wakes_the_chain_behind_it_too() {
        let seen = Recorder::new();
        let chunks = pipe::<SensorEvent<u32>>().map(|e| e.val).chunks(2).to(seen.clone());
        let steps = (1..9).map(|n| Ok(Progress::Ready(n)));
        let mut scheduler = Scheduler::virtual_time().unwrap();
        scheduler.schedule_periodic(Converting::new(script(steps), chunks), Duration::from_millis(250)).unwrap();
        scheduler.run_for(Duration::from_millis(1300)).unwrap();
        // Ready at the very moment of the next tick.
        assert_eq!(seen.timed_text(), "[1, 2]@0.75 [3, 4]@1.25");
    }

    #[test]
    fn works_with_the_scheduler_of_a_microcontroller() {
        use thingflow_core::bare;
        let seen = Recorder::new();
        let steps = [Ok(Progress::Ready(1)), LATER, Ok(Progress::Ready(2)), Err("no answer"), Ok(Progress::Ready(3))];
        let mut thing = Converting::new(script(steps), pipe().map(|e: SensorEvent<u32>| e.val).to(seen.clone()));
        let mut scheduler = bare::Scheduler::<1>::new();
        scheduler.schedule_periodic_with(&mut thing, Duration::from_secs(1), bare::OnFailure::Skip).unwrap();
        (0..450).for_each(|_| assert!(scheduler.run_due(1).unwrap().is_some()));
        // A tick is 10 ms, and the first one comes at once.
        assert_eq!(seen.timed_text(), "1@0.26 2@1.65 3@3.25");
        assert_eq!(scheduler.reports(), 1);
    }
}
