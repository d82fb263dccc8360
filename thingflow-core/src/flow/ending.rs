//! The end of a stream that waits until what is held has been sent in its time.

use crate::context::Context;
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Kept by a stage that holds events in time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ending {
    waits: bool,
}

impl Ending {
    /// The stream has completed: whether the end may wait. Otherwise what is held is to be sent at once.
    pub(crate) fn may_wait(&mut self, cx: &Context<'_>) -> bool {
        self.waits = cx.drains();
        self.waits
    }

    pub(crate) fn waits(self) -> bool {
        self.waits
    }

    /// Passes the end on if it waits for nothing any more; `demand` is the receipt so far.
    pub(crate) fn follow<T>(
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
