//! The command-line tool, on outboxes and recordings that programs have left.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use thingflow::VirtualClock;
use thingflow::adapters::outbox::{CommitWindow, Options, Outbox, Outlet};
use thingflow::adapters::recording::Recording;
use thingflow::prelude::*;
use thingflow::testing::{ListSensor, Recorder, timed};
use thingflow::tracking::Tracking;

const SECOND: Duration = Duration::from_secs(1);

fn thingflow(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thingflow")).args(arguments).output().unwrap()
}

/// The standard output of a command that ends with this code.
fn output(code: i32, arguments: &[&str]) -> String {
    let output = thingflow(arguments);
    let (told, failed) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}{failed}");
    told
}

fn json(code: i32, arguments: &[&str]) -> Value {
    serde_json::from_str(&output(code, arguments)).unwrap()
}

fn lines(arguments: &[&str]) -> Vec<Value> {
    output(0, arguments).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn options() -> Options {
    Options::new(4 << 20, CommitWindow::default())
}

/// Runs a flow whose outlet `cloud` refuses negative values, and gives what it let pass. `idle` is an outlet that nobody reads.
fn run(folder: &Path, readings: &[f64]) -> Vec<f64> {
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut outbox = Outbox::open(folder, options()).unwrap();
    let seen = Recorder::new();
    let check = |event: SensorEvent<f64>| if event.val < 0.0 { Err("negative") } else { Ok(event.val) };
    outbox.port("cloud", Outlet::default()).unwrap().try_map_value(check).acknowledge().connect(seen.clone());
    outbox.port("idle", Outlet::default()).unwrap();
    let sensor = SensorOutput::new(ListSensor::new("lux", readings));
    sensor.connect(outbox.input());
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.schedule_periodic(sensor, SECOND).unwrap();
    scheduler.run_forever().unwrap();
    seen.events()
}

#[test]
fn a37_a_queue_is_listed_checked_and_exported_without_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    run(folder.path(), &[0.1, -1.0, 1e300]);
    let list = json(0, &["queue", "list", path, "--json"]);
    assert_eq!((&list["records"], &list["dead_letters"]), (&3.into(), &1.into()));
    let outlets: Vec<_> =
        list["outlets"].as_array().unwrap().iter().map(|o| (o["name"].as_str(), &o["waiting"])).collect();
    assert_eq!(outlets, [(Some("cloud"), &0.into()), (Some("idle"), &3.into())]);
    assert_eq!(list["oldest"], "1970-01-01T00:00:01Z");
    let text = output(0, &["queue", "list", path]);
    assert!(text.starts_with("3 records, 1 to 3, in 1 segment of "), "{text}");
    assert!(text.contains("idle: 3 waiting, delivered up to 0\n") && text.ends_with("1 dead letter\n"), "{text}");

    assert_eq!(json(0, &["queue", "check", path, "--json"])["sound"], true);
    let events: Vec<Value> = lines(&["queue", "export", path]);
    let values: Vec<f64> = events.iter().map(|line| line["event"]["val"].as_f64().unwrap()).collect();
    assert_eq!(values, [0.1, -1.0, 1e300], "to the last bit");
    assert_eq!(events[1]["time"], "1970-01-01T00:00:02Z");
    assert_eq!(lines(&["queue", "export", path, "--from", "2", "--to", "2"]), events[1..2]);
    assert_eq!(lines(&["queue", "export", path, "--since", "1970-01-01T00:00:02Z"]), events[1..]);
    assert_eq!(lines(&["queue", "export", path, "--until", "1970-01-01T00:00:02Z"]), events[..1]);
    let dead = lines(&["queue", "export", &format!("{path}/dead")]);
    let told = ["outlet", "refused", "reason"].map(|field| dead[0][field].clone());
    assert_eq!(told, ["cloud".into(), Value::from(2), "negative".into()]);
}

