//! `coalesce()`: send only the last of the events that come at once.
//!
//! Holds one event.

use crate::error::StreamError;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`coalesce`](super::Timing::coalesce).
///
/// An event waits for the next turn of the scheduler, in no time; of those that come meanwhile only the last goes out.
/// So what follows acts once however many events came together: one drawing for a hundred new values, one answer to a
/// message that changes ten ports. Another timed filter of the same chain that is woken in this turn may cut the burst
/// in two. What waits at the end is sent first, also before an error.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// # use thingflow_core::testing::Recorder;
/// let seen = Recorder::new();
/// let mut chain = pipe().coalesce().to(seen.clone());
/// let at = |nanos| Context::detached(Instant::from_nanos(nanos));
/// chain.next(1, &mut at(5))?;
/// chain.next(2, &mut at(5))?;
/// chain.notice(Notice::Wake, &mut at(5))?;
/// chain.next(3, &mut at(9))?;
/// chain.notice(Notice::Completed, &mut at(9))?;
/// assert_eq!(seen.text(), "2 3 |");
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Coalesce<T> {
    held: Option<T>,
}

impl<T> Coalesce<T> {
    pub(super) fn new() -> Self {
        Self { held: None }
    }
}

impl<T> Filter<T> for Coalesce<T> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held = Some(event);
        out.wake_at(out.now()); // a timer that is due now fires in the next turn
        Ok(Demand::More)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.held.take().map_or(Ok(Demand::More), |event| out.next(event))
    }
    fn is_holding(&self) -> bool {
        self.held.is_some()
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(self.held.take())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush_error(self.held.take(), error)
    }
}
