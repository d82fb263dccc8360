//! [`Phase`]: what a schedule is doing, and all ways from one phase to the next.
//!
//! ```text
//!          start           Full             resume of the engine
//!   New ──────────▶ Running ────▶ Full ──────────────────────▶ Freed ──▶ Running
//!    │  pause, end     │ ▲ pause   │ resume of the handle        ▲
//!    └───────────▶     ▼ │         ▼                             │
//!                     Paused ◀─────┘ ────────────────────────────┘
//!   any of them ── end ──▶ Ending ── completed ──▶ Draining, or out of the table
//!   any of them ── stop of the run ──▶ Stopped
//!   any of them ── cancel ──▶ out of the table, as Cancelled until a call in progress returns
//! ```

/// What a schedule is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its first call comes in the next turn.
    New(Wish),
    /// It is asked for events when its trigger says so.
    Running,
    /// Its last receipt was `Full`: it waits until somebody has room again.
    Full,
    /// Somebody has room again, perhaps not those who listen to it: it asks them before it goes on.
    Freed,
    /// Its handle has paused it, and since then it was due or not.
    Paused { due: bool },
    /// It is to complete, in the next turn, or when its thread has answered.
    Ending,
    /// It gets no more calls but to wake what is connected, until that has sent what it holds.
    Draining,
    /// The run is being stopped: as `Draining`, but nothing has completed.
    Stopped,
    /// It has been cancelled while it was called, and is dropped when the call returns.
    Cancelled,
}

/// What follows the first call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Run,
    Pause,
    End,
}

/// What to do with a schedule that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Ask its Thing for events.
    Produce,
    /// Ask whether there is room, and then for events.
    IfRoom,
    /// Tell it that it has no more events.
    Complete,
    Nothing,
}

impl Phase {
    /// Its first call. False if it has had that.
    pub(super) fn start(&mut self) -> bool {
        let Self::New(wish) = *self else { return false };
        *self = match wish {
            Wish::Run => Self::Running,
            Wish::Pause => Self::Paused { due: false },
            Wish::End => Self::Ending,
        };
        true
    }

    /// It is due.
    pub(super) fn ask(&mut self) -> Ask {
        match self {
            Self::Running => Ask::Produce,
            Self::Freed => {
                *self = Self::Running;
                Ask::IfRoom
            }
            Self::Ending => Ask::Complete,
            Self::Paused { due } => {
                *due = true;
                Ask::Nothing
            }
            Self::New(_) | Self::Full | Self::Draining | Self::Stopped | Self::Cancelled => Ask::Nothing,
        }
    }

    /// Its thread may have answered: what was asked for before a pause, an end or a stop is taken all the same.
    pub(super) fn answer(&mut self) -> Ask {
        if matches!(self, Self::Paused { .. } | Self::Ending | Self::Stopped) { Ask::Produce } else { self.ask() }
    }

    /// Its receipt was `Full`. Whether it waits for that from now on.
    pub(super) fn fill(&mut self) -> bool {
        let fills = matches!(self, Self::Running | Self::Freed);
        if fills {
            *self = Self::Full;
        }
        fills
    }

    /// Somebody has room again.
    pub(super) fn free(&mut self) {
        if *self == Self::Full {
            *self = Self::Freed;
        }
    }

    /// Its handle pauses it.
    pub(super) fn pause(&mut self) {
        match self {
            Self::New(wish @ Wish::Run) => *wish = Wish::Pause,
            Self::Running | Self::Full | Self::Freed => *self = Self::Paused { due: false },
            _ => {}
        }
    }

    /// Its handle lets it go on. Whether it was due in between.
    pub(super) fn resume(&mut self) -> bool {
        match *self {
            Self::New(Wish::Pause) => *self = Self::New(Wish::Run),
            Self::Paused { due } => {
                *self = Self::Freed; // it may have been full before
                return due;
            }
            _ => {}
        }
        false
    }

    /// It has no more events. Whether it is to be called for that.
    pub(super) fn end(&mut self) -> bool {
        match self {
            Self::New(wish) => *wish = Wish::End,
            Self::Running | Self::Full | Self::Freed | Self::Paused { .. } => {
                *self = Self::Ending;
                return true;
            }
            Self::Ending | Self::Draining | Self::Stopped | Self::Cancelled => {}
        }
        false
    }

    /// It has completed, and what is connected holds something. False if that is so already.
    pub(super) fn drain(&mut self) -> bool {
        !matches!(std::mem::replace(self, Self::Draining), Self::Draining)
    }

    /// The run is being stopped. Whether it may have collected something, which it should send.
    pub(super) fn stop(&mut self) -> bool {
        match self {
            Self::Ending | Self::Draining | Self::Stopped | Self::Cancelled => return false,
            Self::New(_) => *self = Self::Stopped,
            Self::Running | Self::Full | Self::Freed | Self::Paused { .. } => {
                *self = Self::Stopped;
                return true;
            }
        }
        false
    }

    pub(super) fn is_paused(self) -> bool {
        matches!(self, Self::Paused { .. } | Self::New(Wish::Pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_outlives_a_resume_that_was_meant_for_others() {
        let mut phase = Phase::New(Wish::Run);
        assert!(phase.start() && !phase.start());
        assert!(phase.fill() && !phase.fill());
        phase.pause();
        phase.free();
        assert_eq!((phase, phase.ask()), (Phase::Paused { due: false }, Ask::Nothing));
        assert!(phase.resume(), "it was due");
        assert_eq!((phase.ask(), phase.ask()), (Ask::IfRoom, Ask::Produce));
    }

    #[test]
    fn what_is_ended_or_paused_before_it_has_begun_is_started_all_the_same() {
        let mut phase = Phase::New(Wish::Run);
        phase.pause();
        assert!(!phase.end(), "nobody need be called for that");
        assert!(!phase.resume());
        assert!(phase.start());
        assert_eq!(phase.ask(), Ask::Complete);
        assert!(phase.drain() && !phase.drain());
        assert!(!phase.end() && phase.ask() == Ask::Nothing);
    }
}