#[test]
fn a25_a_queue_is_exported_with_times_that_are_right_or_marked() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), VirtualClock::new().unset());
    let path = folder.path().to_str().unwrap();
    let mut scheduler = Scheduler::with_clock(clock.clone()).unwrap();
    let mut outbox = Outbox::<SensorEvent<f64>>::open(folder.path(), options()).unwrap();
    outbox.port("cloud", Outlet::default()).unwrap();
    let sensor = SensorOutput::new(ListSensor::new("lux", [1.0, 2.0]));
    sensor.connect(outbox.input());
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.schedule_periodic(sensor, SECOND).unwrap();
    scheduler.run_for(SECOND + SECOND / 2).unwrap();
    let times = |line: &Value| ["time", "time_known", "event"].map(|field| line[field].clone());
    // Beside the program, which has begun to say that the clock of this boot is not set.
    let before = lines(&["queue", "export", path]);
    assert_eq!(times(&before[0])[..2], [Value::from("1970-01-01T00:00:01Z"), false.into()]);
    clock.set("2026-03-01T12:00:01.5Z".parse().unwrap());
    scheduler.run_forever().unwrap();
    drop(scheduler);
    let after = lines(&["queue", "export", path]);
    assert_eq!(times(&after[0])[..2], [Value::from("2026-03-01T12:00:01Z"), true.into()]);
    let event = SensorEvent::new("lux", "2026-03-01T12:00:01Z".parse().unwrap(), 1.0);
    assert_eq!(after[0]["event"], serde_json::to_value(event).unwrap(), "as all writers of JSON say it");
    assert_eq!(after[1]["time"], "2026-03-01T12:00:02Z");
    assert!(output(0, &["queue", "list", path]).contains("its times are put right\n"));
    assert_eq!(output(0, &["queue", "check", path]).lines().count(), 2);
}

#[test]
fn a37_dead_letters_are_fed_back_and_leave() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    run(folder.path(), &[1.0, -2.0, -3.0]);
    let fed = |arguments: &[&str]| {
        json(0, &[&["queue", "feed", path, "--json"], arguments].concat())["fed"].as_u64().unwrap()
    };
    let letters = || json(0, &["queue", "list", path, "--json"])["dead_letters"].as_u64().unwrap();
    assert_eq!((letters(), fed(&["--outlet", "other"]), letters()), (2, 0, 2));
    assert_eq!((fed(&[]), letters()), (2, 0));
    assert_eq!(fed(&[]), 0, "each once");
    let list = json(0, &["queue", "list", path, "--json"]);
    assert_eq!(list["outlets"][0]["waiting"], 2);
    assert_eq!(run(folder.path(), &[7.0]), [7.0], "refused once more, and nothing is in the way");
    assert_eq!(letters(), 2);
    assert_eq!(fed(&["--again"]), 4);
}

#[test]
fn a37_what_was_exported_and_mended_is_fed_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (queue, file) = (folder.path().join("queue"), folder.path().join("mended.jsonl"));
    let (path, mended) = (queue.to_str().unwrap(), file.to_str().unwrap());
    run(&queue, &[-2.5]);
    output(0, &["queue", "export", &format!("{path}/dead"), "--output", mended]);
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("-2.5", "2.5")).unwrap();
    assert_eq!(output(0, &["queue", "feed", path, mended]), format!("1 event put into {path}\n"));
    assert_eq!(run(&queue, &[]), [2.5]);
    fs::write(&file, "\n{\"number\":1}\n").unwrap();
    let refused = thingflow(&["queue", "feed", path, mended]);
    assert_eq!(refused.status.code(), Some(3));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(told, format!("thingflow: line 2 of {mended}: there is no \"event\" in it\n"));
}

/// So it can be mended and fed again, without a part of it coming twice.
#[test]
fn a37_a_file_that_cannot_be_read_to_its_end_is_not_fed_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (queue, file) = (folder.path().join("queue"), folder.path().join("events.jsonl"));
    let (path, events) = (queue.to_str().unwrap(), file.to_str().unwrap());
    run(&queue, &[]);
    let many = format!("{{\"event\":\"{}\"}}\n", "long ".repeat(1000)).repeat(200); // more than is committed at once
    for last in ["no JSON", "{\"event\":1,\"time\":\"yesterday\"}", "{\"event\":1,\"time\":5}"] {
        fs::write(&file, format!("{many}{last}\n")).unwrap();
        let refused = thingflow(&["queue", "feed", path, events]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains(&format!("line 201 of {events}: ")), "{said}");
        assert_eq!(json(0, &["queue", "list", path, "--json"])["records"], 0, "{last}");
    }
    fs::write(&file, format!("{many}{{\"event\":1,\"time\":null}}\n")).unwrap();
    assert_eq!(output(0, &["queue", "feed", path, events]), format!("201 events put into {path}\n"));
}

#[test]
fn a37_an_outbox_is_not_fed_from_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    run(folder.path(), &[1.0, 2.0]);
    output(3, &["queue", "feed", path, &format!("{path}/dead/..")]);
    assert_eq!(json(0, &["queue", "list", path, "--json"])["records"], 2);
}

