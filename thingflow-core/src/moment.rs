//! [`Moment`]: when something happened, as far as is known on a board whose clock may not have been set yet.

use core::fmt;
use core::str::FromStr;

use crate::clock::{Instant, Timestamp};
use crate::event::SensorEvent;
use crate::state::{Saved, StateVisitor, saves};

/// Which boot of a machine: a monotonic time means something within one boot only. A text is a UUID, as in
/// `/proc/sys/kernel/random/boot_id`.
///
/// ```
/// use thingflow_core::BootId;
/// let boot: BootId = "f47ac10b-58cc-4372-a567-0e02b2c3d479".parse()?;
/// assert_eq!(boot.to_string(), "f47ac10b-58cc-4372-a567-0e02b2c3d479");
/// assert_eq!(BootId::from_u128(boot.as_u128()), boot);
/// # Ok::<(), thingflow_core::InvalidBootId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BootId(u128);

impl BootId {
    /// Nobody says which boot: it is not the same as any, not even as itself, to [`is_same_as`](Self::is_same_as).
    pub const UNKNOWN: Self = Self(0);

    /// From a number of 128 bits; 0 is [`UNKNOWN`](Self::UNKNOWN).
    pub const fn from_u128(id: u128) -> Self {
        Self(id)
    }

    /// The number.
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// Whether both are known, and the same boot.
    pub const fn is_same_as(self, other: Self) -> bool {
        self.0 != 0 && self.0 == other.0
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |shift: u32, digits: u32| (self.0 >> shift) & ((1 << (4 * digits)) - 1);
        write!(f, "{:08x}-{:04x}-{:04x}-", part(96, 8), part(80, 4), part(64, 4))?;
        write!(f, "{:04x}-{:012x}", part(48, 4), part(0, 12))
    }
}

/// As `Display`.
impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads a UUID; white space around it is ignored.
impl FromStr for BootId {
    type Err = InvalidBootId;

    fn from_str(text: &str) -> Result<Self, InvalidBootId> {
        let text = text.trim().as_bytes();
        let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
        if text.len() != 36 || !(0..36).filter(|at| is_dash(*at)).all(|at| text[at] == b'-') {
            return Err(InvalidBootId);
        }
        let mut id = 0;
        for (_, digit) in text.iter().enumerate().filter(|(at, _)| !is_dash(*at)) {
            id = id << 4 | u128::from(char::from(*digit).to_digit(16).ok_or(InvalidBootId)?);
        }
        Ok(Self(id))
    }
}

/// A text is no [`BootId`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InvalidBootId;

impl fmt::Display for InvalidBootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid boot id: expected a UUID such as f47ac10b-58cc-4372-a567-0e02b2c3d479")
    }
}

/// As `Display`.
impl fmt::Debug for InvalidBootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for InvalidBootId {}

/// What is known of the wall clock: see [`Context::wall_clock`](crate::Context::wall_clock).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WallClock {
    /// The instant of this reading.
    pub at: Instant,
    /// What the clock shows.
    pub time: Timestamp,
    /// Whether somebody has set it, so that it can be trusted: the network, or a step since the scheduler began to watch.
    pub is_set: bool,
    /// How often it was set to another time since the scheduler began to watch.
    pub steps: u64,
    /// Which boot `at` belongs to.
    pub boot: BootId,
}

impl WallClock {
    /// A clock of which nobody says whether it has been set.
    pub const fn unknown(at: Instant, time: Timestamp) -> Self {
        Self { at, time, is_set: false, steps: 0, boot: BootId::UNKNOWN }
    }

    /// What the clock would have shown, or will, at another instant of the same boot.
    pub const fn time_at(&self, at: Instant) -> Timestamp {
        let (at, now) = (at.signed_nanos(), self.at.signed_nanos());
        let nanos = self.time.as_nanos() as i128 + at - now;
        Timestamp::from_nanos(if nanos > i64::MAX as i128 {
            i64::MAX
        } else if nanos < i64::MIN as i128 {
            i64::MIN
        } else {
            nanos as i64
        })
    }
}

