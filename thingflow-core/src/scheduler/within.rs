//! Scheduling from inside of a call: how a running graph gets new sources. And such a call made by hand.

use std::time::Duration;

use super::Scheduler;
use super::engine::{Engine, log_failed};
use super::handle::{ScheduleError, ScheduleHandle};
use super::periodic::IntoPeriodic;
use crate::context::Context;
use crate::error::{FatalError, RunError};
use crate::output::OutputThing;

impl Scheduler {
    /// Lets you act by hand in between, as a Thing does when it is called: send events into ports, end them, schedule.
    /// What is scheduled is started first.
    ///
    /// The run goes on for what is scheduled, and for what drains behind a port that has been ended: not for a timer behind
    /// a port that nobody feeds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::Recorder;
    /// # use thingflow_core::Limit;
    /// let mut scheduler = Scheduler::virtual_time()?;
    /// let (buttons, seen) = (Port::new(), Recorder::new());
    /// buttons.delay(Duration::from_secs(2), Limit::default()).connect(seen.clone());
    /// scheduler.with_context(|cx| buttons.emit(1, cx))?;
    /// scheduler.with_context(|cx| buttons.complete(cx))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), "1@2 |@2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The fatal error, also that of starting what is scheduled: then all has been closed, as in a run.
    pub fn with_context<R>(
        &mut self,
        call: impl FnOnce(&mut Context<'_>) -> Result<R, FatalError>,
    ) -> Result<R, RunError> {
        self.engine.clock.forget_wall_clock();
        let result = self.engine.start_new().and_then(|()| self.engine.guarded(call));
        if result.is_err() {
            log_failed(self.engine.close()); // the first error is told
        }
        result
    }
}

/// A Thing may schedule others, or its own successor: it joins the running graph and is started in the next turn.
impl Context<'_> {
    /// As [`Scheduler::schedule_periodic`](crate::Scheduler::schedule_periodic), from inside of a call.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::{ListSensor, Recorder};
    /// /// Samples each device that is announced.
    /// struct Discovery(Recorder<f64>);
    /// impl Sink for Discovery {
    ///     type Event = &'static str;
    ///     fn on_next(&mut self, name: &'static str, cx: &mut Context<'_>) -> Receipt {
    ///         let device = SensorOutput::new(ListSensor::new(name, [20.5, 21.0]));
    ///         device.map(|e| e.val).connect(self.0.clone());
    ///         cx.schedule_periodic(device, Duration::from_millis(250)).map_err(|error| cx.fatal(error))?;
    ///         Ok(Demand::More)
    ///     }
    ///     // …
    /// #   fn on_completed(&mut self, _: &mut Context<'_>) -> Closed { Ok(()) }
    /// #   fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed { Ok(()) }
    /// }
    /// let seen = Recorder::new();
    /// let mut scheduler = Scheduler::virtual_time()?;
    /// let announced = from_iter(["lab-1"]).connect(Discovery(seen.clone()));
    /// scheduler.schedule_later_one_time(announced, Duration::from_secs(1))?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.timed_text(), "20.5@1.25 21.0@1.5 |@1.75");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ScheduleError::ZeroPeriod`], [`ScheduleError::ZeroRetry`], [`ScheduleError::OtherScheduler`], [`ScheduleError::NoScheduler`].
    pub fn schedule_periodic(
        &self,
        thing: impl OutputThing + 'static,
        timing: impl IntoPeriodic,
    ) -> Result<ScheduleHandle, ScheduleError> {
        self.engine()?.add_periodic(Box::new(thing), timing.into_periodic())
    }

    /// As [`Scheduler::schedule_recurring`](crate::Scheduler::schedule_recurring), from inside of a call.
    ///
    /// # Errors
    /// [`ScheduleError::OtherScheduler`], [`ScheduleError::NoScheduler`].
    pub fn schedule_recurring(&self, thing: impl OutputThing + 'static) -> Result<ScheduleHandle, ScheduleError> {
        self.engine()?.add_recurring(Box::new(thing))
    }

    /// As [`Scheduler::schedule_later_one_time`](crate::Scheduler::schedule_later_one_time), from inside of a call.
    ///
    /// # Errors
    /// [`ScheduleError::OtherScheduler`], [`ScheduleError::NoScheduler`].
    pub fn schedule_later_one_time(
        &self,
        thing: impl OutputThing + 'static,
        delay: Duration,
    ) -> Result<ScheduleHandle, ScheduleError> {
        self.engine()?.add_once(Box::new(thing), delay)
    }

    fn engine(&self) -> Result<&Engine, ScheduleError> {
        self.host().engine().ok_or(ScheduleError::NoScheduler)
    }
}
