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
    /// Sets everything free that waits for a queue to drain: a periodic source goes on with its next tick, the others are
    /// called in the next turn.
    pub(super) fn resume(&self) {
        self.resumed.set(self.resumed.get() + 1);
        self.unstalled.borrow_mut().append(&mut self.stalled.borrow_mut());
        let mut schedules = self.schedules.borrow_mut();
        for (key, serial) in self.paused.take() {
            let Some(schedule) = schedules.get_mut(key).filter(|schedule| schedule.serial == serial) else { continue };
            schedule.resumed = true;
            schedule.paused = !matches!(schedule.trigger, Trigger::Periodic(..));
            if schedule.paused {
                self.freed.borrow_mut().push((key, serial));
            }
        }
    }

    pub(super) fn is_paused(&self, key: usize, serial: u32) -> bool {
        self.schedules.borrow().get(key).is_some_and(|schedule| schedule.serial == serial && schedule.paused)
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
                    self.wake(key, serial)?;
                }
            }
        }
        Ok(())
    }
}
