//! [`Single`]: one event that waits in a stage.

use crate::clock::Timestamp;
use crate::error::StreamError;
use crate::notice::Notice;
use crate::state::{Saved, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, InputThing, Receipt};

/// One event that waits in a stage, and the watermark that waits behind it: what [`debounce`](crate::Timing::debounce),
/// [`sample_every`](crate::Timing::sample_every) and [`coalesce`](crate::Timing::coalesce) have in common.
///
/// A stage hands its methods on to those of the same name here. For several events there is [`Holding`](super::Holding).
///
/// ```
/// use thingflow_core::kit::Single;
/// use thingflow_core::prelude::*;
/// use thingflow_core::{Notice, Timestamp};
/// /// Sends every tenth event, and at a flush, or at the end, the latest.
/// struct EveryTenth<T> { held: Single<T>, to_go: u8 }
/// impl<T> Filter<T> for EveryTenth<T> {
///     type Out = T;
///     fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
///         self.held.hold(event);
///         self.to_go = if self.to_go == 0 { 9 } else { self.to_go - 1 };
///         if self.to_go == 0 { self.held.send(out) } else { Ok(Demand::More) }
///     }
///     fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
///         self.held.on_watermark(watermark, out)
///     }
///     fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
///         self.held.on_flush(out)
///     }
///     fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
///         self.held.on_completed(out)
///     }
/// }
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter(1..=13).pipe(EveryTenth { held: Single::default(), to_go: 0 }).collect_now(), [10, 13]);
/// ```
#[derive(Clone, Debug)]
pub struct Single<T> {
    event: Option<T>,
    watermark: Option<Timestamp>,
}

impl<T> Default for Single<T> {
    fn default() -> Self {
        Self { event: None, watermark: None }
    }
}

impl<T> Single<T> {
    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.event.is_none()
    }

    /// Holds an event, in place of the one before it, which is given back.
    #[inline]
    pub fn hold(&mut self, event: T) -> Option<T> {
        self.event.replace(event)
    }

    /// Sends the event, if one waits, and the watermark behind it.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[inline]
    pub fn send(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.send_by(out, |event, out| out.next(event))
    }

    /// As [`send`](Self::send), where `send` says how.
    #[inline]
    pub(crate) fn send_by<N: InputThing<T>>(
        &mut self,
        out: &mut Emitter<'_, '_, N>,
        send: impl FnOnce(T, &mut Emitter<'_, '_, N>) -> Receipt,
    ) -> Receipt {
        let Some(event) = self.event.take() else { return Ok(Demand::More) };
        let demand = send(event, out)?;
        if self.watermark.is_none() { Ok(demand) } else { self.follow(demand, out) }
    }

    /// Drops the event, for which the watermark behind it waits no more.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    #[inline]
    pub(crate) fn drop_event(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.event = None;
        if self.watermark.is_none() { Ok(Demand::More) } else { self.follow(Demand::More, out) }
    }

    #[cold]
    fn follow(&mut self, demand: Demand, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        match self.watermark.take() {
            Some(watermark) if demand != Demand::Done => Ok(demand.and(out.notice(Notice::Watermark(watermark))?)),
            _ => Ok(demand),
        }
    }

    /// Passes a watermark on, behind the event if one waits.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.is_empty() {
            return out.notice(Notice::Watermark(watermark));
        }
        self.watermark = self.watermark.max(Some(watermark));
        Ok(Demand::More)
    }

    /// Sends the event, if one waits, and passes the flush on.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send(out)?;
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(Notice::Flush)?)) }
    }

    /// Sends the event, if one waits, and ends the stream.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if self.send(out)? == Demand::Done { Ok(()) } else { out.completed() }
    }

    /// Sends the event, if one waits, or drops it, and ends the stream with an error.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn fail(&mut self, error: StreamError, drop_it: bool, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if drop_it {
            self.event = None;
        }
        if self.send(out)? == Demand::Done { Ok(()) } else { out.error(error) }
    }

    /// Shows the event that is held to a walk over the state, and the watermark behind it.
    pub fn on_events(&mut self, name: &str, state: &mut dyn StateVisitor)
    where
        T: Saved,
    {
        self.event.on_state(name, state);
        self.watermark.on_state("watermark", state);
        if self.event.is_none() {
            self.watermark = None;
        }
    }
}
