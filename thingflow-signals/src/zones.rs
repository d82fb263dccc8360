//! [`Zone`]: hours, days, weeks, months and years of a time zone, for windows by the calendar.

use core::cell::Cell;
use core::fmt;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use thingflow_core::Timestamp;
use thingflow_core::windows::Calendar;

/// A time zone, whose days have 23 and 25 hours when the clocks are set.
///
/// ```
/// use core::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_core::windows::Count;
/// use thingflow_signals::zones::Zone;
/// let berlin = Zone::posix("CET-1CEST,M3.5.0,M10.5.0/3")?; // or Zone::named("Europe/Berlin")
/// let hours = (0..72).map(|hour| Timestamp::from_secs(1_774_652_400 + 3600 * hour)); // from Saturday, 2026-03-28, 00:00 on
/// let days = Window::calendar(berlin.days(), |at: &Timestamp| *at);
/// let counts = from_iter(hours).watermarks(|at| *at, Duration::ZERO).aggregate(days, Count::new());
/// assert_eq!(counts.map(|day| day.value).collect_now(), [24, 23, 24, 1]); // on Sunday an hour is missing
/// # Ok::<(), thingflow_signals::zones::ZoneError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// A zone of the system's database, `/usr/share/zoneinfo`: `Europe/Berlin`. On Debian that is the package `tzdata`.
    ///
    /// # Errors
    /// If the database has no such zone, or there is none.
    pub fn named(name: &str) -> Result<Self, ZoneError> {
        TimeZone::get(name).map(Self).map_err(|cause| ZoneError { zone: name.into(), cause })
    }

    /// A zone by its rule as POSIX has it, without a database: `CET-1CEST,M3.5.0,M10.5.0/3` is central Europe today, one hour ahead of
    /// UTC, two from the last Sunday of March on until that of October at 3.
    ///
    /// # Errors
    /// If it is no such rule.
    pub fn posix(rule: &str) -> Result<Self, ZoneError> {
        TimeZone::posix(rule).map(Self).map_err(|cause| ZoneError { zone: rule.into(), cause })
    }

    /// UTC, whose days all have 24 hours.
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Its hours, each an hour long: where the clocks go back one comes twice, and is two windows. In a zone that is ahead of UTC by half
    /// an hour they begin at half past an hour of UTC. Where clocks are set by half an hour, an hour that is cut is that much shorter.
    ///
    /// ```
    /// use thingflow_core::Timestamp;
    /// use thingflow_core::windows::Calendar;
    /// use thingflow_signals::zones::Zone;
    /// let kathmandu = Zone::posix("<+0545>-5:45")?;
    /// let (start, end) = kathmandu.hours().period("2026-03-01T12:00:00Z".parse().unwrap());
    /// assert_eq!((start.to_string(), end.to_string()), ("2026-03-01T11:15:00Z".into(), "2026-03-01T12:15:00Z".into()));
    /// # Ok::<(), thingflow_signals::zones::ZoneError>(())
    /// ```
    pub fn hours(&self) -> ZonePeriods {
        self.periods(Unit::Hour)
    }

    /// Its days.
    pub fn days(&self) -> ZonePeriods {
        self.periods(Unit::Day)
    }

    /// Its weeks, from Monday on.
    pub fn weeks(&self) -> ZonePeriods {
        self.periods(Unit::Week)
    }

    /// Its months.
    pub fn months(&self) -> ZonePeriods {
        self.periods(Unit::Month)
    }

    /// Its years.
    pub fn years(&self) -> ZonePeriods {
        self.periods(Unit::Year)
    }

    fn periods(&self, unit: Unit) -> ZonePeriods {
        ZonePeriods { zone: self.0.clone(), unit, last: Cell::new((Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH)) }
    }
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    /// The first day of the unit that a day is in.
    fn first(self, day: Date) -> Date {
        match self {
            Self::Hour | Self::Day => day,
            Self::Week => day.saturating_sub(i64::from(day.weekday().since(Weekday::Monday)).days()),
            Self::Month => day.first_of_month(),
            Self::Year => day.first_of_year(),
        }
    }

    /// The first day of the next unit.
    fn next(self, first: Date) -> Date {
        first.saturating_add(match self {
            Self::Hour | Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
            Self::Year => 1.year(),
        })
    }
}

