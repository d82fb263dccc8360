//! [`Feeder`]: one of several that feed a port, which ends with the last of them.

use core::fmt;

use super::{AnyPort, Port};
use crate::context::Context;
use crate::notice::{Notice, Question};
use crate::thing::{Demand, InputThing, Receipt};

/// Made by [`Port::feeder`]. Connect one for each chain that feeds the port.
///
/// The port completes when the last of its feeders has completed or is gone. An error of one is reported and ends that one
/// only; the error of the last one ends the port.
///
/// ```
/// # #[cfg(feature = "std")] {
/// # use std::time::Duration;
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::{FlakySensor, ListSensor, Recorder};
/// let (all, seen, mut scheduler) = (Port::new().named("all"), Recorder::new(), Scheduler::virtual_time()?);
/// let hall = FlakySensor::new("hall", [Ok(20), Err("no answer")]);
/// let yard = ListSensor::new("yard", [5, 6, 7]);
/// scheduler.schedule_sensor(hall, Duration::from_secs(1), |hall| drop(hall.map(|e| e.val).connect(all.feeder())))?;
/// scheduler.schedule_sensor(yard, Duration::from_secs(1), |yard| drop(yard.map(|e| e.val).connect(all.feeder())))?;
/// all.connect(seen.clone());
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "20@1 5@1 6@2 7@3 |@4"); // the yard is not stopped by the hall
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a feeder that is dropped has ended"]
pub struct Feeder<T: Clone + 'static> {
    port: Port<T>,
    /// It is counted by the port, and has not ended.
    counts: bool,
}

impl<T: Clone + 'static> Port<T> {
    /// An input that is one of several: the port ends with the last of them. A chain that feeds the port through
    /// `.connect(port.clone())` ends it for all others.
    pub fn feeder(&self) -> Feeder<T> {
        self.inner.feeders.set(self.inner.feeders.get() + 1);
        Feeder { port: self.clone(), counts: true }
    }
}

impl<T: Clone + 'static> Feeder<T> {
    /// Ends this one: whether it was the last.
    fn leave(&mut self) -> bool {
        let feeders = &self.port.inner.feeders;
        let counted = core::mem::take(&mut self.counts);
        feeders.set(feeders.get() - u32::from(counted));
        counted && feeders.get() == 0
    }
}

impl<T: Clone + 'static> InputThing<T> for Feeder<T> {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.port.next(event, cx)
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        self.port.next_ref(event, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if !notice.is_end() {
            return self.port.notice(notice, cx);
        }
        if self.leave() {
            return AnyPort::notice(&*self.port.inner, notice, cx);
        }
        if let Notice::Error(error) = notice {
            cx.report(&AnyPort::name(&*self.port.inner), &error);
        }
        Ok(Demand::Done)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.port.ask(question)
    }
}

/// One that was disconnected or cancelled has ended, too: then the port ends in the next turn.
impl<T: Clone + 'static> Drop for Feeder<T> {
    fn drop(&mut self) {
        if self.leave()
            && !self.port.is_closed()
            && let Some(link) = self.port.inner.run.link()
        {
            link.tell_unfed(self.port.inner.clone());
        }
    }
}

impl<T: Clone + 'static> fmt::Debug for Feeder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Feeder({})", AnyPort::name(&*self.port.inner))
    }
}
