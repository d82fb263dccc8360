//! Files of days, in the order of the events and in turns.

use super::*;
use crate::csv::read;
use thingflow_core::prelude::{Elementwise, Splitting};
use thingflow_core::testing::Recorder;
use thingflow_core::{Instant, Port, pipe};

const DAY_1: i64 = 1_420_110_060; // 2015-01-01 11:01 UTC
const DAY: i64 = 86_400;
const DAY_2: i64 = DAY_1 + DAY;

fn event(id: &'static str, secs: i64, val: f64) -> SensorEvent<f64> {
    SensorEvent::new(id, Timestamp::from_secs(secs), val)
}

fn files(dir: &Path) -> Vec<(String, usize)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), fs::read_to_string(e.path()).unwrap().lines().count()))
        .collect();
    files.sort();
    files
}

#[test]
fn daily_files() {
    // Case 87.
    let dir = tempfile::tempdir().unwrap();
    let seen = Recorder::new();
    let times = [DAY_1, DAY_1 + 60, DAY_2, DAY_2 + 60].into_iter().zip([1.0, 2.0, 3.0, 4.0]);
    let events: Vec<_> = times.map(|(secs, val)| event("dining-room", secs, val)).collect();
    let writer = write_daily(dir.path(), "dining-room").unwrap();
    pipe().also_to(writer).to(seen.clone()).feed(events.clone()).unwrap();
    assert_eq!(seen.events(), events);
    assert!(seen.is_completed());
    let names = ["dining-room-2015-01-01.csv", "dining-room-2015-01-02.csv"];
    assert_eq!(files(dir.path()), names.map(|name| (name.to_owned(), 3)));
    assert_eq!(read::<f64>(dir.path().join(names[1])).unwrap().collect_now(), events[2..]);
}

#[test]
fn daily_files_per_sensor() {
    // Case 88.
    const ROOMS: [&str; 2] = ["dining-room", "living-room"];
    let dir = tempfile::tempdir().unwrap();
    let (port, rest) = (Port::<SensorEvent<f64>>::new(), Recorder::new());
    let is = |room: &'static str| move |e: &SensorEvent<f64>| e.sensor_id == room;
    let routes = port.dispatch().rule(ROOMS[0], is(ROOMS[0])).rule(ROOMS[1], is(ROOMS[1])).build();
    for room in ROOMS {
        routes.port(room).unwrap().connect(write_daily(dir.path(), room).unwrap());
    }
    routes.default_port().connect(rest.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    for (room, secs, val) in [(0, DAY_1, 1.0), (1, DAY_1, 2.0), (1, DAY_2, 3.0), (0, DAY_2, 4.0)] {
        port.emit(event(ROOMS[room], secs, val), cx).unwrap();
    }
    port.complete(cx).unwrap();
    let found = files(dir.path());
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|(_, lines)| *lines == 2), "{found:?}");
    assert_eq!(rest.text(), "|");
}

#[test]
fn a_late_event_goes_to_its_own_day_without_a_second_header() {
    let dir = tempfile::tempdir().unwrap();
    let events = [event("lux", DAY_1, 1.0), event("lux", DAY_2, 2.0), event("lux", DAY_1 + 1, 3.0)];
    pipe().to(write_daily(dir.path(), "lux").unwrap().buffered()).feed(events).unwrap();
    let first = read::<f64>(dir.path().join("lux-2015-01-01.csv")).unwrap().collect_now();
    assert_eq!(first, [events[0], events[2]]);
}

