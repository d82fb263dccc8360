//! `time_interval()`: send each event together with the time since the one before.
//!
//! Holds one instant.

use core::time::Duration;

use crate::clock::Instant;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`time_interval`](super::Filters::time_interval). The first event comes with the time since the start.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// # use thingflow_core::testing::Recorder;
/// let seen = Recorder::new();
/// let mut chain = pipe().time_interval().map(|(since, e)| (since.as_nanos(), e)).to(seen.clone());
/// chain.notice(Notice::Start, &mut Context::detached(Instant::ZERO))?;
/// for (at, event) in [(5, 'a'), (7, 'b'), (17, 'c')] {
///     chain.next(event, &mut Context::detached(Instant::from_nanos(at)))?;
/// }
/// assert_eq!(seen.events(), [(5, 'a'), (2, 'b'), (10, 'c')]);
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TimeInterval {
    /// `None` before the start.
    pub(super) last: Option<Instant>,
}

impl<T> Filter<T> for TimeInterval {
    type Out = (Duration, T);
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<(Duration, T)>>) -> Receipt {
        let now = out.now();
        let last = self.last.replace(now).unwrap_or(now);
        out.next((now - last, event))
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<(Duration, T)>>) -> Receipt {
        self.last = Some(out.now());
        Ok(Demand::More)
    }
}
