//! `sliding_time(d, limit)`: send the events of the last `d` as a list, for each event.
//!
//! Holds the events of one window, up to a limit.

use alloc::vec::Vec;
use core::time::Duration;

use crate::clock::Instant;
use crate::limit::{Backlog, Limit};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`sliding_time`](super::Windows::sliding_time).
///
/// The window is (now - d, now]: an event that is exactly `d` old has left it. Nothing is sent when events leave it, only
/// when one comes.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use core::time::Duration;
/// # use thingflow_core::testing::Recorder;
/// let seen = Recorder::new();
/// let mut chain = pipe().sliding_time(Duration::from_nanos(10), Limit::drop_oldest(100)).to(seen.clone());
/// for time in [0, 5, 10, 30] {
///     chain.next(time, &mut Context::detached(Instant::from_nanos(time)))?;
/// }
/// assert_eq!(seen.text(), "[0] [0, 5] [5, 10] [30]");
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SlidingTime<T> {
    span: Duration,
    held: Backlog<(Instant, T)>,
    full: bool,
}

impl<T> SlidingTime<T> {
    pub(super) fn new(span: Duration, limit: Limit) -> Self {
        Self { span, held: Backlog::new(limit), full: false }
    }

    fn expire(&mut self, now: Instant) {
        while self.held.front().is_some_and(|(at, _)| *at + self.span <= now) {
            self.held.pop();
        }
    }

    /// While the source is told to pause, it waits for events to leave the window.
    fn resume_or_wait(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) {
        if !self.full {
            return;
        }
        if self.held.take_room() {
            self.full = false;
            out.context().resume();
        } else if let Some((oldest, _)) = self.held.front() {
            out.wake_at(*oldest + self.span);
        }
    }
}

impl<T: Clone> Filter<T> for SlidingTime<T> {
    type Out = Vec<T>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        let now = out.now();
        self.expire(now);
        let demand = match self.held.push((now, event), "sliding_time") {
            Ok(demand) => demand,
            Err(error) => return out.fail(error),
        };
        self.full |= demand == Demand::Full;
        self.resume_or_wait(out);
        Ok(demand.and(out.next(self.held.iter().map(|(_, event)| event.clone()).collect())?))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Vec<T>>>) -> Receipt {
        self.expire(out.now());
        self.resume_or_wait(out);
        Ok(Demand::More)
    }
}
