//! Time as a value: [`Instant`] and [`Timestamp`], and the [`Clock`] that every filter reads through its context.
//!
//! Filters and Things never read a clock of their own, so the same graph runs in real time and on a virtual clock.

use core::fmt;
use core::ops::{Add, Sub};
use core::str::FromStr;
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
///
/// What a [`SavedState`](crate::SavedState) restores may have happened before the clock's start, in an earlier boot: up to nine years
/// before it an instant keeps its place, and its distance to others.
///
/// As a record of `serde` it is the number of nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64); // nanoseconds since `BEFORE` nanoseconds before the clock's start

/// How much there is before the start of a clock: nine years. Nothing without an allocator, where no state is restored and
/// flash counts.
const BEFORE: u64 = if cfg!(feature = "alloc") { 1 << 58 } else { 0 };

impl Instant {
    /// The clock's start.
    pub const ZERO: Self = Self(BEFORE);
    /// Later than every instant that comes (575 years after [`ZERO`](Self::ZERO)).
    pub const NEVER: Self = Self(u64::MAX);
    /// Longer ago than any clock runs.
    #[cfg(feature = "alloc")]
    pub(crate) const LONG_AGO: Self = Self(0);
    /// A wake-up that is due with the next resume.
    pub(crate) const ON_RESUME: Self = Self(u64::MAX - 1);

    /// Whether it is what a [`SavedState`](crate::SavedState) restores where nobody knows how long ago it was: for a stage that would take
    /// a difference to it for a time that has passed.
    pub const fn is_long_ago(self) -> bool {
        cfg!(feature = "alloc") && self.0 == 0
    }

    /// How soon it is: the earlier the greater, zero for [`NEVER`](Self::NEVER).
    #[inline]
    pub(crate) const fn urgency(self) -> u64 {
        !self.0
    }

    /// As [`urgency`](Self::urgency), the other way round.
    #[inline]
    pub(crate) const fn from_urgency(urgency: u64) -> Self {
        Self(!urgency)
    }

    /// The instant `nanos` nanoseconds after the clock's start.
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos.saturating_add(BEFORE))
    }

    /// Nanoseconds since the clock's start; 0 before it.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0.saturating_sub(BEFORE)
    }

    /// Nanoseconds since the clock's start, negative before it.
    #[inline]
    pub(crate) const fn signed_nanos(self) -> i128 {
        self.0 as i128 - BEFORE as i128
    }

    /// As [`signed_nanos`](Self::signed_nanos), the other way round. What is beyond the range counts as its end.
    #[cfg(feature = "alloc")]
    pub(crate) fn from_signed_nanos(nanos: i128) -> Self {
        Self(u64::try_from(nanos.saturating_add(i128::from(BEFORE)).max(0)).unwrap_or(u64::MAX))
    }

    /// Seconds since the clock's start as a float, exact to a microsecond in the first 270 years: for charts and logs, not
    /// for keys.
    ///
    /// ```
    /// assert_eq!(thingflow_core::Instant::from_nanos(1_500_000_000).as_secs_f64(), 1.5);
    /// ```
    #[allow(clippy::cast_precision_loss)] // said in the documentation
    pub fn as_secs_f64(self) -> f64 {
        self.as_nanos() as f64 / 1e9
    }

    /// Time since `earlier`, zero if that is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The clock's start.
impl Default for Instant {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Instant").field(&self.signed_nanos()).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct("Instant", &self.as_nanos())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Its form, as `derive` reads it.
        #[derive(serde::Deserialize)]
        #[serde(rename = "Instant")]
        struct Nanos(u64);
        Nanos::deserialize(deserializer).map(|Nanos(nanos)| Self::from_nanos(nanos))
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
/// It reaches from the year 1677 to 2262. Its text form is RFC 3339 in UTC, and is read back by `parse`.
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

    /// The begin of a day of UTC.
    #[cfg(feature = "alloc")]
    pub(crate) const fn of_date(year: i32, month: u8, day: u8) -> Self {
        Self::from_secs(days_since_1970(year as i64, month as i64, day as i64).saturating_mul(86_400))
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

/// Reads RFC 3339, as `Display` writes it and as others do: `2015-01-31T12:01:00.5+01:00`. A blank may stand for the
/// `T`, small letters for both; decimals beyond the ninth are ignored, and a leap second counts as the second after it.
///
/// ```
/// use thingflow_core::Timestamp;
/// assert_eq!("2015-01-01T12:01:00.5+01:00".parse(), Ok(Timestamp::from_millis(1_420_110_060_500)));
/// ```
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let (secs, nanos) = rfc3339(text.as_bytes()).ok_or(TimestampError::Form)?;
        let nanos = i128::from(secs) * 1_000_000_000 + i128::from(nanos);
        i64::try_from(nanos).map(Self).map_err(|_| TimestampError::Range)
    }
}

/// Why a text is no [`Timestamp`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TimestampError {
    /// It is not of the form of RFC 3339, or names a day or a time that there is not.
    Form,
    /// It is before the year 1677 or after 2262.
    Range,
}

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "invalid time: expected one such as 2015-01-31T11:01:00Z",
            Self::Range => "invalid time: expected one between the years 1677 and 2262",
        })
    }
}

