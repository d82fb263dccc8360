//! `timeout(d)`: end by an error when no event has come for a time.
//!
//! Holds nothing.

use core::time::Duration;

use crate::clock::Instant;
use crate::error::StreamError;
use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`timeout`](super::Timing::timeout).
#[derive(Clone, Copy, Debug)]
pub struct Timeout {
    limit: Duration,
    due: Instant,
}

impl Timeout {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, due: Instant::NEVER }
    }

    fn restart<N>(&mut self, out: &mut Emitter<'_, '_, N>) {
        self.due = out.now() + self.limit;
        out.wake_at(self.due);
    }

    #[cold]
    fn error(&self) -> StreamError {
        #[cfg(feature = "alloc")]
        return StreamError::msg(alloc::format!("no event for {:?}", self.limit));
        #[cfg(not(feature = "alloc"))]
        StreamError::new("no event within the time given to timeout")
    }
}

impl<T> Filter<T> for Timeout {
    type Out = T;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let now = out.now();
        // What was due while nobody listened says nothing of the sensor.
        self.due = if self.due < now { now + self.limit } else { self.due.min(now + self.limit) };
        out.wake_at(self.due);
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if out.now() >= self.due {
            return out.fail(self.error()); // only the wake-up has not come yet
        }
        self.restart(out);
        out.next(event)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if out.now() >= self.due {
            return out.fail(self.error());
        }
        out.wake_at(self.due);
        Ok(Demand::More)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.due.on_state("due", state);
    }
}
