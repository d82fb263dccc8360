//! `time_to_live(d)`: drop the events that are too old when they come.
//!
//! Holds nothing.

use core::fmt;
use core::time::Duration;

use super::stamped::Stamped;
use crate::context::Context;
use crate::event::SensorEvent;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// An event that has an age.
pub trait Aged {
    /// How old the event is; zero if it claims to be of the future.
    fn age(&self, cx: &Context<'_>) -> Duration;
}

/// The time since the value was taken, by the wall clock.
impl<T> Aged for SensorEvent<T> {
    fn age(&self, cx: &Context<'_>) -> Duration {
        cx.timestamp() - self.ts
    }
}

/// The time since [`stamped`](super::Timing::stamped) saw the event, by the scheduler's clock.
impl<T> Aged for Stamped<T> {
    fn age(&self, cx: &Context<'_>) -> Duration {
        cx.now() - self.at
    }
}

/// Made by [`time_to_live`](super::Timing::time_to_live), or by [`new`](Self::new) if the option is wanted.
#[derive(Clone)]
pub struct TimeToLive<T, D = fn(T)> {
    limit: Duration,
    dropped: D,
    event: core::marker::PhantomData<fn(T)>,
}

impl<T> TimeToLive<T> {
    /// The filter, to be given to [`pipe`](crate::Chain::pipe).
    pub fn new(limit: Duration) -> Self {
        Self { limit, dropped: |_| {}, event: core::marker::PhantomData }
    }
}

impl<T, D> TimeToLive<T, D> {
    /// Shows to `see` each event that is dropped.
    #[must_use]
    pub fn on_dropped<E: FnMut(T)>(self, see: E) -> TimeToLive<T, E> {
        TimeToLive { limit: self.limit, dropped: see, event: self.event }
    }
}

impl<T: Aged, D: FnMut(T)> Filter<T> for TimeToLive<T, D> {
    type Out = T;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if event.age(out.context()) >= self.limit {
            (self.dropped)(event);
            return Ok(Demand::More);
        }
        out.next(event)
    }
}

impl<T, D> fmt::Debug for TimeToLive<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeToLive").field("limit", &self.limit).finish_non_exhaustive()
    }
}
