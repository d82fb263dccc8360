//! Windows by the calendar of a time zone: days of 23 and 25 hours, days that were skipped, clocks set at midnight.
#![cfg(feature = "zones")]

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::Timestamp;
use thingflow_core::windows::Calendar;
use thingflow_signals::zones::{Zone, ZonePeriods};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// The period of a time, and how many hours it has.
fn hours(periods: &ZonePeriods, text: &str) -> (String, f64) {
    let (start, end) = periods.period(at(text));
    (start.to_string(), (end - start).as_secs_f64() / 3600.0)
}

fn zone(name: &str) -> Zone {
    Zone::named(name).expect("the package tzdata is installed")
}

#[test]
fn days_when_the_clocks_are_set() {
    for berlin in [zone("Europe/Berlin"), Zone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a rule")] {
        let days = berlin.days();
        assert_eq!(hours(&days, "2026-03-28T23:00:00Z"), ("2026-03-28T23:00:00Z".into(), 23.0));
        assert_eq!(hours(&days, "2026-03-29T21:59:59.999999999Z"), ("2026-03-28T23:00:00Z".into(), 23.0));
        assert_eq!(hours(&days, "2026-03-29T22:00:00Z"), ("2026-03-29T22:00:00Z".into(), 24.0));
        assert_eq!(hours(&days, "2026-10-25T12:00:00Z"), ("2026-10-24T22:00:00Z".into(), 25.0));
        assert_eq!(hours(&berlin.months(), "2026-10-31T22:59:59Z"), ("2026-09-30T22:00:00Z".into(), 31.0 * 24.0 + 1.0));
        assert_eq!(hours(&berlin.weeks(), "2026-03-29T12:00:00Z"), ("2026-03-22T23:00:00Z".into(), 7.0 * 24.0 - 1.0));
        assert_eq!(hours(&berlin.years(), "2024-12-31T22:59:59Z"), ("2023-12-31T23:00:00Z".into(), 366.0 * 24.0));
    }
    assert_eq!(hours(&zone("Australia/Lord_Howe").days(), "2026-04-05T00:00:00Z").1, 24.5);
    assert_eq!(hours(&Zone::utc().days(), "2026-03-29T12:00:00Z").1, 24.0);
}

#[test]
fn days_that_begin_at_one_and_days_that_were_skipped() {
    // Beirut sets its clocks at midnight.
    assert_eq!(hours(&zone("Asia/Beirut").days(), "2022-03-27T12:00:00Z"), ("2022-03-26T22:00:00Z".into(), 23.0));
    // Apia had no 30 December 2011.
    let apia = zone("Pacific/Apia").days();
    assert_eq!(hours(&apia, "2011-12-30T09:59:59Z"), ("2011-12-29T10:00:00Z".into(), 24.0));
    assert_eq!(hours(&apia, "2011-12-30T10:00:00Z"), ("2011-12-30T10:00:00Z".into(), 24.0));
    // St John's went back from 0:01 to 23:01 of the day before.
    let (start, length) = hours(&zone("America/St_Johns").days(), "2010-11-07T03:00:00Z");
    assert_eq!((start.as_str(), length), ("2010-11-07T02:30:00Z", 25.0));
    // In Toronto it was 0:30 after 23:30.
    let toronto = zone("America/Toronto");
    assert_eq!(hours(&toronto.days(), "1919-03-31T04:45:00Z"), ("1919-03-31T04:30:00Z".into(), 23.5));
    assert_eq!(hours(&toronto.days(), "1919-03-31T04:29:59Z"), ("1919-03-30T05:00:00Z".into(), 23.5));
    assert_eq!(hours(&toronto.weeks(), "1919-03-31T04:30:00Z").0, "1919-03-31T04:30:00Z");
}

#[test]
fn hours_when_the_clocks_are_set_also_by_half_an_hour() {
    let berlin = zone("Europe/Berlin").hours();
    assert_eq!(hours(&berlin, "2026-03-29T00:30:00Z"), ("2026-03-29T00:00:00Z".into(), 1.0)); // from 1 to 2, then it is 3
    assert_eq!(hours(&berlin, "2026-10-25T00:30:00Z"), ("2026-10-25T00:00:00Z".into(), 1.0)); // from 2 to 3
    assert_eq!(hours(&berlin, "2026-10-25T01:30:00Z"), ("2026-10-25T01:00:00Z".into(), 1.0)); // and again
    assert_eq!(hours(&zone("Asia/Kathmandu").hours(), "2026-03-29T12:00:00Z"), ("2026-03-29T11:15:00Z".into(), 1.0));
    // At 2:00 it is 1:30 again: 1:00 to 2:00, 1:30 to 2:00, 2:00 to 3:00.
    let howe = zone("Australia/Lord_Howe").hours();
    assert_eq!(hours(&howe, "2026-04-04T14:59:00Z"), ("2026-04-04T14:00:00Z".into(), 1.0));
    assert_eq!(hours(&howe, "2026-04-04T15:00:00Z"), ("2026-04-04T15:00:00Z".into(), 0.5));
    assert_eq!(hours(&howe, "2026-04-04T15:30:00Z"), ("2026-04-04T15:30:00Z".into(), 1.0));
    // At 2:00 it is 2:30.
    assert_eq!(hours(&howe, "2026-10-03T15:30:00Z"), ("2026-10-03T15:30:00Z".into(), 0.5));
    assert_eq!(hours(&howe, "2026-10-03T16:00:00Z"), ("2026-10-03T16:00:00Z".into(), 1.0));
}

#[test]
fn a_zone_that_is_none_is_an_error() {
    for name in ["Europe/Nowhere", "", "../../etc/passwd", "\n"] {
        let error = Zone::named(name).expect_err("no zone");
        assert!(error.to_string().starts_with("cannot find the time zone "), "{error}");
        assert!(format!("{error:?}").starts_with(&error.to_string()));
    }
    assert!(Zone::posix("CET-1CEST,M3.5").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A time lies in its period, and periods meet without a gap.
    #[test]
    fn periods_meet(
        name in prop::sample::select(vec!["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Beirut", "America/Havana",
            "Africa/Casablanca", "America/Toronto", "Australia/Lord_Howe", "Pacific/Kwajalein", "America/Sao_Paulo"]),
        unit in 0_u8..5, nanos in prop_oneof![any::<i64>(), 0_i64..1_900_000_000_000_000_000],
    ) {
        let zone = zone(name);
        let make = || match unit { 4 => zone.hours(), 0 => zone.days(), 1 => zone.weeks(), 2 => zone.months(), _ => zone.years() };
        let (t, periods) = (Timestamp::from_nanos(nanos), make());
        let (start, end) = periods.period(t);
        prop_assert!(start <= t && (t < end || end == Timestamp::from_nanos(i64::MAX)), "{start} {t} {end}");
        if end < Timestamp::from_nanos(i64::MAX) && start > Timestamp::from_nanos(i64::MIN) {
            prop_assert_eq!(make().period(end).0, end);
            prop_assert_eq!(make().period(start), (start, end));
            let before = Timestamp::from_nanos(start.as_nanos() - 1);
            prop_assert_eq!(make().period(before).1, start);
            prop_assert!(end - start <= Duration::from_secs(367 * 86_400));
        }
    }
}
