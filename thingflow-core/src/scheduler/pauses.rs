//! Who waits for room further down: sources that were told to pause, and stages that hold events back.

use std::rc::Weak;

use super::engine::{Engine, Trigger};
use crate::error::RunError;
use crate::port::Hub;

/// Where a stage stands that waits for a resume: behind a port, or behind a schedule without one.
pub(super) enum Stalled {
    Port(Weak<dyn Hub>),
    Flow(usize, u32),
}

impl Engine {
    /// Sets everything free, in the next turn, that waits for a queue to drain.
    pub(super) fn resume(&self) {
        self.resumed.set(self.resumed.get() + 1);
        self.unstalled.borrow_mut().append(&mut self.stalled.borrow_mut());
        self.freed.borrow_mut().append(&mut self.paused.borrow_mut());
    }

    /// Whether anything has been set free.
    pub(super) fn has_freed(&self) -> bool {
        !self.unstalled.borrow().is_empty() || !self.freed.borrow().is_empty()
    }

    /// Lets those go on that have been set free: first the stages, and then the sources, which fill them again.
    pub(super) fn call_freed(&self) -> Result<(), RunError> {
        self.wake_stages()?;
        for (key, serial) in self.freed.take() {
            if let Some(schedule) = self.schedules.borrow_mut().get_mut(key).filter(|s| s.serial == serial) {
                schedule.paused = false;
                schedule.resumed = true;
                if matches!(schedule.trigger, Trigger::Periodic(..)) {
                    continue; // goes on with its next tick
                }
            }
            self.call_soon(key, serial);
        }
        Ok(())
    }

    fn wake_stages(&self) -> Result<(), RunError> {
        for stage in self.unstalled.take() {
            match stage {
                Stalled::Port(port) => {
                    if let Some(port) = port.upgrade() {
                        self.guarded(|cx| port.resumed(cx))?;
                    }
                }
                Stalled::Flow(key, serial) => {
                    if let Some(schedule) = self.schedules.borrow_mut().get_mut(key).filter(|s| s.serial == serial) {
                        schedule.stalled = false;
                    }
                    self.with_thing(key, serial, |thing, cx| Ok(thing.wake(cx)?))?;
                }
            }
        }
        Ok(())
    }
}
