//! [`Alarm`]: when the scheduler will wake a port or a join, so that it is not told twice.

use alloc::rc::Weak;
use core::cell::Cell;

use super::any::Hub;
use crate::clock::Instant;
use crate::context::Context;

/// The wake-ups that a port or a join has asked for.
#[derive(Debug)]
pub(crate) struct Alarm {
    due: Cell<Instant>,
    on_resume: Cell<bool>,
}

impl Default for Alarm {
    fn default() -> Self {
        Self { due: Cell::new(Instant::NEVER), on_resume: Cell::new(false) }
    }
}

impl Alarm {
    /// Asks for a wake-up at the earliest time that anyone has asked for in this call. A wish of a Thing upstream is
    /// among them, and stays for the ports on the way back: a wake-up too many is harmless, and asking whose wish it is
    /// would cost every event.
    pub(crate) fn set(&self, me: &Weak<impl Hub + 'static>, cx: &mut Context<'_>) {
        cx.catch_up_on_resumes();
        if cx.due() < self.due.get() && cx.due() != Instant::ON_RESUME && cx.host().wake_at(me.clone(), cx.due(), false)
        {
            self.due.set(cx.due());
        }
        if cx.stalled && !self.on_resume.get() && cx.host().wake_on_resume(me.clone()) {
            self.on_resume.set(true);
        }
    }

    /// The run in which the wishes were made is over: nobody will answer them.
    #[cfg(feature = "std")]
    pub(crate) fn forget(&self) {
        self.due.set(Instant::NEVER);
        self.on_resume.set(false);
    }

    /// Whether [`set`](Self::set) would ask for something that is not asked for yet, most often not.
    pub(super) fn is_news(&self, cx: &Context<'_>) -> bool {
        cx.due() < self.due.get() || cx.stalled
    }

    /// The earliest time that was asked for.
    pub(crate) fn due(&self) -> Option<Instant> {
        Some(self.due.get()).filter(|due| *due != Instant::NEVER)
    }

    /// Whether there is a wish that is due; if not, it has been answered by an earlier wake-up.
    pub(crate) fn is_due(&self, cx: &Context<'_>) -> bool {
        self.due.get() <= cx.now()
    }

    /// Notes that the wishes which are due are being answered.
    pub(crate) fn answer(&self, cx: &Context<'_>) {
        if self.is_due(cx) {
            self.due.set(Instant::NEVER);
        }
    }

    /// Notes that the wake-up at a resume has come.
    pub(crate) fn resumed(&self) {
        self.on_resume.set(false);
    }
}
