//! Who waits for room downstream: sources that were told to pause, and stages that hold events back.

use std::rc::Weak;

use super::calls::Why;
use super::engine::Engine;
use super::keyed::Id;
use super::table::Trigger;
use crate::error::RunError;
use crate::port::Hub;

/// Where a stage stands that waits for a resume: behind a port, or behind a schedule without one.
pub(super) enum Stalled {
    Port(Weak<dyn Hub>),
    Flow(Id),
}

impl Engine {
    /// Sets everything free that waits for a queue to drain: a periodic source goes on with its next tick, the others are
    /// called in the next turn.
    pub(super) fn resume(&self) {
        self.resumed.set(self.resumed.get() + 1);
        self.run.pauses.unstalled.borrow_mut().append(&mut self.run.pauses.stalled.borrow_mut());
        for id in self.run.pauses.full.take() {
            let freed = self.with_schedule(id, |schedule| {
                let ticks = matches!(schedule.trigger, Trigger::Periodic(..));
                if ticks {
                    schedule.phase.free();
                }
                !ticks
            });
            if freed == Some(true) {
                self.run.pauses.freed.borrow_mut().push(id);
            }
        }
    }

    /// Whether anything has been set free.
    pub(super) fn has_freed(&self) -> bool {
        !self.run.pauses.unstalled.borrow().is_empty() || !self.run.pauses.freed.borrow().is_empty()
    }

    /// Lets those go on that have been set free: first the stages, and then the sources, which fill them again.
    pub(super) fn call_freed(&self) -> Result<(), RunError> {
        for stage in self.run.pauses.unstalled.take() {
            match stage {
                Stalled::Port(port) => {
                    if let Some(port) = port.upgrade() {
                        self.guarded(move |cx| port.resumed(cx).map(drop))?;
                    }
                }
                Stalled::Flow(id) => self.call(id, Why::Resumed)?,
            }
        }
        for id in self.run.pauses.freed.take() {
            self.with_schedule(id, |schedule| schedule.phase.free());
            self.call_soon(id);
        }
        Ok(())
    }
}