/// When something happened: by the monotonic clock of a boot, and by the wall clock as far as that could be trusted.
///
/// A board without a battery-backed clock boots in the past, and learns the time when it has a network. What happens before has
/// a moment whose wall time is not known; in the same boot it can be [settled](Self::settled) as soon as the clock has been
/// set, from the monotonic time that has passed in between. So the order of moments is that of their instants, however the
/// clock was stepped. In another boot it stays marked as not known.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use core::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_core::VirtualClock;
/// let clock = VirtualClock::new().unset(); // shows 1970
/// let mut scheduler = Scheduler::with_clock(clock.clone())?;
/// clock.advance(Duration::from_secs(10));
/// let early = scheduler.with_context(|cx| Ok(cx.moment()))?;
/// assert_eq!((early.time(), early.shown().to_string()), (None, "1970-01-01T00:00:10Z".into()));
///
/// clock.advance(Duration::from_secs(50));
/// clock.set("2026-03-01T12:01:00Z".parse()?);
/// let now = scheduler.with_context(|cx| Ok(cx.wall_clock()))?;
/// assert_eq!(early.settled(&now).time(), Some("2026-03-01T12:00:10Z".parse()?));
/// # }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Moment {
    boot: BootId,
    at: Instant,
    shown: Timestamp,
    known: bool,
}

impl Moment {
    /// The moment of a reading of the clock.
    pub const fn of(clock: &WallClock) -> Self {
        Self { boot: clock.boot, at: clock.at, shown: clock.time, known: clock.is_set }
    }

    /// The wall time, if it is known.
    pub const fn time(&self) -> Option<Timestamp> {
        if self.known { Some(self.shown) } else { None }
    }

    /// What the wall clock showed, right or wrong; the wall time, if it is known.
    pub const fn shown(&self) -> Timestamp {
        self.shown
    }

    /// Whether the wall time is known.
    pub const fn is_known(&self) -> bool {
        self.known
    }

    /// When it was, by the monotonic clock of its boot.
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// Which boot it was in.
    pub const fn boot(&self) -> BootId {
        self.boot
    }

    /// The same moment with its wall time, if that was not known, and `clock` has been set in the same boot: else as it is.
    #[must_use]
    pub const fn settled(self, clock: &WallClock) -> Self {
        if self.known || !clock.is_set || !self.boot.is_same_as(clock.boot) {
            return self;
        }
        Self { shown: clock.time_at(self.at), known: true, ..self }
    }
}

/// An event and the moment at which it came. Made by [`dated`](crate::Timing::dated) and
/// [`hold_until_clock_is_set`](crate::Timing::hold_until_clock_is_set).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dated<T> {
    /// When it came. Whether its wall time is known marks the event.
    pub moment: Moment,
    /// What the clock showed when it came, which is what times in the event go by.
    shown: Timestamp,
    /// The event, as it came.
    pub event: T,
}

saves! { [] BootId { 0 } }

impl Saved for Moment {
    fn blank() -> Self {
        Self { boot: BootId::UNKNOWN, at: Instant::ZERO, shown: Timestamp::UNIX_EPOCH, known: false }
    }
    /// Its instant belongs to its own boot, so that is shown as it is.
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut at = self.at.as_nanos();
        self.boot.on_state(name, state);
        at.on_state("at", state);
        self.shown.on_state("shown", state);
        self.known.on_state("known", state);
        self.at = Instant::from_nanos(at);
    }
}

saves! { [T: Saved] Dated<T> { moment, shown, event } }

impl<T> Dated<T> {
    /// An event that has come at a moment.
    pub const fn new(moment: Moment, event: T) -> Self {
        Self { moment, shown: moment.shown, event }
    }

    /// The same with the wall time of its moment, if that has become known: see [`Moment::settled`].
    #[must_use]
    pub fn settled(self, clock: &WallClock) -> Self {
        Self { moment: self.moment.settled(clock), ..self }
    }
}

impl<T> Dated<SensorEvent<T>> {
    /// The sensor event with its time put right: by as much as the clock was wrong when it came.
    ///
    /// ```
    /// use thingflow_core::{BootId, Dated, Instant, Moment, SensorEvent, Timestamp, WallClock};
    /// let mut clock = WallClock::unknown(Instant::from_nanos(5), Timestamp::from_nanos(5));
    /// clock.boot = BootId::from_u128(1);
    /// let dated = Dated::new(Moment::of(&clock), SensorEvent::new("lux", Timestamp::from_nanos(3), 20.0));
    /// clock.is_set = true;
    /// clock.time = Timestamp::from_nanos(1005);
    /// assert_eq!(dated.settled(&clock).into_event().ts, Timestamp::from_nanos(1003));
    /// ```
    pub fn into_event(self) -> SensorEvent<T> {
        let by = i128::from(self.moment.shown.as_nanos()) - i128::from(self.shown.as_nanos());
        let nanos = (i128::from(self.event.ts.as_nanos()) + by).clamp(i64::MIN.into(), i64::MAX.into());
        #[allow(clippy::cast_possible_truncation)] // clamped
        let ts = Timestamp::from_nanos(nanos as i64);
        SensorEvent { ts, ..self.event }
    }
}
