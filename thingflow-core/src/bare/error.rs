//! [`ScheduleError`]: why a task was not scheduled.

use core::fmt;

/// Why the scheduler for microcontrollers refused a task or a run.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The interval rounds to less than one tick.
    IntervalTooShort,
    /// The interval reaches the value at which the tick counter wraps.
    IntervalTooLong,
    /// The table holds as many tasks as it has places.
    Full,
    /// There is nothing to run.
    NothingScheduled,
}

impl ScheduleError {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::IntervalTooShort => "the interval is shorter than a tick: use a longer interval or a shorter tick",
            Self::IntervalTooLong => {
                "the interval reaches the wrap of the tick counter: use a shorter interval or a longer tick"
            }
            Self::Full => "the table of tasks is full: give the scheduler more places",
            Self::NothingScheduled => "nothing is scheduled",
        }
    }
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for ScheduleError {}
