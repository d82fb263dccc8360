//! `debounce(d)`: send an event only when none has followed it for a time.

use core::time::Duration;

use crate::clock::Instant;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`debounce`](super::Timing::debounce).
///
/// An event waits for `d`; if another one comes meanwhile, that one waits instead. One that waits at the end is sent
/// first, also before an error.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// # use core::time::Duration;
/// # use thingflow_core::testing::Recorder;
/// let seen = Recorder::new();
/// let mut button = pipe().debounce(Duration::from_nanos(20)).to(seen.clone());
/// for (at, level) in [(100, 1), (105, 0), (110, 1), (200, 0)] {
///     button.on_next(level, &mut Context::detached(Instant::from_nanos(at)))?;
/// }
/// assert_eq!(seen.events(), [1]); // of the burst, only the last
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Debounce<T> {
    quiet: Duration,
    held: Option<T>,
    due: Instant,
}

impl<T> Debounce<T> {
    pub(super) fn new(quiet: Duration) -> Self {
        Self { quiet, held: None, due: Instant::NEVER }
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if out.now() < self.due {
            return Ok(Demand::More);
        }
        self.held.take().map_or(Ok(Demand::More), |event| out.next(event))
    }
}

impl<T> Filter<T> for Debounce<T> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?; // it was quiet for long enough; only the wake-up has not come yet
        self.held = Some(event);
        self.due = out.now() + self.quiet;
        out.wake_at(self.due);
        Ok(demand)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = self.send_due(out)?;
        if self.held.is_some() {
            out.wake_at(self.due);
        }
        Ok(demand)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(self.held.take())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush_error(self.held.take(), error)
    }
}
