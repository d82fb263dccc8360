//! `at(expression, zone)`: an event at each time that a cron expression names.

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use thingflow_core::{Context, Failure, Flow, Instant, Source, Timestamp};

use super::CronError;

/// How often the wall clock is looked at, and how late an event may be: it may be set, and it goes on while the machine
/// is suspended and timers stand still.
const LOOK: Duration = Duration::from_secs(60);
/// A clock that is set back by more starts the schedule anew.
const SET_BACK: Duration = Duration::from_secs(3600);

/// Sends an event at each time that `expression` names in the time zone `zone`, such as `Europe/Berlin` or `UTC`. The
/// event is the time as planned.
///
/// The expression has five fields, minute, hour, day of the month, month, day of the week, or six with seconds before
/// them: `30 2 * * Mon-Fri`, `*/10 * * * * *`. It may also be `@hourly`, `@daily`, and so on.
///
/// It brings its own timetable: schedule it with [`schedule_recurring`](thingflow_core::Scheduler::schedule_recurring).
/// It completes when no time is left, as with a year that is over.
///
/// # Daylight saving
/// As with the cron of Unix: a fixed time that a change of the clock leaves out comes right after the gap, one that
/// comes twice is taken once, at first. What repeats (`*` or a step in the seconds, minutes or hours) follows the
/// clock: it leaves out the gap and runs in both of the hours.
///
/// # A clock that is set
/// The wall clock is looked at once a minute. Times that are missed, because the clock was set forward or the machine
/// slept, are left out, unless [`catch_up`](Cron::catch_up). A clock that is set back by up to an hour repeats nothing.
///
/// # Errors
/// If the expression cannot be read, or the system does not know the zone (it reads `/usr/share/zoneinfo`).
pub fn at(expression: &str, zone: &str) -> Result<Flow<Cron>, CronError> {
    Ok(Flow::new(Cron::new(expression, zone)?))
}

/// As [`at`], in the time zone of the system.
///
/// # Errors
/// If the expression cannot be read, or the system does not say what its time zone is.
pub fn at_local(expression: &str) -> Result<Flow<Cron>, CronError> {
    let zone = TimeZone::try_system().map_err(|cause| CronError::zone("", cause))?;
    Ok(Flow::new(Cron::within(expression, zone)?))
}

/// The source made by [`at`], or by [`new`](Self::new) if the option is wanted.
pub struct Cron {
    times: croner::Cron,
    zone: TimeZone,
    /// The next time; `None` when there is none.
    next: Option<Timestamp>,
    /// When the wall clock was looked at last.
    seen: Option<Timestamp>,
    catch_up: bool,
}

impl Cron {
    /// The source, to be given to [`Flow::new`].
    ///
    /// # Errors
    /// As [`at`].
    pub fn new(expression: &str, zone: &str) -> Result<Self, CronError> {
        let known = TimeZone::get(zone).map_err(|cause| CronError::zone(zone, cause))?;
        Self::within(expression, known)
    }

    fn within(expression: &str, zone: TimeZone) -> Result<Self, CronError> {
        // To the library that is a field by which no time comes, and it searches three thousand years for one, second by second.
        if expression.split_whitespace().any(|field| field.split(',').any(str::is_empty)) {
            return Err(CronError::expression(expression, "a list has an empty part beside a comma"));
        }
        let times: croner::Cron =
            expression.parse().map_err(|cause: croner::errors::CronError| CronError::expression(expression, cause))?;
        Ok(Self { times, zone, next: None, seen: None, catch_up: false })
    }

    /// Times that were missed give one event, as soon as that is found out.
    #[must_use]
    pub fn catch_up(self) -> Self {
        Self { catch_up: true, ..self }
    }

    /// The first time after `time`, to the second.
    fn after(&self, time: Timestamp) -> Option<Timestamp> {
        let second = jiff::Timestamp::from_second(time.as_nanos().div_euclid(1_000_000_000)).ok()?;
        let next = self.times.find_next_occurrence(&second.to_zoned(self.zone.clone()), false).ok()?;
        i64::try_from(next.timestamp().as_nanosecond()).ok().map(Timestamp::from_nanos)
    }