/// How many bytes this thread has read from files.
fn bytes_read() -> u64 {
    let io = fs::read_to_string("/proc/thread-self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

#[test]
fn f43_days_in_turns_are_not_read_again_for_each_event() {
    for days in [2, 100] {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(1000);
        let text = |day: i64| SensorEvent::new("log", Timestamp::from_secs(DAY * day), long.clone());
        let mut writer = write_daily(dir.path(), "log").unwrap();
        let cx = &mut Context::detached(Instant::ZERO);
        let mut all = |cx: &mut Context<'_>| (0..days).for_each(|day| assert!(writer.on_next(text(day), cx).is_ok()));
        all(cx);
        let before = bytes_read();
        for _ in 0..50 {
            all(cx);
        }
        writer.on_completed(cx).unwrap();
        let read = bytes_read() - before;
        // One block for each file that is opened again; all of it each time would be 25 times the lot.
        let most = if days > 32 { 50 * days.unsigned_abs() * (1 << 16) } else { 4096 };
        assert!(read <= most, "{days} days: {read} bytes");
        let lot: usize = files(dir.path()).iter().map(|(_, rows)| rows - 1).sum();
        assert_eq!(lot, 51 * usize::try_from(days).unwrap());
    }
}

#[test]
fn f85_days_are_those_of_a_time_zone() {
    let dir = tempfile::tempdir().unwrap();
    // 2026-03-29 22:30 UTC is 00:30 on the day after in Berlin: there summer time has begun.
    let night = utc("2026-03-29T22:30:00Z");
    let winter = utc("2026-03-27T22:30:00Z"); // 23:30
    for (zone, day) in [("UTC", "2026-03-29"), ("Europe/Berlin", "2026-03-30"), ("America/New_York", "2026-03-29")] {
        let base = zone.replace('/', "-");
        let events = [winter, night].map(|ts| SensorEvent::new("lux", ts, 1.0));
        pipe().to(write_daily(dir.path(), &base).unwrap().in_zone(zone).unwrap()).feed(events).unwrap();
        assert!(dir.path().join(format!("{base}-{day}.csv")).exists(), "{zone}");
        assert!(dir.path().join(format!("{base}-2026-03-27.csv")).exists(), "{zone}");
    }
    let error = write_daily::<f64>(dir.path(), "lux").unwrap().in_zone("Europe/\u{7}Bremen").unwrap_err();
    assert!(error.to_string().starts_with("invalid time zone `Europe/\\u{7}Bremen`: "), "{error}");
}

fn utc(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn f85_old_files_are_removed_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let others =
        ["lux-2014-01-01.txt", "lux-2014-01-01.csv.gz", "lux-2014-13-01.csv", "luxury-2014-01-01.csv", "lux.csv"];
    let old = ["lux-2014-01-01.csv", "lux-2014-12-28.1.csv", "lux-2014-12-30.csv.damaged", "lux-2014-12-30.csv"];
    for name in others.iter().chain(&old) {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let events = [DAY_1 - DAY, DAY_1, DAY_2].map(|secs| event("lux", secs, 1.0));
    pipe().to(write_daily(dir.path(), "lux").unwrap().keep_days(2)).feed(events).unwrap();
    let mut left: Vec<_> = files(dir.path()).into_iter().map(|(name, _)| name).collect();
    left.retain(|name| !others.contains(&name.as_str()));
    assert_eq!(left, ["lux-2015-01-01.csv", "lux-2015-01-02.csv"]);
    assert_eq!(files(dir.path()).len(), 2 + others.len());
}

#[test]
fn f55_a_new_column_on_the_same_day_does_not_end_the_run() {
    let dir = tempfile::tempdir().unwrap();
    pipe().to(write_daily(dir.path(), "lux").unwrap()).feed([event("lux", DAY_1, 1.0)]).unwrap();
    let pair = SensorEvent::new("lux", Timestamp::from_secs(DAY_1), (1.0, 2.0));
    for _ in 0..3 {
        pipe().to(write_daily(dir.path(), "lux").unwrap()).feed([pair]).unwrap();
    }
    let names = [("lux-2015-01-01.1.csv".to_owned(), 2), ("lux-2015-01-01.csv".to_owned(), 4)];
    assert_eq!(files(dir.path()), names);
}

#[test]
fn refuses_what_is_no_directory() {
    let error = write_daily::<f64>("/no/such", "lux").unwrap_err().to_string();
    assert!(error.ends_with("create the directory: mkdir -p /no/such"), "{error}");
}

#[test]
fn a_folder_that_is_removed_ends_the_run_with_advice() {
    for next in [DAY_1, DAY_2] {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("data");
        fs::create_dir(&folder).unwrap();
        let mut writer = write_daily(&folder, "lux").unwrap();
        let cx = &mut Context::detached(Instant::ZERO);
        let _ = writer.on_next(event("lux", DAY_1, 1.0), cx).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let token = writer.on_next(event("lux", next, 2.0), cx).unwrap_err();
        let error = cx.take_error(token).to_string();
        assert!(error.ends_with(&format!("create the directory: mkdir -p {}", folder.display())), "{error}");
    }
}

#[test]
fn a_base_name_stays_in_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    pipe().to(write_daily(dir.path(), "../kitchen/lux").unwrap()).feed([event("lux", DAY_1, 1.0)]).unwrap();
    assert_eq!(files(dir.path()), [(".._kitchen_lux-2015-01-01.csv".to_owned(), 2)]);
}