/// Dead letters have no reader who would remember where to begin.
#[test]
fn a37_dead_letters_that_were_cut_are_not_fed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    run(folder.path(), &[-1.0, -2.0, -3.0]);
    let dead = format!("{path}/dead");
    assert_eq!(output(0, &["queue", "cut", &dead, "--before", "3"]), "2 records dropped\n");
    assert_eq!(output(0, &["queue", "cut", &dead, "--before", "3"]), "0 records dropped\n");
    assert_eq!(json(0, &["queue", "list", path, "--json"])["dead_letters"], 1);
    assert_eq!(output(0, &["queue", "feed", path]), format!("1 event put into {path}\n"));
    assert_eq!(output(0, &["queue", "cut", path, "--before", "4"]), "3 records dropped\n");
    assert_eq!(output(0, &["queue", "cut", path, "--before", "4"]), "0 records dropped\n", "they have gone already");
}

/// Nothing says where in a segment a recording begins.
#[test]
fn a37_of_a_recording_only_whole_segments_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    record(folder.path());
    assert_eq!(output(0, &["queue", "cut", path, "--before", "3"]), "0 records dropped\n");
    assert_eq!(json(0, &["record", "info", path, "--json"])["runs"], 1);
}

/// A recording may come from anywhere, and its names go to a terminal.
#[test]
fn names_of_streams_do_nothing_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::open(folder.path(), options()).unwrap();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let lux = SensorOutput::new(ListSensor::new("lux", [1.0]));
    lux.connect(recording.stream("lux\u{1b}[2J\nroof: 9 events").unwrap());
    scheduler.schedule_on_main_event_loop(recording).unwrap();
    scheduler.schedule_periodic(lux, SECOND).unwrap();
    scheduler.run_forever().unwrap();
    let path = folder.path().to_str().unwrap();
    let text = output(0, &["record", "info", path]);
    assert!(text.contains("\nlux\\u{1b}[2J\\nroof: 9 events: 1 event, the first "), "{text}");
    assert_eq!(json(0, &["record", "info", path, "--json"])["streams"][0]["name"], "lux\u{1b}[2J\nroof: 9 events");
}

#[test]
fn a37_a_queue_is_cut_unless_its_program_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    run(folder.path(), &[1.0, 2.0, 3.0, 4.0]);
    let program = Outbox::<SensorEvent<f64>>::open(folder.path(), options()).unwrap();
    let refused = thingflow(&["queue", "cut", path, "--before", "3"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("another process has it open"));
    output(0, &["queue", "check", path]); // looking is allowed
    drop(program);
    assert_eq!(output(0, &["queue", "cut", path, "--before", "3"]), "2 records dropped\n");
    let list = json(0, &["queue", "list", path, "--json"]);
    assert_eq!(list["outlets"][1]["waiting"], 2);
}

#[test]
fn a37_damage_is_told_with_its_place_and_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    run(folder.path(), &[1.0, 2.0, 3.0]);
    let segment = folder.path().join(format!("{:020}.seg", 1));
    let mut bytes = fs::read(&segment).unwrap();
    bytes[4096 + 30] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let check = json(1, &["queue", "check", path, "--json"]);
    assert_eq!((&check["sound"], &check["journals"][0]["lost"]), (&false.into(), &1.into()));
    let text = output(1, &["queue", "check", path]);
    assert!(text.contains("damaged, 2 records can be read, 1 lost"), "{text}");
    assert_eq!(lines(&["queue", "export", path]).len(), 2);
    output(3, &["queue", "list", "/nowhere/at/all"]);
    output(2, &["queue", "lost"]);
}

