//! [`Control`]: pauses, resumes and ends what is scheduled, from any thread.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::super::engine::Engine;
use super::super::keyed::Id;
use super::super::threads::inbox::Doorbell;
use super::client::Client;
use super::{Desk, InspectError};
use crate::identity::NodeId;

/// Pauses, resumes and ends what is scheduled, from any thread: what a page with buttons needs. A schedule is known by
/// the id that a [`Snapshot`](crate::Snapshot) shows. It is separate from [`Inspector`](crate::Inspector), so that code
/// that may look need not be given the power to change.
///
/// Each call is done in the next turn, between two calls of Things, and waits for that, five seconds at most unless
/// [`timeout`](Self::timeout) says otherwise.
///
/// While there is a control the run goes on although all that is scheduled is paused.
///
/// ```
/// # use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_core::{Inspector, Control, InspectError, ScheduleState};
/// fn toggle(inspector: &Inspector, control: &Control, name: &str) -> Result<(), InspectError> {
///     let snapshot = inspector.snapshot()?;
///     let schedule = snapshot.schedule(name).ok_or(InspectError::UnknownNode(name.to_owned()))?;
///     if schedule.state == ScheduleState::Paused { control.resume(schedule.id) } else { control.pause(schedule.id) }
/// }
/// let mut scheduler = Scheduler::new()?;
/// let (inspector, control, stopper) = (scheduler.inspector(), scheduler.control(), scheduler.stopper());
/// scheduler.schedule_periodic(from_iter(0..).named("numbers").connect(call(drop)), Duration::from_millis(1))?;
/// let page = std::thread::spawn(move || {
///     let toggled = toggle(&inspector, &control, "numbers");
///     let after = inspector.snapshot();
///     stopper.stop();
///     toggled.and(after)
/// });
/// scheduler.run_forever()?;
/// let Ok(Ok(after)) = page.join() else { panic!("no answer") };
/// assert_eq!(after.schedules[0].state, ScheduleState::Paused);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Control {
    client: Client,
    /// Given up before the bell is rung.
    controls: Option<Arc<()>>,
    bell: Arc<Doorbell>,
}

impl Control {
    pub(super) fn new(desk: &Desk, bell: Arc<Doorbell>) -> Self {
        Self { client: desk.client.clone(), controls: Some(desk.controls.clone()), bell }
    }

    /// Waits at most this long for each answer.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.client = self.client.clone().timeout(timeout);
        self
    }

    /// Stops asking the Thing for events until [`resume`](Self::resume), see [`ScheduleHandle::pause`].
    ///
    /// # Errors
    /// [`InspectError::UnknownSchedule`]; [`InspectError::Ended`], [`InspectError::TimedOut`], [`InspectError::Busy`],
    /// [`InspectError::OwnThread`].
    ///
    /// [`ScheduleHandle::pause`]: crate::ScheduleHandle::pause
    pub fn pause(&self, schedule: NodeId) -> Result<(), InspectError> {
        self.change(schedule, Engine::pause)
    }

    /// Lets it go on, see [`ScheduleHandle::resume`](crate::ScheduleHandle::resume).
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub fn resume(&self, schedule: NodeId) -> Result<(), InspectError> {
        self.change(schedule, Engine::unpause)
    }

    /// Completes it: the connected Things are told, and what they hold is sent, see
    /// [`ScheduleHandle::end`](crate::ScheduleHandle::end).
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub fn end(&self, schedule: NodeId) -> Result<(), InspectError> {
        self.change(schedule, Engine::end)
    }

    /// Ends it at once, without a notice: what its chain holds is lost, see
    /// [`ScheduleHandle::cancel`](crate::ScheduleHandle::cancel).
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub fn cancel(&self, schedule: NodeId) -> Result<(), InspectError> {
        self.change(schedule, Engine::cancel)
    }

    fn change(&self, schedule: NodeId, change: fn(&Engine, Id)) -> Result<(), InspectError> {
        self.client.ask(move |engine| {
            let id = engine.schedule_of(schedule).ok_or(InspectError::UnknownSchedule(schedule))?;
            change(engine, id);
            Ok(())
        })
    }
}

impl Engine {
    fn schedule_of(&self, node: NodeId) -> Option<Id> {
        let schedules = self.schedules.borrow();
        let id = schedules.ids().map(|(id, _)| id).find(|id| self.node_id(*id) == node)?;
        Some(id)
    }
}

impl Clone for Control {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), controls: self.controls.clone(), bell: self.bell.clone() }
    }
}

/// The run may have gone on for it alone.
impl Drop for Control {
    fn drop(&mut self) {
        self.controls = None;
        self.bell.wake_up();
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("ended", &self.client.has_ended()).finish_non_exhaustive()
    }
}
