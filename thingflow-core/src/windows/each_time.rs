//! `aggregate(Window::each(d), a)`: send a result for each window of `d`, one after the other.
//!
//! Holds the aggregate, and the id and time of the last event.

use core::time::Duration;

use super::aggregates::Aggregate;
use super::window::EachWindow;
use crate::clock::{Instant, Timestamp, nanos};
use crate::context::Context;
use crate::error::StreamError;
use crate::measure::Carrier;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`aggregate`](super::Windows::aggregate) with [`Window::each`](super::Window::each).
///
/// A window is [start, start + d): an event that comes when it ends begins the next one. Its result goes out when it ends,
/// and carries the id and time of its last event. A window that the end of the stream cuts short gives a last result, also
/// before an error unless [`drop_on_error`](EachWindow::drop_on_error) is asked for.
///
/// A window begins with its first event, or with [`aligned`](EachWindow::aligned) at a multiple of `d` of the wall clock. It
/// is about the time at which events arrive: over a recording take
/// [`as_recorded`](crate::Flow::as_recorded).
///
/// ```
/// # #[cfg(feature = "std")] {
/// # use core::time::Duration;
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::{Recorder, timed};
/// # use thingflow_core::windows::{Count, Sum};
/// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
/// let rain = timed([(3.0, 2), (9.0, 1), (12.0, 1), (24.0, 5)]); // ticks of a gauge
/// let tens = Window::each(Duration::from_secs(10));
/// scheduler.schedule_recurring(rain.aggregate(tens, (Count::new(), Sum::new())).connect(seen.clone()))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "(3, 4)@13 (1, 5)@24 |@24");
///
/// let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
/// let rain = timed([(3.0, 2), (9.0, 1), (12.0, 1), (24.0, 5)]);
/// scheduler.schedule_recurring(rain.aggregate(tens.aligned(), Sum::new()).connect(seen.clone()))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.timed_text(), "3@10 1@20 5@24 |@24");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EachTime<T: Carrier, A> {
    window: EachWindow,
    ends: Instant,
    aggregate: A,
    fresh: A,
    /// What is left of the last event of the window, while one is open.
    rest: Option<T::Rest>,
}

impl<T: Carrier, A: Aggregate<T::Value> + Clone> EachTime<T, A> {
    pub(super) fn new(window: EachWindow, aggregate: A) -> Self {
        Self { window, ends: Instant::NEVER, fresh: aggregate.clone(), aggregate, rest: None }
    }

    /// The result of the window, and an empty window.
    fn result(&mut self) -> Option<T::With<A::Out>> {
        let rest = self.rest.take()?;
        let result = self.aggregate.value();
        self.aggregate.clone_from(&self.fresh);
        result.map(|result| T::carry(rest, result))
    }

    /// Sends the result of the window if it has ended; it may be that only the wake-up is not here yet.
    #[inline]
    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T::With<A::Out>>>) -> Receipt {
        if out.now() < self.ends {
            return Ok(Demand::More);
        }
        self.result().map_or(Ok(Demand::More), |result| out.next(result))
    }

    fn end_of_window(&self, cx: &Context<'_>) -> Instant {
        let (length, now) = (self.window.length, cx.now());
        if !self.window.aligned {
            return now + length;
        }
        let wall_clock = match cx.timestamp() {
            Timestamp::UNIX_EPOCH => i128::from(now.as_nanos()), // there is none
            wall_clock => i128::from(wall_clock.as_nanos()),
        };
        let into_window = wall_clock.rem_euclid(i128::from(nanos(length)));
        now + length.saturating_sub(Duration::from_nanos(u64::try_from(into_window).unwrap_or(0)))
    }
}

impl<T: Carrier, A: Aggregate<T::Value> + Clone> Filter<T> for EachTime<T, A> {
    type Out = T::With<A::Out>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = self.send_due(out)?;
        if demand == Demand::Done {
            return Ok(Demand::Done);
        }
        if self.rest.is_none() {
            self.ends = self.end_of_window(out.context());
        }
        let (value, rest) = event.part();
        self.aggregate.absorb(&value);
        self.rest = Some(rest);
        out.wake_at(self.ends);
        Ok(demand)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = self.send_due(out)?;
        if self.rest.is_some() {
            out.wake_at(self.ends);
        }
        Ok(demand)
    }
    fn is_holding(&self) -> bool {
        self.rest.is_some()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.flush(self.result())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        let rest = self.result().filter(|_| !self.window.drop_on_error);
        out.flush_error(rest, error)
    }
}
