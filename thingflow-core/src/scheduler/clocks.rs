//! The clocks a scheduler runs on: the system's, or a virtual one that jumps from deadline to deadline.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::reactor::monotonic;
use crate::clock::{Clock, Instant, Timestamp};

/// The system's clocks: `CLOCK_MONOTONIC` for deadlines, the wall clock for timestamps.
///
/// ```
/// use thingflow_core::{Clock, SystemClock};
/// assert!(SystemClock.now() <= SystemClock.now());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        monotonic()
    }

    fn timestamp(&self) -> Timestamp {
        let nanos = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
        };
        Timestamp::from_nanos(nanos)
    }
}

/// Time that moves only when a scheduler jumps to its next deadline, or when it is told to. Clones are the same clock.
///
/// It begins at [`Instant::ZERO`] and, unless told otherwise, at the Unix epoch.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::{Clock, VirtualClock};
/// let clock = VirtualClock::new();
/// clock.advance(Duration::from_secs(3));
/// assert_eq!(clock.timestamp().to_string(), "1970-01-01T00:00:03Z");
/// ```
#[derive(Clone, Debug, Default)]
pub struct VirtualClock {
    now: Rc<Cell<Instant>>,
    epoch: Timestamp,
}

impl VirtualClock {
    /// A clock that begins at the Unix epoch.
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that begins at a given wall-clock time, such as that of a recording.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self { now: Rc::default(), epoch }
    }

    /// Lets time pass: how a test shows that something took long.
    pub fn advance(&self, d: Duration) {
        self.now.set(self.now.get() + d);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        self.now.get()
    }

    fn timestamp(&self) -> Timestamp {
        self.epoch + self.now.get().since(Instant::ZERO)
    }
}

/// The clock of a run.
pub(super) enum RunClock {
    System {
        /// Wall clock minus monotonic clock in nanoseconds, read at most once a turn: timestamps are cheap, and follow when
        /// the wall clock is set.
        offset: Cell<Option<i64>>,
    },
    Virtual(VirtualClock),
}

impl RunClock {
    pub(super) fn system() -> Self {
        Self::System { offset: Cell::new(None) }
    }

    #[inline]
    pub(super) fn now(&self) -> Instant {
        match self {
            Self::System { .. } => monotonic(),
            Self::Virtual(clock) => clock.now(),
        }
    }

    /// The wall-clock time that belongs to `now`.
    pub(super) fn timestamp_at(&self, now: Instant) -> Timestamp {
        match self {
            Self::System { offset } => {
                let mono = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
                let wall = offset.get().unwrap_or_else(|| {
                    let read = i64::try_from(monotonic().as_nanos()).unwrap_or(i64::MAX);
                    let wall = SystemClock.timestamp().as_nanos().saturating_sub(read);
                    offset.set(Some(wall));
                    wall
                });
                Timestamp::from_nanos(mono.saturating_add(wall))
            }
            Self::Virtual(clock) => clock.epoch + now.since(Instant::ZERO),
        }
    }

    pub(super) fn forget_wall_clock(&self) {
        if let Self::System { offset } = self {
            offset.set(None);
        }
    }

    pub(super) fn is_virtual(&self) -> bool {
        matches!(self, Self::Virtual(_))
    }

    /// Moves virtual time on to `due`; real time takes its time.
    pub(super) fn jump_to(&self, due: Instant) {
        if let Self::Virtual(clock) = self {
            clock.now.set(due.max(clock.now.get()));
        }
    }
}
