//! What is written, to a file as it is found.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;

use proptest::prelude::*;
use thingflow_core::{Elementwise, Flow, Instant, SensorId, Timestamp, from_iter, pipe, prelude::Chain};

use super::*;
use crate::csv::{Reader, read};

fn event(n: i64) -> SensorEvent<f64> {
    #[allow(clippy::cast_precision_loss)]
    SensorEvent::new(1, Timestamp::from_nanos(n * 123_456_789), n as f64 / 3.0)
}

/// What a record is as a file.
fn text<E: Serialize + Clone>(records: impl IntoIterator<Item = E>) -> String {
    let mut bytes = Vec::new();
    pipe().to(Writer::new("memory", &mut bytes)).feed(records).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn send<E: Serialize>(writer: &mut Writer<E>, event: E) -> Result<(), String> {
    let cx = &mut Context::detached(Instant::ZERO);
    writer.on_next(event, cx).map(drop).map_err(|token| cx.take_error(token).to_string())
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lux.csv");
    fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn round_trip() {
    // Case 86.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lux.csv");
    let before: Vec<_> = (1..=5).map(event).collect();
    pipe().to(write(&path).unwrap()).feed(before.clone()).unwrap();
    assert_eq!(read::<f64>(&path).unwrap().collect_now(), before);
}

#[test]
fn event_and_row() {
    // Case 85.
    let before = SensorEvent::new(1, Timestamp::from_nanos(1_420_110_060_123_456_789), 123.456);
    let expected = "1420110060.123456789,2015-01-01T11:01:00.123456789Z,1,123.456";
    assert_eq!(text([before]).lines().nth(1), Some(expected));
}

#[test]
fn every_row_is_in_the_file_before_the_next_event() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lux.csv");
    let mut writer = write(&path).unwrap();
    for rows in 1..=3 {
        send(&mut writer, event(rows)).unwrap();
        assert_eq!(read::<f64>(&path).unwrap().collect_now().len(), usize::try_from(rows).unwrap());
    }
}

#[test]
fn what_is_serialize_has_a_file() {
    #[derive(Serialize, Clone)]
    enum Door {
        Open,
    }
    #[derive(Serialize, Clone)]
    struct Axes(f32, f32);
    #[derive(Serialize, Clone)]
    struct Row {
        door: Door,
        tilt: Axes,
        note: Option<String>,
        counts: BTreeMap<String, u8>,
        #[serde(skip)]
        _internal: u8,
        at: Timestamp,
        big: u128,
        nothing: (),
    }
    let counts = BTreeMap::from([("in".to_owned(), 1), ("out".to_owned(), 2)]);
    let (door, tilt, at) = (Door::Open, Axes(0.1, 1.0), Timestamp::from_secs(1));
    let row = Row { door, tilt, note: None, counts, _internal: 0, at, big: u128::MAX, nothing: () };
    let expected = "door,tilt_1,tilt_2,note,counts.in,counts.out,at,big,nothing\n\
        Open,0.1,1,,1,2,1970-01-01T00:00:01Z,340282366920938463463374607431768211455,\n";
    assert_eq!(text([row]), expected);
    let pair = (SensorEvent::new("a", Timestamp::from_secs(1), 1), 2);
    assert_eq!(text([pair]), "value_1.sensor_id,value_1.timestamp,value_1,value_2\na,1970-01-01T00:00:01Z,1,2\n");
    assert_eq!(text([Some(1), None]), "value\n1\n\"\"\n");
}

#[test]
fn what_no_field_can_hold_is_refused_by_its_name() {
    #[derive(Serialize, Clone)]
    enum Either {
        Number { n: u8 },
    }
    #[derive(Serialize, Clone)]
    struct Row {
        either: Either,
    }
    let row = Row { either: Either::Number { n: 1 } };
    let error = pipe().to(Writer::new("memory", io::sink())).feed([row]).unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot write to memory: field `either` holds an enum with data, which no field can hold; \
         use a struct of numbers and texts"
    );
}

#[test]
fn columns_can_be_chosen_and_have_units() {
    let mut bytes = Vec::new();
    let writer = Writer::new("memory", &mut bytes).columns(["value_2", "none", "value_1"]).delimiter(b';');
    pipe().to(writer.units([("value_1", "°C")])).feed([(1, 2.5, "left out")]).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "value_2;none;value_1 [°C]\n2.5;;1\n");
    let mut bytes = Vec::new();
    let tilts = BTreeMap::from([("tilt", [1, 2]), ("tilted", [3, 4])]);
    pipe().to(Writer::new("memory", &mut bytes).units([("tilt", "g")])).feed([tilts]).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "tilt_1 [g],tilt_2 [g],tilted_1,tilted_2\n1,2,3,4\n");
    let mut bytes = Vec::new();
    pipe::<u8>().to(Writer::new("memory", &mut bytes).columns(["value"])).feed([]).unwrap();
    assert_eq!(bytes, b"value\n", "a header without rows");
}

