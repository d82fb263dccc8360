//! [`Leaves`]: a sink that wants no more while it has its source paused.

use std::time::Duration;

use thingflow_core::prelude::*;

use super::takes_all::Quirk;

/// Asks its source to pause, and so long after that wants no more.
pub(crate) struct Leaves(pub(crate) Duration);

impl Quirk for Leaves {
    type Event = i32;
    fn on_next(&mut self, _: i32, cx: &mut Context<'_>) -> Receipt {
        cx.wake_at(cx.now() + self.0);
        Ok(Demand::Full)
    }
    fn on_wake(&mut self, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::Done)
    }
    fn has_room(&self) -> bool {
        false
    }
}
