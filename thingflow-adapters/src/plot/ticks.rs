//! Marks on axes: round numbers, and round times in a zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use thingflow_core::Timestamp;

/// A time axis in a zone.
#[derive(Clone, Debug)]
pub(super) struct Times {
    pub(super) zone: TimeZone,
    pub(super) name: String,
}

impl Default for Times {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, name: "UTC".into() }
    }
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Seconds between two marks.
const STEPS: [i64; 17] = [
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
];
/// Days between two marks; months, beyond them.
const DAYS: [i64; 4] = [1, 2, 7, 14];
const MONTHS: [i64; 9] = [1, 2, 3, 6, 12, 24, 60, 120, 600];

/// A mark, in seconds since 1970, and what stands at it.
pub(super) type Mark = (f64, String);

impl Times {
    /// At most `most` marks between two times, in seconds since 1970: seldom fewer than a third of it, if the time is a second at least.
    pub(super) fn marks(&self, from: f64, until: f64, most: usize) -> Vec<Mark> {
        let Some(first) = self.civil(from) else { return Vec::new() };
        #[allow(clippy::cast_precision_loss, reason = "a number of marks")]
        let room = (until - from) / most.max(1) as f64;
        let fits = |seconds: &i64| {
            #[allow(clippy::cast_precision_loss, reason = "at most centuries of seconds")]
            let seconds = *seconds as f64;
            seconds >= room
        };
        let midnight = first.date().to_datetime(jiff::civil::Time::midnight());
        if let Some(step) = STEPS.into_iter().find(fits) {
            let since = first.time().duration_since(jiff::civil::Time::midnight()).as_secs() / step * step;
            let form = if step < MINUTE { "%H:%M:%S" } else { "%H:%M" };
            let begin = midnight.checked_add(since.seconds()).ok();
            return self.list(begin, step.seconds(), from..until, most, |at| {
                if at.time() == jiff::civil::Time::midnight() { "%m-%d" } else { form }
            });
        }
        if let Some(days) = DAYS.into_iter().find(|days| fits(&(days * DAY))) {
            return self.list(Some(midnight), days.days(), from..until, most, |_| "%m-%d");
        }
        let months = MONTHS.into_iter().find(|months| fits(&(months * 28 * DAY))).unwrap_or(600);
        let begin = first.date().first_of_month().to_datetime(jiff::civil::Time::midnight());
        let begin = if months < 12 { Some(begin) } else { begin.with().month(1).build().ok() };
        self.list(begin, months.months(), from..until, most, |_| "%Y-%m")
    }

    /// The date of a time, for the axis.
    pub(super) fn day(&self, at: f64) -> String {
        self.civil(at).map(|at| at.date().to_string()).unwrap_or_default()
    }

    fn civil(&self, seconds: f64) -> Option<DateTime> {
        jiff::Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(seconds).ok()?)
            .ok()
            .map(|at| self.zone.to_datetime(at))
    }

    /// One after the other by the calendar, so that each is round although the clocks are set in between.
    fn list(
        &self,
        begin: Option<DateTime>,
        step: Span,
        range: std::ops::Range<f64>,
        most: usize,
        form: impl Fn(DateTime) -> &'static str,
    ) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        let Some(begin) = begin else { return marks };
        // What is an hour of the calendar may be none of the clock.
        for n in 0..i64::try_from(2 * most + 8).unwrap_or(i64::MAX) {
            let Some(at) = step.checked_mul(n).ok().and_then(|span| begin.checked_add(span).ok()) else { break };
            let Ok(time) = self.zone.to_timestamp(at) else { break };
            let seconds = time.as_duration().as_secs_f64();
            if seconds > range.end {
                break;
            }
            if seconds >= range.start && marks.last().is_none_or(|(last, _)| *last < seconds) {
                let shown = self.zone.to_datetime(time); // that hour, if the one of the calendar is left out
                marks.push((seconds, shown.strftime(form(shown)).to_string()));
            }
        }
        marks
    }
}

/// Seconds since 1970.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_secs_f64()
}

/// Round numbers between two others, at most `most`: one, two or five times a power of ten apart.
pub(super) fn numbers(low: f64, high: f64, most: usize) -> Vec<Mark> {
    #[allow(clippy::cast_precision_loss, reason = "a number of marks")]
    let room = (high / most as f64 - low / most as f64).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(room.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= room).unwrap_or(room);
    if !(step.is_finite() && step > 0.0) {
        return Vec::new();
    }
    let first = (low / step).ceil();
    let all = (0..=most).map(|n| {
        #[allow(clippy::cast_precision_loss, reason = "a number of marks")]
        let n = n as f64;
        (first + n) * step
    });
    let digits = usize::try_from((-power.log10().floor()).clamp(0.0, 12.0) as i64).unwrap_or(0);
    let is_plain = (1e-9..1e9).contains(&step) && low.abs().max(high.abs()) < 1e12;
    let text = |value: f64| if is_plain { format!("{value:.digits$}") } else { format!("{value:.3e}") };
    let mut marks: Vec<Mark> = all.filter(|at| (low..=high).contains(at)).map(|at| (at, text(at))).collect();
    marks.dedup_by(|a, b| a.0 <= b.0);
    marks
}