/// Periods of the calendar of a [`Zone`], for [`Window::calendar`](thingflow_core::windows::Window::calendar).
///
/// A period begins with the first moment of its first day: where clocks are set at midnight that is 1:00, and a day that the
/// zone has skipped has no period. Where clocks go back to the evening before, that part of the evening which comes again after midnight
/// belongs to the day that has begun.
#[derive(Clone, Debug)]
pub struct ZonePeriods {
    zone: TimeZone,
    unit: Unit,
    /// The last period that was asked for: times are mostly in the same.
    last: Cell<(Timestamp, Timestamp)>,
}

impl ZonePeriods {
    /// The first moment of a day, also where clocks are set from before midnight to after it.
    fn begin(&self, day: Date) -> Timestamp {
        let Ok(midnight) = day.to_zoned(self.zone.clone()) else { return Timestamp::from_nanos(i64::MAX) };
        let set = self.zone.preceding(midnight.timestamp()).next().map(|change| change.timestamp());
        let begin = set.filter(|set| set.to_zoned(self.zone.clone()).date() >= day).unwrap_or(midnight.timestamp());
        let nanos = begin.as_nanosecond();
        Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
    }

    /// The hour of the zone's clock that a moment is in, within the time in which the zone's distance from UTC stays as it is.
    fn find_hour(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        const HOUR: i64 = 3_600_000_000_000;
        let Ok(moment) = jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos())) else { return (at, at) };
        let ahead = i64::from(self.zone.to_offset(moment).seconds()).saturating_mul(1_000_000_000);
        let into = (at.as_nanos().rem_euclid(HOUR) + ahead.rem_euclid(HOUR)) % HOUR;
        let nanos = |moment: jiff::Timestamp| i64::try_from(moment.as_nanosecond()).ok();
        let start = at.as_nanos().saturating_sub(into);
        let end = start.saturating_add(HOUR);
        // The last change of the clocks before the end of this moment, and the next one.
        let after = jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos()) + 1).unwrap_or(moment);
        let set = self.zone.preceding(after).next().and_then(|change| nanos(change.timestamp()));
        let next = self.zone.following(moment).next().and_then(|change| nanos(change.timestamp()));
        let (start, end) = (set.map_or(start, |set| start.max(set)), next.map_or(end, |next| end.min(next)));
        (Timestamp::from_nanos(start), Timestamp::from_nanos(end))
    }

    fn find(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        if matches!(self.unit, Unit::Hour) {
            return self.find_hour(at);
        }
        let Ok(moment) = jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos())) else { return (at, at) };
        let mut first = self.unit.first(moment.to_zoned(self.zone.clone()).date());
        let (mut start, mut end) = (self.begin(first), self.begin(self.unit.next(first)));
        // Where clocks go back over midnight, moments after the day's end bear its date once more.
        while end <= at && end > start {
            first = self.unit.next(first);
            (start, end) = (end, self.begin(self.unit.next(first)));
        }
        // The day that follows one that was skipped begins where that one would.
        (start, if end > start { end } else { self.begin(self.unit.next(self.unit.next(first))) })
    }
}

impl Calendar for ZonePeriods {
    fn period(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let (start, end) = self.last.get();
        if start <= at && at < end {
            return (start, end);
        }
        let found = self.find(at);
        self.last.set(found);
        found
    }
}

/// That there is no such time zone.
pub struct ZoneError {
    zone: String,
    cause: jiff::Error,
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot find the time zone `{}`: use a name such as `Europe/Berlin`, for which `tzdata` has to be \
             installed, or a POSIX rule",
            self.zone.escape_debug()
        )
    }
}

/// As `Display`, with the cause.
impl fmt::Debug for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}: {}", self.cause)
    }
}

impl core::error::Error for ZoneError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.cause)
    }
}
