//! `future_to(time, skew, future)`: send events whose time has not come yet somewhere else.
//!
//! Holds nothing.

use core::fmt;
use core::time::Duration;

use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::error::StreamError;
use crate::kit::SideBranch;
use crate::notice::Notice;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`future_to`](super::Timing::future_to).
pub struct FutureTo<F, N> {
    time: F,
    skew: Duration,
    future: SideBranch<N>,
    count: u64,
    reported: Option<Instant>,
}

impl<F, N> FutureTo<F, N> {
    pub(super) fn new(time: F, skew: Duration, future: N) -> Self {
        Self { time, skew, future: SideBranch::new(future), count: 0, reported: None }
    }
}

impl<F, N> FutureTo<F, N> {
    /// At most one report in ten seconds.
    #[cold]
    fn report(&mut self, cx: &Context<'_>) {
        self.count += 1;
        if self.reported.is_none_or(|last| cx.now() - last >= Duration::from_secs(10)) {
            self.reported = Some(cx.now());
            #[cfg(feature = "alloc")]
            let error =
                StreamError::msg(alloc::format!("events came from the future, {} so far: set the clock", self.count));
            #[cfg(not(feature = "alloc"))]
            let error = StreamError::new("an event came from the future: set the clock");
            cx.report("future_to", &error);
        }
    }
}

impl<T, F: FnMut(&T) -> Timestamp, N: InputThing<T>> Filter<T> for FutureTo<F, N> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let now = out.context().timestamp();
        if (self.time)(&event) <= now + self.skew {
            return out.next(event);
        }
        self.report(out.context());
        let demand = self.future.next(event, out.context())?;
        Ok(if demand == Demand::Done { Demand::More } else { demand })
    }
    fn notice(&mut self, mut notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.future.notice(notice.reborrow(), out.context())?;
        crate::thing::notice_filter(self, notice, out)
    }
}

impl<F, N> fmt::Debug for FutureTo<F, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureTo").field("skew", &self.skew).finish_non_exhaustive()
    }
}