#[test]
fn f42_appends_and_sets_a_cut_row_aside() {
    let (_dir, path) = file("");
    for n in 1..=2 {
        pipe().to(append(&path).unwrap()).feed([event(n)]).unwrap();
    }
    assert_eq!(read::<f64>(&path).unwrap().collect_now(), [event(1), event(2)]);
    let mut text = fs::read_to_string(&path).unwrap();
    text.truncate(text.len() - 10);
    fs::write(&path, &text).unwrap();
    pipe().to(append(&path).unwrap()).feed([event(3)]).unwrap();
    assert_eq!(read::<f64>(&path).unwrap().collect_now(), [event(1), event(3)]);
    let beside = fs::read_to_string(path.with_extension("csv.damaged")).unwrap();
    assert_eq!(beside.trim_end(), text.lines().last().unwrap());
}

#[test]
fn f52_zeros_are_cut_off_and_the_program_runs() {
    for before in
        ["", "timestamp,datetime,sensor_id,value\n", "timestamp,datetime,sensor_id,value\n1,,lux,2\n", "times"]
    {
        let (_dir, path) = file(&format!("{before}{}", "\0".repeat(5000)));
        pipe().to(append(&path).unwrap()).feed([event(3)]).unwrap();
        let rows = read::<f64>(&path).unwrap().collect_now();
        assert_eq!(rows.last(), Some(&event(3)));
        assert_eq!(rows.len(), before.lines().count().max(1));
    }
}

