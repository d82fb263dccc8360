//! Windows by the calendar of a time zone: days of 23 and 25 hours, days that were skipped, clocks set at midnight.
#![cfg(feature = "zones")]

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{Calendar, Count, Windowed};
use thingflow_core::{Notice, SavedState};
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

/// The results of days with corrections, of a program that is stopped after `cut` events and goes on in another.
fn days_of(name: &str, seconds: &[i64], cut: usize) -> Vec<Windowed<u64>> {
    let zone = zone(name);
    let (seen, cx) = (Recorder::new(), &mut Context::detached(Instant::ZERO));
    let make = || {
        let time = |second: &i64| Timestamp::from_secs(*second);
        let days = Window::calendar(zone.days(), time).by_saved_key(|second| second % 2);
        let days = days.corrections(Duration::from_secs(40 * 3600));
        pipe::<i64>().watermarks(time, Duration::from_secs(3600)).aggregate(days, Count::new()).to(seen.clone())
    };
    let mut chain = make();
    for (n, second) in seconds.iter().enumerate() {
        if n == cut {
            let saved = SavedState::of(&mut chain, cx).expect("no fatal error");
            chain = make();
            saved.restore(&mut chain, cx).expect("the same chain");
        }
        assert!(chain.next(*second, cx).is_ok());
    }
    assert!(InputThing::<i64>::notice(&mut chain, Notice::Completed, cx).is_ok());
    seen.events()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Days on which clocks are set, of events in any order within what is corrected: over a restart as without one, and each event counts
    /// on its day.
    #[test]
    fn days_go_on_after_a_restart(
        (name, change) in prop::sample::select(vec![("Europe/Berlin", 1_774_746_000_i64), ("Europe/Berlin", 1_792_890_000),
            ("Australia/Lord_Howe", 1_775_314_800), ("Asia/Beirut", 1_648_332_000), ("America/Sao_Paulo", 1_518_919_200),
            ("America/St_Johns", 1_289_097_060), ("Pacific/Apia", 1_325_239_200)]),
        apart in prop::collection::vec(prop_oneof![-72_000_i64..72_000, -1_i64..2, 3_599_i64..3_602], 0..30), cut in 0_usize..30,
    ) {
        let seconds: Vec<i64> = apart.iter().map(|apart| change + apart).collect();
        let results = days_of(name, &seconds, cut);
        prop_assert_eq!(&results, &days_of(name, &seconds, usize::MAX));
        let periods = zone(name).days();
        let mut last = std::collections::BTreeMap::new();
        for key in [0, 1] {
            for second in seconds.iter().filter(|second| *second % 2 == key) {
                *last.entry(periods.period(Timestamp::from_secs(*second))).or_insert([0; 2]).get_mut(key as usize).expect("two") += 1;
            }
        }
        for ((start, end), counts) in last {
            let of_day: Vec<u64> = results.iter().filter(|w| (w.start, w.end) == (start, end)).map(|w| w.value).collect();
            prop_assert!(counts.iter().all(|count| *count == 0 || of_day.contains(count)), "{counts:?} in {of_day:?}");
        }
    }

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
