//! `time_interval()`: send each event together with the time since the one before.
//!
//! Holds one instant.

use core::time::Duration;

use crate::clock::Instant;
use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`time_interval`](super::Elementwise::time_interval).
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
        let now = out.now();
        self.last.get_or_insert(now); // unless one was restored
        Ok(Demand::More)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.last.on_state("last", state);
        self.last.take_if(|last| last.is_long_ago()); // nobody knows how long that is
    }
}