#[test]
fn a37_a_folder_that_is_no_journal_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letters.txt"), "{}").unwrap();
    let (path, letters) = (folder.path().to_str().unwrap(), format!("{}/letters.txt", folder.path().display()));
    let commands: [&[&str]; 6] = [
        &["queue", "list", path],
        &["queue", "check", path],
        &["queue", "export", path],
        &["queue", "cut", path, "--before", "9"],
        &["queue", "feed", path, &letters],
        &["record", "info", path],
    ];
    for command in commands {
        let refused = thingflow(command);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(3), "{command:?}: {said}");
        assert!(said.contains(" is neither an outbox nor a recording: name the folder"), "{command:?}: {said}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A journal may have been opened and not have got any events yet.
#[test]
fn a37_without_a_terminal_long_work_shows_no_bars() {
    let folder = tempfile::tempdir().unwrap();
    let [outbox, day, file, copy] =
        ["outbox", "day", "lines", "copy.rs"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    run(Path::new(&outbox), &[1.0, -2.0, -3.0]);
    record(Path::new(&day));
    let works: [&[&str]; 9] = [
        &["queue", "check", &outbox],
        &["queue", "export", &outbox, "--to", "2", "--output", &file],
        &["queue", "feed", &outbox],
        &["queue", "feed", &outbox, "--again"],
        &["queue", "feed", &outbox, &file],
        &["queue", "cut", &outbox, "--before", "3"],
        &["record", "info", &day],
        &["record", "replay", &day, "--at-once"],
        &["record", "test", &day, &copy],
    ];
    for work in works {
        let Output { status, stdout, stderr } = thingflow(work);
        assert!(status.success() && !(stdout.is_empty() && work[1] != "export"), "{work:?}");
        assert_eq!(String::from_utf8_lossy(&stderr), "", "{work:?}");
        assert!(!stdout.contains(&0x1b), "{work:?}");
    }
}

#[test]
fn a37_an_outbox_that_has_taken_nothing_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[]);
    fs::remove_dir_all(folder.path().join("dead")).unwrap();
    fs::create_dir(folder.path().join("dead")).unwrap();
    let text = output(0, &["queue", "list", folder.path().to_str().unwrap()]);
    assert!(text.starts_with("0 records, ") && text.ends_with("0 dead letters\n"), "{text}");
}

/// Records two streams.
fn record(folder: &Path) {
    let recording = Recording::open(folder, options()).unwrap();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let lux = SensorOutput::new(ListSensor::new("lux", [20.5, 30.25]));
    lux.connect(recording.stream("lux").unwrap());
    let door = Port::new();
    door.connect(recording.stream("front door").unwrap());
    scheduler.schedule_on_main_event_loop(recording).unwrap();
    scheduler.schedule_periodic(lux, SECOND).unwrap();
    scheduler.schedule_recurring(timed([(1.5, true), (1.75, false)]).connect(door)).unwrap();
    scheduler.run_forever().unwrap();
}

#[test]
fn a_recording_is_described_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    record(folder.path());
    let info = json(0, &["record", "info", path, "--json"]);
    assert_eq!((&info["runs"], &info["seconds"]), (&1.into(), &3.0.into()));
    assert_eq!((&info["streams"][0]["name"], &info["streams"][0]["events"]), (&"front door".into(), &2.into()));
    let all = ["front door", "lux"];
    let streams = |arguments: &[&str]| -> Vec<(String, Value)> {
        let lines = lines(arguments).into_iter();
        lines.map(|line| (line["stream"].as_str().unwrap().to_owned(), line["event"].clone())).collect()
    };
    let events = streams(&["record", "replay", path, "--at-once"]);
    let names: Vec<&str> = events.iter().map(|(stream, _)| stream.as_str()).collect();
    assert_eq!(names, [all[1], all[0], all[0], all[1]], "in the order in which they came");
    assert_eq!(streams(&["record", "replay", path, "--speed", "1000"]), events);
    assert_eq!(streams(&["record", "replay", path, "--at-once", "--stream", "lux"]).len(), 2);
    output(3, &["record", "replay", path, "--stream", "lox"]);
    output(3, &["record", "replay", path, "--speed", "0"]);
    output(3, &["record", "info", "/nowhere/at/all"]);
}

#[test]
fn a_recording_becomes_a_test() {
    let folder = tempfile::tempdir().unwrap();
    let (path, test) = (folder.path().join("day"), folder.path().join("recorded_day.rs"));
    record(&path);
    let arguments = ["record", "test", path.to_str().unwrap(), test.to_str().unwrap()];
    output(0, &arguments);
    let copied = folder.path().join("again.rs");
    let wrote = json(0, &["record", "test", path.to_str().unwrap(), copied.to_str().unwrap(), "--json"]);
    let recording = copied.with_extension("recording");
    assert_eq!(wrote, serde_json::json!({ "test": copied, "recording": recording }));
    assert!(copied.is_file() && recording.is_dir());
    // This very file is one of the tests of this package, so it compiles and passes.
    assert_eq!(fs::read_to_string(&test).unwrap(), include_str!("recorded_day.rs"));
    let copy = test.with_extension("recording");
    let bytes: u64 = fs::read_dir(copy).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 16 << 10, "{bytes} bytes");
    output(3, &arguments); // it is there
    output(3, &["record", "test", path.to_str().unwrap(), "no-name.rs"]);
}

