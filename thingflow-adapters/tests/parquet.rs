//! Parquet files, read back by the library's reader.
#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::cell::RefCell;
use std::fs::{self, File};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde::Serialize;
use thingflow_adapters::parquet::Writer;
use thingflow_core::prelude::*;
use thingflow_core::testing::ListSensor;
use thingflow_core::tracking::Tracking;

/// The rows of a file, as texts.
fn rows(path: &Path) -> Vec<String> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let text = |row: parquet::record::Row| {
        let fields: Vec<String> = row.get_column_iter().map(|(name, field)| format!("{name}={field}")).collect();
        fields.join(" ")
    };
    reader.get_row_iter(None).unwrap().map(|row| text(row.unwrap())).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[derive(Clone, Serialize)]
struct Sample {
    n: u64,
    level: i8,
    ratio: f32,
    open: bool,
    note: Option<&'static str>,
    never: Option<f64>,
}

#[test]
fn tf85_at_completion_a_stream_is_a_table_of_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    let sample = |n: u64| {
        let note = [None, Some("größer, \"als\"\n"), None][n as usize];
        Sample { n: u64::MAX - n, level: -3, ratio: 0.1, open: n == 1, note, never: None }
    };
    pipe().to(Writer::new(&path)).feed((0..3).map(sample)).unwrap();
    assert_eq!(names(folder.path()), ["samples.parquet"]);
    assert_eq!(
        rows(&path),
        [
            "n=18446744073709551615 level=-3 ratio=0.1 open=false note=null never=null",
            "n=18446744073709551614 level=-3 ratio=0.1 open=true note=\"größer, \"als\"\n\" never=null",
            "n=18446744073709551613 level=-3 ratio=0.1 open=false note=null never=null",
        ]
    );
}

#[test]
fn tf85_sensor_events_have_a_utc_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lux.parquet");
    let event = SensorEvent::new("lux", Timestamp::from_nanos(1_420_110_060_500_000_001), f64::NAN);
    pipe().to(Writer::new(&path)).feed([event]).unwrap();
    let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let kinds: Vec<String> =
        schema.columns().iter().map(|it| format!("{} {:?}", it.name(), it.logical_type_ref())).collect();
    assert!(kinds[1].starts_with("timestamp ") && kinds[1].contains("true") && kinds[1].contains("NANOS"), "{kinds:?}");
    assert_eq!(rows(&path).len(), 1);
    assert!(rows(&path)[0].contains("1420110060500000001"), "{:?}", rows(&path));
}

#[test]
fn files_roll_by_rows_bytes_and_time_and_none_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lux.parquet");
    fs::write(&path, "of somebody else").unwrap();
    pipe().to(Writer::new(&path).max_rows(4_usize)).feed(0..10_i64).unwrap();
    assert_eq!(names(folder.path()), ["lux.1.parquet", "lux.2.parquet", "lux.3.parquet", "lux.parquet"]);
    assert_eq!(fs::read(&path).unwrap(), b"of somebody else");
    let all = (1..=3).flat_map(|n| rows(&path.with_extension(format!("{n}.parquet")))).collect::<Vec<_>>();
    assert_eq!(all, (0..10).map(|n| format!("value={n}")).collect::<Vec<_>>());

    let path = folder.path().join("bytes");
    pipe().to(Writer::new(&path).max_bytes(80_usize)).feed(0..30_i64).unwrap();
    assert_eq!(rows(&path.with_extension("2")).len(), 10);

    let path = folder.path().join("minutes.parquet");
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let minutes = SensorOutput::new(ListSensor::new("m", (0..5).map(f64::from).collect::<Vec<_>>()));
    minutes.connect(Writer::new(&path).max_age(Duration::from_secs(150)));
    scheduler.schedule_periodic(minutes, Duration::from_secs(60)).unwrap();
    scheduler.run_for(Duration::from_secs(215)).unwrap();
    assert_eq!(rows(&path).len(), 3, "from 60 s on, at 210 s");
    scheduler.run_forever().unwrap();
    assert_eq!(rows(&folder.path().join("minutes.1.parquet")).len(), 2);
}

#[test]
fn tracked_events_are_done_when_their_file_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lux.parquet");
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (noted, there) = (seen.clone(), path.clone());
    let events = from_iter(0..5_i64).track(move |_| noted.borrow_mut().push(there.exists()));
    let mut scheduler = Scheduler::virtual_time().unwrap();
    scheduler.schedule_recurring(events.connect(Writer::new(&path).max_rows(3_usize))).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(*seen.borrow(), [true; 5]);
}

#[test]
fn what_cannot_be_written_ends_the_run_and_leaves_nothing_behind() {
    #[derive(Clone, Serialize)]
    #[serde(untagged)]
    enum Any {
        Number(f64),
        Text(&'static str),
    }
    #[derive(Clone)]
    struct Twice {
        one: i64,
        two: i64,
    }
    impl Serialize for Twice {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeStruct;
            let mut fields = serializer.serialize_struct("Twice", 2)?;
            fields.serialize_field("n", &self.one)?;
            fields.serialize_field("n", &self.two)?;
            fields.end()
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any.parquet");
    let error = pipe().to(Writer::new(&path)).feed([Any::Number(1.0), Any::Text("1")]).unwrap_err();
    assert!(error.to_string().contains("the field `value` is of another type than before"), "{error}");
    let error = pipe().to(Writer::new(&path)).feed([Vec::<f64>::new()]).unwrap_err();
    assert!(error.to_string().contains("the event has no fields"), "{error}");
    let twice = Twice { one: 1, two: 2 };
    let error = pipe().to(Writer::new(&path)).feed([twice]).unwrap_err();
    assert!(error.to_string().contains("two fields `n`"), "{error}");
    let missing = folder.path().join("no").join("lux.parquet");
    let error = pipe().to(Writer::new(&missing)).feed([1.0]).unwrap_err();
    assert!(error.to_string().contains("create the directory"), "{error}");
    let error = pipe().to(Writer::new("/dev/full/x.parquet")).feed([1.0]).unwrap_err();
    assert!(error.to_string().contains("cannot create"), "{error}");
    assert!(names(folder.path()).is_empty());
}