/// As `Display`.
impl fmt::Debug for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for TimestampError {}

/// Seconds since 1970 and the nanoseconds after them.
fn rfc3339(text: &[u8]) -> Option<(i64, u32)> {
    let [y3, y2, y1, y0, b'-', mo1, mo0, b'-', d1, d0, b'T' | b't' | b' ', rest @ ..] = text else { return None };
    let [h1, h0, b':', mi1, mi0, b':', s1, s0, rest @ ..] = rest else { return None };
    let (year, month, day) = (two(*y3, *y2, 99)? * 100 + two(*y1, *y0, 99)?, two(*mo1, *mo0, 12)?, two(*d1, *d0, 31)?);
    if month < 1 || day < 1 || day > days_of(year, month) {
        return None;
    }
    let in_day = two(*h1, *h0, 23)? * 3600 + two(*mi1, *mi0, 59)? * 60 + two(*s1, *s0, 60)?;
    let (nanos, zone) = decimals(rest)?;
    Some((days_since_1970(year, month, day) * 86_400 + in_day - offset(zone)?, nanos))
}

/// The number of two digits, up to `max`.
fn two(tens: u8, ones: u8, max: i64) -> Option<i64> {
    let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    Some(i64::from(tens) * 10 + i64::from(ones) - 11 * i64::from(b'0')).filter(|number| digits && *number <= max)
}

/// What stands behind the point, if there is one, in nanoseconds, and what follows.
fn decimals(text: &[u8]) -> Option<(u32, &[u8])> {
    let [b'.', digits @ ..] = text else { return Some((0, text)) };
    let end = digits.iter().position(|digit| !digit.is_ascii_digit()).filter(|end| *end > 0)?;
    let nanos = (0..9).fold(0, |nanos, at| nanos * 10 + if at < end { u32::from(digits[at] - b'0') } else { 0 });
    Some((nanos, &digits[end..]))
}

/// What the local time is ahead of UTC, in seconds.
fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h0, b':', m1, m0] => {
            let secs = two(*h1, *h0, 23)? * 3600 + two(*m1, *m0, 59)? * 60;
            Some(if *sign == b'-' { -secs } else { secs })
        }
        _ => None,
    }
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The inverse of [`Timestamp::date`].
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month_from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Where a scheduler takes its time from.
pub trait Clock {
    /// The monotonic time. Never goes back.
    fn now(&self) -> Instant;
    /// The wall-clock time that belongs to [`now`](Self::now). May jump when the wall clock is set.
    fn timestamp(&self) -> Timestamp;
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    fn parse(text: &str) -> Result<i64, TimestampError> {
        text.parse().map(Timestamp::as_nanos)
    }

    #[test]
    fn reads_all_forms_of_rfc_3339() {
        const SEC: i64 = 1_000_000_000;
        assert_eq!(parse("1970-01-01T00:00:01Z"), Ok(SEC));
        assert_eq!(parse("1970-01-01 00:00:01.5z"), Ok(SEC * 3 / 2));
        assert_eq!(parse("1970-01-01t02:00:00.0000000019+01:30"), Ok(1800 * SEC + 1));
        assert_eq!(parse("1969-12-31T23:00:00-01:00"), Ok(0));
        assert_eq!(parse("2016-12-31T23:59:60Z"), parse("2017-01-01T00:00:00Z"));
        assert_eq!(parse("2000-02-29T00:00:00Z"), Ok(951_782_400 * SEC));
    }

    #[test]
    fn refuses_all_else() {
        let forms = [
            "",
            "1970-01-01",
            "1970-01-01T00:00Z",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00.Z",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-01-00T00:00:00Z",
            "1970-04-31T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:61Z",
            "1970-01-01T00:00:00+0100",
            "1970-01-01T00:00:00Z ",
            "+970-01-01T00:00:00Z",
            "1970-01-01T00:00:00.5",
            "197\u{663}-1-01T00:00:00Z",
        ];
        for text in forms {
            assert_eq!(parse(text), Err(TimestampError::Form), "{text:?}");
        }
        assert_eq!(parse("0000-01-01T00:00:00Z"), Err(TimestampError::Range));
        assert_eq!(parse("9999-12-31T23:59:59Z"), Err(TimestampError::Range));
    }

    #[test]
    fn the_ends_of_the_range_come_back() {
        for end in [i64::MIN, i64::MAX] {
            assert_eq!(parse(&Timestamp::from_nanos(end).to_string()), Ok(end));
        }
        assert_eq!(parse("2262-04-11T23:47:16.854775808Z"), Err(TimestampError::Range));
    }

    proptest! {
        #[test]
        fn every_time_comes_back(nanos: i64) {
            prop_assert_eq!(parse(&Timestamp::from_nanos(nanos).to_string()), Ok(nanos));
        }

        #[test]
        fn never_panics(text in ".*|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,12})?(Z|[+-][0-9:]{5})?") {
            let _ = parse(&text);
        }
    }
}
