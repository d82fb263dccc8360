//! Scheduling from inside of a call: how a running graph gets new sources.

use std::time::Duration;

use super::engine::Engine;
use super::handle::{ScheduleError, ScheduleHandle};
use super::periodic::Periodic;
use super::table::Trigger;
use crate::context::Context;
use crate::output::OutputThing;

/// What makes a Thing run that was scheduled from inside of a call.
#[derive(Clone, Copy)]
pub(crate) enum When {
    Periodic(Periodic),
    Recurring,
    Once(Duration),
}

impl Engine {
    pub(super) fn schedule_within(
        &self,
        thing: Box<dyn OutputThing>,
        when: When,
    ) -> Result<ScheduleHandle, ScheduleError> {
        match when {
            When::Periodic(timing) => self.add_periodic(thing, timing),
            When::Recurring => Ok(self.add(thing, Trigger::Recurring)),
            When::Once(delay) => Ok(self.add_once(thing, delay)),
        }
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
    /// impl InputThing<&'static str> for Discovery {
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
    /// [`ScheduleError::ZeroPeriod`], [`ScheduleError::NoScheduler`].
    pub fn schedule_periodic(
        &self,
        thing: impl OutputThing + 'static,
        timing: impl Into<Periodic>,
    ) -> Result<ScheduleHandle, ScheduleError> {
        self.host().schedule(Box::new(thing), When::Periodic(timing.into()))
    }

    /// As [`Scheduler::schedule_recurring`](crate::Scheduler::schedule_recurring), from inside of a call.
    ///
    /// # Errors
    /// [`ScheduleError::NoScheduler`].
    pub fn schedule_recurring(&self, thing: impl OutputThing + 'static) -> Result<ScheduleHandle, ScheduleError> {
        self.host().schedule(Box::new(thing), When::Recurring)
    }

    /// As [`Scheduler::schedule_later_one_time`](crate::Scheduler::schedule_later_one_time), from inside of a call.
    ///
    /// # Errors
    /// [`ScheduleError::NoScheduler`].
    pub fn schedule_later_one_time(
        &self,
        thing: impl OutputThing + 'static,
        delay: Duration,
    ) -> Result<ScheduleHandle, ScheduleError> {
        self.host().schedule(Box::new(thing), When::Once(delay))
    }
}