    /// How long to wait at the wall-clock time `now` before looking at it again; zero if an event is due, or the end.
    fn wait(&mut self, now: Timestamp) -> Duration {
        let anew = self.seen.is_none_or(|seen| seen - now > SET_BACK);
        self.seen = Some(now);
        if anew {
            self.next = self.after(now);
        }
        let missed = self.next.is_some_and(|next| now - next > LOOK);
        if missed && !self.catch_up {
            self.next = self.after(back(now, LOOK));
        }
        self.next.map_or(Duration::ZERO, |next| (next - now).min(LOOK))
    }

    /// Goes on to the time after the next, of those that are not missed.
    fn take(&mut self) -> Option<Timestamp> {
        let next = self.next?;
        let lately = self.seen.map_or(next, |seen| back(seen, LOOK));
        self.next = self.after(next.max(lately));
        Some(next)
    }
}

fn back(time: Timestamp, d: Duration) -> Timestamp {
    let nanos = i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(time.as_nanos().saturating_sub(nanos))
}

impl Source for Cron {
    type Item = Timestamp;
    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<Timestamp>, Failure> {
        Ok(self.take())
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        Some(cx.now() + self.wait(cx.timestamp()))
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cron").field("times", &self.times.as_str()).field("next", &self.next).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use proptest::prelude::*;
    use thingflow_core::prelude::*;
    use thingflow_core::testing::Recorder;
    use thingflow_core::{Clock, VirtualClock};

    use super::*;

    fn utc(text: &str) -> Timestamp {
        let time: jiff::Timestamp = text.parse().expect("a time");
        Timestamp::from_secs(time.as_second())
    }

    /// When the events come, by the clock, in the days after `from`; checks that each says so itself.
    fn times(expression: &str, from: &str, days: u64) -> Vec<String> {
        let clock = VirtualClock::starting_at(utc(from));
        let mut scheduler = Scheduler::with_clock(clock.clone()).expect("a scheduler");
        let seen = Recorder::new();
        let at_clock = move |planned: Timestamp| {
            assert_eq!(planned, clock.timestamp());
            planned.to_string()
        };
        let flow = at(expression, "Europe/Berlin").expect("a schedule").map(at_clock).connect(seen.clone());
        scheduler.schedule_recurring(flow).expect("a schedule");
        scheduler.run_for(Duration::from_secs(days * 86_400)).expect("no fatal error");
        seen.events()
    }

    #[test]
    fn a_fixed_time_in_the_gap_comes_right_after_it() {
        let expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
        assert_eq!(times("30 2 * * *", "2026-03-27T12:00:00Z", 3), expected);
        let not_in_the_gap = ["2026-03-28T05:30:00Z", "2026-03-29T04:30:00Z", "2026-03-30T04:30:00Z"];
        assert_eq!(times("30 6 * * *", "2026-03-27T12:00:00Z", 3), not_in_the_gap);
    }

    #[test]
    fn a_fixed_time_that_comes_twice_is_taken_once() {
        let expected = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
        assert_eq!(times("30 2 * * *", "2026-10-23T12:00:00Z", 3), expected);
    }

    #[test]
    fn what_repeats_runs_in_every_hour_that_there_is() {
        for from in ["2026-03-28T22:00:00Z", "2026-10-24T22:00:00Z"] {
            let hours: Vec<_> = (1..=24).map(|h| (utc(from) + Duration::from_secs(h * 3600)).to_string()).collect();
            assert_eq!(times("0 * * * *", from, 1), hours);
        }
        // The second hour of the day is left out, or comes twice.
        assert_eq!(times("*/30 2 * * *", "2026-03-28T22:00:00Z", 1), [""; 0]);
        let twice = ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"];
        assert_eq!(times("*/30 2 * * *", "2026-10-24T22:00:00Z", 1), twice);
    }

    #[test]
    fn a_list_with_an_empty_part_is_refused_and_not_searched_for() {
        for expression in [", * Mon L * Mon", "0,,30 * * * *", "0 6, * * *", "0 0 * * Mon,", "0 0 ,1 * *", ","] {
            let error = at(expression, "UTC").map(drop).unwrap_err().to_string();
            assert!(error.contains("a list has an empty part"), "{expression}: {error}");
        }
    }

    #[test]
    fn a_schedule_begins_after_its_start_and_ends_with_its_year() {
        assert_eq!(times("*/20 * * * * *", "2026-06-01T00:00:00Z", 0), [""; 0]);
        let clock = VirtualClock::starting_at(utc("2026-12-31T22:59:00Z"));
        let mut scheduler = Scheduler::with_clock(clock).expect("a scheduler");
        let seen = Recorder::new();
        let flow = at("0 30 * * * * 2026", "UTC").expect("a schedule").map(|time| time.to_string());
        scheduler.schedule_recurring(flow.connect(seen.clone())).expect("a schedule");
        scheduler.run_forever().expect("no fatal error");
        assert_eq!(seen.text(), r#""2026-12-31T23:30:00Z" |"#);
    }

    #[test]
    fn a_clock_that_is_set_forward_skips_what_was_missed() {
        let mut hourly = Cron::new("0 * * * *", "UTC").expect("a schedule");
        assert_eq!(hourly.wait(utc("2026-06-01T06:59:30Z")), Duration::from_secs(30));
        assert_eq!(hourly.wait(utc("2026-06-01T09:59:30Z")), Duration::from_secs(30));
        assert_eq!(hourly.wait(utc("2026-06-01T10:00:20Z")), Duration::ZERO);
        assert_eq!(hourly.take(), Some(utc("2026-06-01T10:00:00Z")));
        assert_eq!(hourly.wait(utc("2026-06-01T10:00:20Z")), LOOK);
        // From the year in which a board without a clock begins.
        assert_eq!(hourly.wait(utc("2036-06-01T10:59:50Z")), Duration::from_secs(10));
    }

    #[test]
    fn missed_times_can_give_one_event() {
        let mut hourly = Cron::new("0 * * * *", "UTC").expect("a schedule").catch_up();
        hourly.wait(utc("2026-06-01T06:59:30Z"));
        assert_eq!(hourly.wait(utc("2026-06-01T09:59:30Z")), Duration::ZERO);
        assert_eq!(hourly.take(), Some(utc("2026-06-01T07:00:00Z")));
        assert_eq!(hourly.wait(utc("2026-06-01T09:59:30Z")), Duration::from_secs(30));
    }

    #[test]
    fn a_clock_that_is_set_back_repeats_nothing_and_does_not_get_stuck() {
        let mut hourly = Cron::new("0 * * * *", "UTC").expect("a schedule");
        hourly.wait(utc("2026-06-01T06:59:59Z"));
        assert_eq!(hourly.wait(utc("2026-06-01T07:00:00Z")), Duration::ZERO);
        assert!(hourly.take().is_some());
        assert_eq!(hourly.wait(utc("2026-06-01T06:59:59Z")), LOOK, "7:00 has been");
        assert_eq!(hourly.next, Some(utc("2026-06-01T08:00:00Z")));
        assert_eq!(hourly.wait(utc("1970-01-01T00:59:59Z")), Duration::from_secs(1));
    }

    #[test]
    fn errors_name_what_was_given_and_how_to_mend_it() {
        let hour = at("0 25 * * *", "UTC").map(drop).unwrap_err();
        assert!(hour.to_string().starts_with("invalid cron expression `0 25 * * *`: "), "{hour}");
        assert!(
            hour.to_string().ends_with("; write it as `30 6 * * Mon-Fri`, from minute to day of the week"),
            "{hour}"
        );
        let zone = at("@daily", "Europe/Bremen").map(drop).unwrap_err();
        assert!(zone.to_string().starts_with("invalid time zone `Europe/Bremen`: "), "{zone}");
        for error in [hour, zone] {
            assert_eq!(format!("{error:?}"), error.to_string());
            assert!(error.source().is_some());
        }
        let ugly = format!("\u{1b}[31m\u{7}{}", "x".repeat(5000));
        for error in [at(&ugly, "UTC").map(drop), at("@daily", &ugly).map(drop)] {
            let error = error.unwrap_err().to_string();
            assert!(error.len() < 400 && error.chars().all(|char| !char.is_control()), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_look_without_end(
            expression in ".*|([0-9*,/#LW@A-Za-z-]{1,5} ){4,6}[0-9*,/#LW-]{1,3}",
            zone in ".*|Europe/[A-Z]?[a-z]{0,6}|[.]{0,2}/.*",
        ) {
            let _ = Cron::new("@daily", &zone);
            if let Ok(mut times) = Cron::new(&expression, "UTC") {
                let _ = times.wait(utc("2026-06-01T06:59:30Z"));
                let _ = times.take();
            }
        }
    }
}
