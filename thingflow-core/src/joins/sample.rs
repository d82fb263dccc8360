//! `sample(trigger)`: sends the latest event each time another stream has one.
//!
//! Holds one event.

use super::rule::{At, Rule, Takes};
use crate::error::StreamError;
use crate::kit::Single;
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use super::Join;

/// Made by [`sample`](super::Joins::sample), or by `default` without an allocator.
///
/// At each event of the trigger, whatever its value, it sends the latest event that has not been sent yet; if there is
/// none, nothing. It completes when either has ended; an event that was not sent yet goes out first, also before an error.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let (level, tick, seen) = (Port::new(), Port::new(), Recorder::new());
/// level.sample(&tick).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// level.emit(1, cx)?;
/// level.emit(2, cx)?;
/// tick.emit((), cx)?;
/// tick.emit((), cx)?; // nothing new
/// level.emit(3, cx)?;
/// level.complete(cx)?;
/// assert_eq!(seen.text(), "2 3 |");
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sample<T> {
    held: Single<T>,
    drop_on_error: bool,
}

impl<T> Sample<T> {
    /// Drops what is held when a stream ends with an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }
}

impl<T> Default for Sample<T> {
    fn default() -> Self {
        Self { held: Single::default(), drop_on_error: false }
    }
}

#[cfg(feature = "alloc")]
impl<I, T> Join<I, Sample<T>> {
    /// Drops what is held when a stream ends with an error.
    pub fn drop_on_error(self) -> Self {
        self.with(Sample::drop_on_error)
    }
}

impl<T> Rule for Sample<T> {
    type Out = T;
    fn on_completed(&mut self, _: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.on_completed(out)?;
        Ok(Demand::Done)
    }
    fn on_error(&mut self, _: usize, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.fail(error, self.drop_on_error, out)?;
        Ok(Demand::Done)
    }
    fn on_notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        match notice {
            Notice::Watermark(watermark) => self.held.on_watermark(watermark, out),
            Notice::Flush => self.held.on_flush(out),
            notice => out.notice(notice),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.held.is_empty() {
            state.unsaved("sample");
        }
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind || input == 0
    }
}

impl<T: Saved> SavedEvents for Sample<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.held.on_events("latest", state);
    }
}

impl<T> Takes<At<0>, T> for Sample<T> {
    #[inline]
    fn on_next(&mut self, _: At<0>, event: T, _: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.hold(event);
        Ok(Demand::More)
    }
}

impl<T, U> Takes<At<1>, U> for Sample<T> {
    #[inline]
    fn on_next(&mut self, _: At<1>, _: U, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.send(out)
    }
}
