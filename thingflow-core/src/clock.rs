//! Time as a value: [`Instant`] and [`Timestamp`], and the [`Clock`] that every filter reads through its context.
//!
//! Filters and Things never read a clock of their own, so the same graph runs in real time and on a virtual clock.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

/// A point on the scheduler's monotonic clock: nanoseconds since a start that only the clock knows.
///
/// It never goes back and does not jump when the wall clock is set. On Linux it is `CLOCK_MONOTONIC`, which stands
/// still while the machine is suspended.
///
/// ```
/// use core::time::Duration;
/// use thingflow_core::Instant;
/// let start = Instant::ZERO;
/// assert_eq!(start + Duration::from_millis(3) - start, Duration::from_millis(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The clock's start.
    pub const ZERO: Self = Self(0);
    /// Later than every instant that comes (584 years after [`ZERO`](Self::ZERO)).
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the clock's start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time since `earlier`, zero if that is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Stops at [`Instant::NEVER`] instead of overflowing.
impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(nanos(d)))
    }
}

/// As [`Instant::since`].
impl Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// A duration in nanoseconds; what exceeds 584 years counts as that.
pub(crate) fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}

/// A wall-clock time: nanoseconds since 1970-01-01T00:00:00 UTC, an integer and never a float.
///
/// It reaches from the year 1677 to 2262. Its text form is RFC 3339 in UTC.
///
/// ```
/// use thingflow_core::Timestamp;
/// let t = Timestamp::from_nanos(1_420_110_060_000_000_000);
/// assert_eq!(t.to_string(), "2015-01-01T11:01:00Z");
/// assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00 UTC.
    pub const UNIX_EPOCH: Self = Self(0);

    /// From nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since the Unix epoch; saturates at the ends of the range.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From seconds since the Unix epoch; saturates at the ends of the range.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch as a float, exact to about 0.2 µs in this century: for charts, not for keys.
    #[allow(clippy::cast_precision_loss)] // said in the documentation
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The calendar date in UTC: year, month 1 to 12, day 1 to 31.
    ///
    /// ```
    /// assert_eq!(thingflow_core::Timestamp::from_secs(951_782_400).date(), (2000, 2, 29));
    /// ```
    pub const fn date(self) -> (i32, u8, u8) {
        // Days since 0000-03-01 split in eras of 400 years: Hinnant, "chrono-compatible low-level date algorithms".
        let days = self.0.div_euclid(86_400_000_000_000) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year as i32, month as u8, day as u8)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(nanos(d)))
    }
}

/// Time since `earlier`, zero if that is later.
impl Sub for Timestamp {
    type Output = Duration;
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(if self > earlier { self.0.abs_diff(earlier.0) } else { 0 })
    }
}

/// As `Display`: an event that is printed shows a time that can be read.
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let in_day = self.0.rem_euclid(86_400_000_000_000);
        let (secs, nanos) = (in_day / 1_000_000_000, in_day % 1_000_000_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)?;
        match nanos {
            0 => {}
            n if n % 1_000_000 == 0 => write!(f, ".{:03}", n / 1_000_000)?,
            n if n % 1_000 == 0 => write!(f, ".{:06}", n / 1_000)?,
            n => write!(f, ".{n:09}")?,
        }
        f.write_str("Z")
    }
}

/// Where a scheduler takes its time from.
pub trait Clock {
    /// The monotonic time. Never goes back.
    fn now(&self) -> Instant;
    /// The wall-clock time that belongs to [`now`](Self::now). May jump when the wall clock is set.
    fn timestamp(&self) -> Timestamp;
}
