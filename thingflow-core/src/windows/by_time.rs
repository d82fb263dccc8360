//! `aggregate(Window::last(d, limit), a)`, `aggregate(Window::last_of::<N>(d), a)`: send a result over the events of the last `d`, for each event.
//!
//! Holds the values of one window, up to a limit.

use core::time::Duration;

use super::aggregates::Aggregate;
use super::ring::Ring;
use super::window::TimeWindow;
use crate::clock::Instant;
use crate::error::StreamError;
use crate::limit::{Limit, Overflow};
use crate::measure::Carrier;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use crate::limit::QueueStats;

/// Made by [`aggregate`](super::Windows::aggregate) with [`Window::last`](super::Window::last).
///
/// The window is (now - d, now]. Nothing is sent when events leave it, only when one comes. An event that the
/// [`Limit`] drops sends nothing.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// # use core::time::Duration;
/// # use thingflow_core::testing::Recorder;
/// # use thingflow_core::windows::{Max, Window};
/// let seen = Recorder::new();
/// let window = Window::last(Duration::from_nanos(10), Limit::drop_oldest(1000));
/// let mut gusts = pipe().aggregate(window, Max::new()).to(seen.clone());
/// for (at, speed) in [(0, 9), (5, 4), (10, 3), (20, 2)] {
///     gusts.next(speed, &mut Context::detached(Instant::from_nanos(at)))?;
/// }
/// assert_eq!(seen.events(), [9, 9, 4, 2]);
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Debug)]
pub struct ByTime<T: Carrier, A, R> {
    span: Duration,
    limit: Limit,
    held: R,
    aggregate: A,
    paused: bool,
    events: core::marker::PhantomData<fn(T)>,
}

impl<T: Carrier, A: Aggregate<T::Value>, R: Ring<(Instant, T::Value)>> ByTime<T, A, R> {
    pub(super) fn new<W>(window: TimeWindow<W>, aggregate: A) -> Self {
        let TimeWindow { span, limit, .. } = window;
        Self { span, limit, held: R::default(), aggregate, paused: false, events: core::marker::PhantomData }
    }

    fn expire(&mut self, now: Instant) {
        while self.held.front().is_some_and(|(at, _)| *at + self.span <= now) {
            self.remove_oldest();
        }
    }

    fn remove_oldest(&mut self) {
        if let Some((_, oldest)) = self.held.pop() {
            self.aggregate.remove(&oldest);
        }
    }

    /// Makes room for an event: whether it may come in.
    fn admit(&mut self) -> Result<bool, StreamError> {
        if self.held.count() < self.limit.capacity() {
            return Ok(true);
        }
        match self.limit.overflow() {
            Overflow::Block => Ok(true),
            Overflow::DropOldest => {
                self.remove_oldest();
                self.count(0, 1);
                Ok(true)
            }
            Overflow::DropNewest => {
                self.count(1, 1);
                Ok(false)
            }
            Overflow::Fail => Err(StreamError::new("a window of time is full: give it more room or another policy")),
        }
    }

    #[inline]
    fn count(&self, posted: u64, dropped: u64) {
        #[cfg(feature = "alloc")]
        self.limit.count(|stats| QueueStats {
            posted: stats.posted + posted,
            dropped: stats.dropped + dropped,
            high_water: stats.high_water.max(self.held.count()),
        });
        #[cfg(not(feature = "alloc"))]
        let _ = (posted, dropped);
    }

    /// Asks for a wake-up if the source was told to pause and may not go on yet.
    fn resume_or_wait(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T::With<A::Out>>>) {
        if !self.paused {
            return;
        }
        match self.held.front() {
            Some((oldest, _)) if self.held.count() > self.limit.capacity() / 2 => out.wake_at(*oldest + self.span),
            _ => {
                self.paused = false;
                out.context().resume();
            }
        }
    }
}

impl<T: Carrier, A: Aggregate<T::Value>, R: Ring<(Instant, T::Value)>> Filter<T> for ByTime<T, A, R> {
    type Out = T::With<A::Out>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let now = out.now();
        self.expire(now);
        match self.admit() {
            Ok(true) => {}
            Ok(false) => return Ok(Demand::More),
            Err(error) => return out.fail(error),
        }
        let (value, rest) = event.part();
        self.aggregate.add(&value);
        self.held.push((now, value));
        self.count(1, 0);
        let full = self.limit.overflow() == Overflow::Block && self.held.count() >= self.limit.capacity();
        self.paused |= full;
        self.resume_or_wait(out);
        let demand = match self.aggregate.value() {
            Some(result) => out.next(T::carry(rest, result))?,
            None => Demand::More,
        };
        Ok(if full { demand.and(Demand::Full) } else { demand })
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.expire(out.now());
        self.resume_or_wait(out);
        Ok(Demand::More)
    }
}