#[test]
fn f52_errors_quote_no_raw_bytes() {
    let (_dir, path) = file(&format!("\u{1b}[31m{}x\n", "\u{7}".repeat(5000)));
    let error = append::<f64>(&path).unwrap_err();
    assert!(error.to_string().chars().all(|char| !char.is_control()), "{error}");
    assert!(error.to_string().len() < 800 + path.as_os_str().len(), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn does_not_append_to_another_kind_of_file() {
    for other in ["x,y\n1,2\n", "x,y", "{\"x\": 1}\n"] {
        let (_dir, path) = file(other);
        let error = append::<f64>(&path).unwrap_err().to_string();
        assert!(error.contains("line 1: expected a header with `timestamp,datetime,sensor_id`, found `"), "{error}");
        let error = send(&mut Writer::append(&path).unwrap(), event(1)).unwrap_err();
        assert!(error.contains("expected a header with `timestamp,datetime,sensor_id,value`, found `"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }
}

#[test]
fn f55_a_new_column_begins_a_new_file() {
    #[derive(Serialize, Clone)]
    struct New {
        temperature: f64,
        humidity: f64,
    }
    let old = "timestamp,datetime,sensor_id,temperature\n1,,bath,20\n";
    let (dir, path) = file(old);
    let event = SensorEvent::new("bath", Timestamp::from_secs(60), New { temperature: 21.5, humidity: 60.0 });
    for _ in 0..2 {
        pipe().to(append(&path).unwrap()).feed([event.clone()]).unwrap();
    }
    assert_eq!(fs::read_to_string(dir.path().join("lux.1.csv")).unwrap(), old);
    let header = "timestamp,datetime,sensor_id,temperature,humidity\n";
    let row = "60,1970-01-01T00:01:00Z,bath,21.5,60\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{header}{row}{row}"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn f55_a_file_with_more_columns_in_another_order_is_gone_on_with() {
    let (dir, path) = file("\u{FEFF}sensor_id,note,value [lx],datetime,timestamp\r\nlux,dark,2,,1\r\n");
    pipe().to(append(&path).unwrap()).feed([SensorEvent::new("lux", Timestamp::from_secs(2), 3)]).unwrap();
    assert!(fs::read_to_string(&path).unwrap().ends_with("\nlux,,3,1970-01-01T00:00:02Z,2\n"));
    assert_eq!(read::<u8>(&path).unwrap().map(|event| event.val).collect_now(), [2, 3]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn what_has_several_values_only_later_begins_a_new_file() {
    let (dir, path) = file("");
    let mut writer = append(&path).unwrap();
    for val in [None, Some([1.5, 2.5]), None, Some([3.5, 4.5])] {
        send(&mut writer, SensorEvent::new("xy", Timestamp::UNIX_EPOCH, val)).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("timestamp,datetime,sensor_id,value,value_1,value_2\n"), "{text}");
    assert_eq!((text.lines().count(), fs::read_dir(dir.path()).unwrap().count()), (4, 2));
    let mut memory = Writer::new("memory", io::sink());
    let cx = &mut Context::detached(Instant::ZERO);
    let _ = memory.on_next(None, cx).unwrap();
    let token = memory.on_next(Some([1]), cx).unwrap_err();
    assert!(cx.take_error(token).to_string().contains("expected a header with `value,value_1`"));
}

#[test]
fn f57_a_file_has_one_writer() {
    let (_dir, path) = file("");
    let first = append::<f64>(&path).unwrap();
    for second in [append::<f64>(&path), write::<f64>(&path)] {
        let error = second.unwrap_err().to_string();
        assert!(error.contains("another writer has locked it"), "{error}");
        assert!(error.ends_with("end the other writer, or give each its own file"), "{error}");
    }
    drop(first);
    append::<f64>(&path).unwrap();
}

#[test]
fn f57_a_sync_that_is_still_to_come_keeps_no_run_going() {
    use std::time::Duration;
    use thingflow_core::prelude::*;
    let (_dir, path) = file("");
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let readings = interval(Duration::from_secs(10)).take(3).map(|n| SensorEvent::new("n", Timestamp::UNIX_EPOCH, n));
    let writer = append(&path).unwrap().sync_every(Duration::from_secs(60));
    scheduler.schedule_recurring(readings.connect(writer)).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(scheduler.now().as_secs_f64(), 30.0);
    assert_eq!(read::<u64>(&path).unwrap().collect_now().len(), 3);
}

#[test]
fn a_full_disk_ends_the_run_with_advice() {
    let expected = "cannot write to /dev/full: No space left on device";
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for buffered in [true, false] {
        for writer in [write::<f64>("/dev/full").unwrap(), append("/dev/full").unwrap()] {
            let error = pipe().to(if buffered { writer.buffered() } else { writer }).feed([event(1)]).unwrap_err();
            assert!(
                error.to_string().starts_with(expected) && error.to_string().contains("remove old files"),
                "{error}"
            );
        }
        let writer = Writer::new("/dev/full", full());
        let error = pipe().to(if buffered { writer.buffered() } else { writer }).feed([event(1)]).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn a_missing_directory_is_named() {
    let error = write::<f64>("/no/such/lux.csv").unwrap_err().to_string();
    assert!(error.ends_with("create the directory: mkdir -p /no/such"), "{error}");
}

#[test]
fn texts_with_commas_quotes_and_line_ends_come_back() {
    let before = SensorEvent::new("a,b", Timestamp::UNIX_EPOCH, "say \"x\",\r\nor not".to_owned());
    let reader = Reader::<SensorEvent<String>, _>::new("memory", io::Cursor::new(text([before.clone()])));
    assert_eq!(Flow::new(reader).collect_now(), [before]);
    assert_eq!(text(["zero\0"]), "value\nzero\u{FFFD}\n");
}

#[test]
fn is_the_end_of_a_chain_or_a_branch_of_a_port() {
    let port = thingflow_core::Port::<SensorEvent<f64>>::new();
    port.connect(Writer::new("null", io::sink()));
    let _ = from_iter([event(1)]).connect(Writer::new("null", io::sink()));
}

#[test]
fn a_file_that_is_moved_removed_or_emptied_is_begun_anew() {
    for buffered in [false, true] {
        let (dir, path) = file("");
        let moved = dir.path().join("lux.csv.1");
        let mut writer = append(&path).unwrap();
        if buffered {
            writer = writer.buffered();
        }
        let mut row = |n: i64| {
            send(&mut writer, SensorEvent::new("lux", Timestamp::from_secs(n), n)).unwrap();
            writer.flush(&mut Context::detached(Instant::ZERO)).unwrap();
        };
        row(1);
        fs::rename(&path, &moved).unwrap();
        row(2);
        row(3);
        fs::remove_file(&path).unwrap();
        row(4);
        OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
        row(5);
        let values = |path: &Path| read::<i64>(path).unwrap().map(|event| event.val).collect_now();
        assert_eq!((values(&moved), values(&path)), (vec![1], vec![5]));
    }
}

#[test]
fn another_file_in_its_place_is_left_alone() {
    let (_dir, path) = file("");
    let mut writer = append(&path).unwrap();
    send(&mut writer, event(1)).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "x,y\n").unwrap();
    let error = send(&mut writer, event(2)).unwrap_err();
    assert!(error.contains("found `x,y`"), "{error}");
    drop(writer);
    assert_eq!(fs::read_to_string(&path).unwrap(), "x,y\n");
}

/// Takes so many bytes, then none, until it is tried once too often.
struct FullDisk<'a>(&'a mut Vec<u8>, usize);
impl Write for FullDisk<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = bytes.len().min(self.1 - self.0.len());
        self.0.extend(&bytes[..room]);
        if room > 0 { Ok(room) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

proptest! {
    #[test]
    fn a_disk_that_fills_up_holds_the_beginning_and_the_run_ends(room in 0_usize..400, buffered: bool) {
        let rows = (1..=8).map(event);
        let all = text(rows.clone());
        let mut disk = Vec::new();
        let writer = Writer::new("disk", FullDisk(&mut disk, room));
        let ended = pipe().to(if buffered { writer.buffered() } else { writer }).feed(rows).is_ok();
        prop_assert_eq!(ended, room >= all.len());
        prop_assert_eq!(disk.as_slice(), &all.as_bytes()[..room.min(all.len())], "and nothing is written behind a half row");
    }

    #[test]
    fn whatever_is_written_comes_back(nanos: i64, number: u64, val: f64, text_: String, missing: Option<[u8; 3]>) {
        prop_assume!(!val.is_nan());
        let events = [SensorEvent::new(number, Timestamp::from_nanos(nanos), val)];
        let back = |text: String| io::Cursor::new(text);
        let reader = Reader::<SensorEvent<f64>, _>::new("memory", back(text(events)));
        prop_assert_eq!(Flow::new(reader).collect_now(), events);

        let id = SensorId::intern("text");
        let texts = [SensorEvent { sensor_id: id, ts: Timestamp::UNIX_EPOCH, val: (text_, missing) }];
        let reader = Reader::<SensorEvent<(String, Option<[u8; 3]>)>, _>::new("memory", back(text(texts.clone())));
        prop_assert_eq!(Flow::new(reader).collect_now(), texts);
    }

    /// A power cut leaves any beginning of the file, and zeros behind it.
    #[test]
    fn f42_a_cut_file_loses_one_row_at_most_and_goes_on(
        texts in prop::collection::vec("[a\",\n\r]{0,4}", 0..6),
        at: prop::sample::Index,
        zeros in 0_u64..3,
    ) {
        let (_dir, path) = file("");
        let mut ends = Vec::new(); // of the rows
        let mut writer = Writer::append(&path).unwrap();
        for text in &texts {
            send(&mut writer, text.clone()).unwrap();
            ends.push(fs::metadata(&path).unwrap().len());
        }
        drop(writer);
        let cut = at.index(usize::try_from(fs::metadata(&path).unwrap().len()).unwrap() + 1) as u64;
        let damaged = OpenOptions::new().write(true).open(&path).unwrap();
        damaged.set_len(cut).and_then(|()| damaged.set_len(cut + zeros)).unwrap();
        pipe().to(Writer::append(&path).unwrap()).feed(["x".to_owned(), "y".to_owned()]).unwrap();

        let whole = ends.iter().filter(|end| **end <= cut).count();
        let mut expected = texts[..whole].to_vec();
        expected.extend(["x".into(), "y".into()]);
        let reader = Reader::<String>::open(&path).unwrap();
        prop_assert_eq!(reader.flow().collect_now(), expected, "{:?}", fs::read_to_string(&path));
    }

    #[test]
    fn no_file_makes_it_panic(bytes: Vec<u8>, headed: bool) {
        let (_dir, path) = file("");
        let all = [if headed { "value\n".as_bytes() } else { b"" }, &bytes].concat();
        fs::write(&path, &all).unwrap();
        if send(&mut Writer::append(&path).unwrap(), "x".to_owned()).is_ok() {
            prop_assert!(fs::read(&path).unwrap().ends_with(b"\nx\n"));
        } else {
            prop_assert_eq!(fs::read(&path).unwrap(), all);
        }
    }
}

#[test]
fn what_has_holes_stays_in_one_file_if_its_columns_are_named() {
    let (dir, path) = file("");
    let columns = ["timestamp", "datetime", "sensor_id", "value_1", "value_2"];
    let mut writer = write(&path).unwrap().columns(columns);
    for val in [None, Some([1.5, 2.5]), None] {
        send(&mut writer, SensorEvent::new("xy", Timestamp::UNIX_EPOCH, val)).unwrap();
    }
    let time = "0,1970-01-01T00:00:00Z,xy";
    let header = columns.join(",");
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{header}\n{time},,\n{time},1.5,2.5\n{time},,\n"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_is_set_aside_is_reported_by_its_writer_with_what_to_do() {
    let (_dir, path) = file("");
    let mut scheduler = thingflow_core::Scheduler::virtual_time().unwrap();
    let said = thingflow_core::testing::Recorder::new();
    scheduler.reports().map(|report| format!("{}: {}", report.thing, report.error)).connect(said.clone());
    let holes = [None, Some([1.5, 2.5])].map(|val| SensorEvent::new("xy", Timestamp::UNIX_EPOCH, val));
    scheduler.schedule_recurring(from_iter(holes).connect(write(&path).unwrap())).unwrap();
    scheduler.run_forever().unwrap();
    let [said] = &said.events()[..] else { panic!("{said:?}") };
    assert!(
        said.starts_with("csv::write: ") && said.ends_with("name all by `columns` if they may have holes"),
        "{said}"
    );
}
