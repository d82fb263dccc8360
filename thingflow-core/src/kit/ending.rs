//! The end of a stream that waits until what is held has been sent in its time.

use crate::context::Context;
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Kept by a stage that holds events in time: lets the end of the stream wait until all have been sent. See
/// [`Holding`](super::Holding), which has one.
///
/// ```
/// use thingflow_core::kit::Ending;
/// use thingflow_core::prelude::*;
/// let mut ending = Ending::default();
/// assert!(!ending.may_wait(&Context::detached(Instant::ZERO))); // nobody wakes a stage outside of a scheduler
/// assert!(!ending.waits());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Ending {
    waits: bool,
}

impl Ending {
    /// The stream has completed: whether the end may wait. Otherwise what is held is to be sent at once.
    pub fn may_wait(&mut self, cx: &Context<'_>) -> bool {
        self.waits = cx.drains();
        self.waits
    }

    /// Whether the end waits: what [`Filter::is_draining`](crate::Filter::is_draining) answers.
    pub fn waits(self) -> bool {
        self.waits
    }

    /// Passes the end on if it waits for nothing any more; `demand` is the receipt so far.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn follow<T>(
        &mut self,
        demand: Demand,
        is_empty: bool,
        out: &mut Emitter<'_, '_, impl InputThing<T>>,
    ) -> Receipt {
        if !self.waits {
            return Ok(demand);
        }
        self.waits = demand != Demand::Done && !is_empty;
        if demand != Demand::Done && is_empty { out.finish() } else { Ok(demand) }
    }
}
