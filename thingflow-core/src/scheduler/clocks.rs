//! The clocks a scheduler runs on: the system's, or a virtual one that jumps from deadline to deadline.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::reactor::monotonic;
use super::wall::boot_id;
use crate::clock::{Clock, Instant, Timestamp};
use crate::moment::{BootId, WallClock};

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
/// It begins at [`Instant::ZERO`] and, unless told otherwise, at the Unix epoch. Its wall clock counts as set; a test of what
/// happens on a board whose clock is not begins with [`unset`](Self::unset).
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::{Clock, Timestamp, VirtualClock};
/// let clock = VirtualClock::new();
/// clock.advance(Duration::from_secs(3));
/// assert_eq!(clock.timestamp().to_string(), "1970-01-01T00:00:03Z");
/// clock.set(Timestamp::from_secs(60)); // the wall clock alone
/// assert_eq!((clock.timestamp().to_string(), clock.now().as_nanos()), ("1970-01-01T00:01:00Z".into(), 3_000_000_000));
/// ```
#[derive(Clone, Debug)]
pub struct VirtualClock(Rc<Script>);

#[derive(Debug)]
struct Script {
    now: Cell<Instant>,
    /// A reading of the wall clock.
    wall: Cell<(Instant, Timestamp)>,
    is_set: Cell<bool>,
    steps: Cell<u64>,
    boot: Cell<BootId>,
}

impl VirtualClock {
    /// A clock that begins at the Unix epoch.
    pub fn new() -> Self {
        Self::starting_at(Timestamp::UNIX_EPOCH)
    }

    /// A clock that begins at a given wall-clock time, such as that of a recording.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self(Rc::new(Script {
            now: Cell::default(),
            wall: Cell::new((Instant::ZERO, epoch)),
            is_set: Cell::new(true),
            steps: Cell::default(),
            boot: Cell::new(BootId::from_u128(1)),
        }))
    }

    /// The same clock, whose wall clock nobody has set yet.
    #[must_use]
    pub fn unset(self) -> Self {
        self.0.is_set.set(false);
        self
    }

    /// The same clock in another boot of the machine; it is in boot 1 unless told so.
    #[must_use]
    pub fn in_boot(self, boot: BootId) -> Self {
        self.0.boot.set(boot);
        self
    }

    /// Lets time pass: how a test shows that something took long.
    pub fn advance(&self, d: Duration) {
        self.0.now.set(self.0.now.get() + d);
    }

    /// Sets the wall clock, forward or back: a step. The monotonic clock takes no part in it.
    pub fn set(&self, to: Timestamp) {
        self.0.wall.set((self.0.now.get(), to));
        self.0.steps.set(self.0.steps.get() + 1);
        self.0.is_set.set(true);
    }

    /// Corrects the wall clock without a step, like a daemon that keeps it right: no Thing is told of it.
    ///
    /// ```
    /// use thingflow_core::{Clock, Timestamp, VirtualClock};
    /// let clock = VirtualClock::new();
    /// clock.slew(Timestamp::from_nanos(250));
    /// assert_eq!(clock.timestamp(), Timestamp::from_nanos(250));
    /// ```
    pub fn slew(&self, to: Timestamp) {
        self.0.wall.set((self.0.now.get(), to));
    }

    /// Says that the wall clock is right as it is: a daemon has synchronized it without a step.
    pub fn synchronize(&self) {
        self.0.is_set.set(true);
    }

    /// How often it was [set](Self::set).
    pub(super) fn steps(&self) -> u64 {
        self.0.steps.get()
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.is_set.get()
    }

    fn timestamp_at(&self, now: Instant) -> Timestamp {
        let (at, time) = self.0.wall.get();
        WallClock::unknown(at, time).time_at(now)
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        self.0.now.get()
    }

    fn timestamp(&self) -> Timestamp {
        self.timestamp_at(self.now())
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
            Self::Virtual(clock) => clock.timestamp_at(now),
        }
    }

    pub(super) fn forget_wall_clock(&self) {
        if let Self::System { offset } = self {
            offset.set(None);
        }
    }

    /// The virtual clock, whose wall clock a test sets.
    pub(super) fn scripted(&self) -> Option<&VirtualClock> {
        match self {
            Self::System { .. } => None,
            Self::Virtual(clock) => Some(clock),
        }
    }

    /// Which boot of the machine it is.
    pub(super) fn boot(&self) -> BootId {
        self.scripted().map_or_else(boot_id, |clock| clock.0.boot.get())
    }

    pub(super) fn is_virtual(&self) -> bool {
        matches!(self, Self::Virtual(_))
    }

    /// Moves virtual time on to `due`; real time takes its time.
    pub(super) fn jump_to(&self, due: Instant) {
        if let Self::Virtual(clock) = self {
            clock.0.now.set(due.max(clock.now()));
        }
    }
}