/// The segments of a program may be longer than those of the tool.
#[test]
fn a37_events_longer_than_a_segment_of_the_tool_are_fed_and_copied() {
    let folder = tempfile::tempdir().unwrap();
    let long = "long ".repeat(500_000);
    let options = || Options::new(64 << 20, CommitWindow::default()).segment_bytes(8 << 20).buffer_bytes(8 << 20);
    let (queue, other, day) = (folder.path().join("queue"), folder.path().join("other"), folder.path().join("day"));
    let mut outbox = Outbox::<String>::open(&queue, options()).unwrap();
    let recording = Recording::open(&day, options()).unwrap();
    outbox.port("cloud", Outlet::default()).unwrap();
    let text = Port::<String>::new();
    text.connect(outbox.input());
    text.connect(recording.stream("text").unwrap());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.schedule_on_main_event_loop(recording).unwrap();
    scheduler.schedule_recurring(timed([(1.0, long.clone())]).connect(text)).unwrap();
    scheduler.run_forever().unwrap();
    drop(scheduler);
    run(&other, &[]);
    let [queue, other, day] = [&queue, &other, &day].map(|path| path.to_str().unwrap());
    assert_eq!(output(0, &["queue", "feed", other, queue]), format!("1 event put into {other}\n"));
    assert_eq!(lines(&["queue", "export", other])[0]["event"], long);
    let test = folder.path().join("long_text.rs");
    output(0, &["record", "test", day, test.to_str().unwrap()]);
    let copy = test.with_extension("recording");
    assert_eq!(lines(&["record", "replay", copy.to_str().unwrap(), "--at-once"])[0]["event"], long);
}

/// A recording of events, each with the nanoseconds since the run began; `began` are begins of runs in one boot, by its monotonic clock.
fn forge(folder: &Path, events: &[u64], began: &[u64]) {
    let files = thingflow_journal::Folder::open(folder).unwrap();
    let mut store = thingflow_journal::Store::open(files, options()).unwrap();
    let head = |what: u8, at: u64, name: &str| {
        [&[3, what], &at.to_le_bytes()[..], &[u8::try_from(name.len()).unwrap()], name.as_bytes()].concat()
    };
    for at in events {
        store.push(0, &[head(1, *at, "door"), vec![1, 0xc3]].concat()).unwrap();
    }
    for at in began {
        let moment = [&[1][..], &7_u128.to_le_bytes(), &at.to_le_bytes(), &[0; 8]].concat();
        store.push(0, &[head(0, 0, ""), moment].concat()).unwrap();
        store.push(0, &[head(1, 5, "door"), vec![1, 0xc3]].concat()).unwrap();
    }
    store.close().unwrap();
}

#[test]
fn a_recording_that_says_that_something_came_at_the_end_of_time_is_replayed_without_it() {
    const HUNDRED_YEARS: u64 = 3_153_600_000 * 1_000_000_000;
    let cases: [(&[u64], &[u64], usize); 3] = [
        (&[0, u64::MAX, i64::MAX as u64, 5], &[], 2),
        (&[0], &[0, u64::MAX, 3, u64::MAX, 3, u64::MAX], 7),
        (&[0], &[0, HUNDRED_YEARS, 3, HUNDRED_YEARS, 3, HUNDRED_YEARS, 3, HUNDRED_YEARS, 3, HUNDRED_YEARS], 11),
    ];
    for (events, began, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        forge(folder.path(), events, began);
        let path = folder.path().to_str().unwrap();
        assert_eq!(lines(&["record", "replay", path, "--at-once"]).len(), expected, "{events:?} {began:?}");
    }
}

#[test]
fn a_replay_may_be_as_slow_as_one_likes() {
    let folder = tempfile::tempdir().unwrap();
    forge(folder.path(), &[0, 1_000_000_000], &[]);
    let mut replay = thingflow::adapters::recording::Replay::open(folder.path()).unwrap().speed(1e-300);
    let seen = Recorder::new();
    replay.port::<bool>("door").unwrap().connect(seen.clone());
    let mut scheduler = Scheduler::with_clock(replay.clock()).unwrap();
    scheduler.schedule_recurring(replay).unwrap();
    scheduler.run_for(1_000_000 * SECOND).unwrap();
    assert_eq!(seen.events(), [true]);
}
