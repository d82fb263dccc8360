//! What is read, of files as they are found.

use std::time::Duration;

use proptest::prelude::*;
use serde::Deserialize;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use super::*;

const HEADER: &str = "timestamp,datetime,sensor_id,value";

fn reader<V: DeserializeOwned>(bytes: &[u8]) -> Reader<SensorEvent<V>, &[u8]> {
    Reader::new("lux.csv", bytes)
}

fn records<E: DeserializeOwned>(text: &str) -> Vec<Result<E, String>> {
    pull_all(Reader::new("file.csv", text.as_bytes()))
}

/// What each sampling gives, to the end or to a fatal error.
fn pull_all<E: DeserializeOwned, R: Read>(mut reader: Reader<E, R>) -> Vec<Result<E, String>> {
    let cx = &mut Context::detached(Instant::ZERO);
    let mut seen = Vec::new();
    loop {
        match reader.pull(cx) {
            Ok(Some(event)) => seen.push(Ok(event)),
            Ok(None) => return seen,
            Err(Failure::Sample(error)) => seen.push(Err(error.to_string())),
            Err(Failure::NotYet) => panic!("a file has its rows at once"),
            Err(Failure::Fatal(error)) => {
                seen.push(Err(cx.take_error(error).to_string()));
                return seen;
            }
        }
    }
}

#[test]
fn a_bad_row_costs_that_row_only_and_says_what_is_wrong() {
    let text =
        format!("{HEADER}\n1,,lux,20\n2,,lux,bright\n3,,lux\n4,,lux,40,5\n1e9,,lux,1\n99999999999,,lux,1\n5,,lux,50\n");
    let seen = pull_all(reader::<f64>(text.as_bytes()));
    let event = |secs, val| Ok(SensorEvent::new("lux", Timestamp::from_secs(secs), val));
    let error = |text: &str| Err(format!("invalid row: lux.csv, line {text}"));
    assert_eq!(seen[0], event(1, 20.0));
    assert_eq!(seen[1], error("3, column 4 (value): expected a number, found \"bright\""));
    assert_eq!(seen[2], error("4, column 4 (value): expected a value, found the end of the row"));
    assert_eq!(seen[3], error("5, column 5 (): expected the end of the row, found \"5\""));
    let seconds = "expected seconds since 1970, such as 1420110060.5, found \"1e9\"";
    assert_eq!(seen[4], error(&format!("6, column 1 (timestamp): {seconds}")));
    assert!(seen[5].as_ref().unwrap_err().contains("expected a time between the years 1677 and 2262"));
    assert_eq!(seen[6], event(5, 50.0));
    assert_eq!(seen.len(), 7);
}

#[test]
fn bad_rows_are_skipped_if_wanted_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lux.csv");
    std::fs::write(&path, format!("{HEADER}\n1,,lux,20\n2,,lux,\n3,,l,4,5\n4,,lux,40\n5,,lux,")).unwrap();
    let (seen, reports) = (Recorder::new(), Recorder::new());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
    let rows = open::<f64>(&path).unwrap().skip_bad_rows().flow();
    scheduler.schedule_recurring(rows.map(|e| e.val).connect(seen.clone())).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(seen.text(), "20.0 40.0 |");
    let reports = reports.events();
    let where_ = |line: usize| format!("invalid row: {}, line {line}", path.display());
    assert_eq!(reports.len(), 3);
    assert!(reports.iter().zip([3, 4, 6]).all(|(report, line)| report.starts_with(&where_(line))), "{reports:?}");
}

#[test]
fn an_empty_cell_is_a_missing_value() {
    let text = format!("{HEADER}\n1,,lux,20\n2,,lux,\n3,,lux,x\n");
    let seen = pull_all(reader::<Option<f64>>(text.as_bytes()));
    let values: Vec<_> = seen.iter().map(|row| row.as_ref().map(|event| event.val).ok()).collect();
    assert_eq!(values, [Some(Some(20.0)), Some(None), None]);
}

#[test]
fn f50_blanks_beside_a_number_or_a_time_are_no_part_of_it() {
    let text = "timestamp, datetime,sensor_id,value\n 1 , 1970-01-01T00:00:01Z,lux, 20.5 \n";
    let event = Ok(SensorEvent::new("lux", Timestamp::from_secs(1), 20.5));
    assert_eq!(pull_all(reader::<f64>(text.as_bytes())), [event]);
    assert_eq!(records::<(i8, bool, Option<u64>)>("value_1,value_2,value_3\n -1,\ttrue, \n"), [Ok((-1, true, None))]);
    assert_eq!(records::<Timestamp>("value\n 1970-01-01T00:00:01Z \n-2.5\n").len(), 2);
    assert_eq!(records::<String>("value\n as it is \n"), [Ok(" as it is ".to_owned())], "a text keeps them");
}

#[test]
fn f51_a_byte_order_mark_is_no_part_of_the_first_name() {
    for quote in ["", "\""] {
        let text = format!("\u{FEFF}{quote}value{quote}\n1\n");
        assert_eq!(records::<u8>(&text), [Ok(1)]);
    }
}

#[test]
fn f42_a_last_row_without_an_end_is_no_event() {
    let text = format!("{HEADER}\n1,,lux,1234\n2,,lux,12");
    let seen = pull_all(reader::<f64>(text.as_bytes()));
    assert_eq!(seen[0].as_ref().map(|event| event.val), Ok(1234.0));
    let error = "line 3: expected an end of line (or else `allow_unterminated`), found the end of the file";
    assert!(seen[1].as_ref().unwrap_err().contains(error), "{seen:?}");
    assert_eq!(seen.len(), 2);
    let seen = pull_all(reader::<f64>(text.as_bytes()).allow_unterminated());
    assert_eq!(seen[1].as_ref().map(|event| event.val), Ok(12.0));
}

#[test]
fn f52_zeros_are_a_bad_row_that_is_not_quoted() {
    let zeros = "\0".repeat(5000);
    let text = format!("{HEADER}\n1,,lux,1\n2,,lux,2{zeros}\n3,,lux,3\n{zeros}");
    let seen = pull_all(reader::<String>(text.as_bytes()));
    assert_eq!(seen.iter().filter(|row| row.is_ok()).count(), 2);
    let error = seen[1].as_ref().unwrap_err();
    assert!(
        error.ends_with("column 4 (value): expected UTF-8 text, found zeros, as a power cut leaves them"),
        "{error}"
    );
    assert!(seen.iter().filter_map(|row| row.as_ref().err()).all(|error| error.len() < 200 && !error.contains('\0')));
}

#[test]
fn f52_errors_quote_no_raw_bytes() {
    let ugly = format!("\u{1b}[31m\u{7}{}", "x".repeat(9000));
    let header = pull_all(reader::<f64>(format!("{ugly}\n1\n").as_bytes()));
    let cell = pull_all(reader::<f64>(format!("{HEADER}\n1,,lux,{ugly}\n").as_bytes()));
    for error in [header[0].as_ref().unwrap_err(), cell[0].as_ref().unwrap_err()] {
        assert!(error.len() < 400 && error.chars().all(|char| !char.is_control()), "{error}");
    }
}

/// An interruption, then another passing fault, before each piece.
struct Troubled<'a>(&'a [u8], u8);
impl Read for Troubled<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.1 += 1;
        let most = into.len().min(7);
        match self.1 % 3 {
            1 => Err(std::io::ErrorKind::Interrupted.into()),
            2 => Err(std::io::ErrorKind::PermissionDenied.into()),
            _ => self.0.read(&mut into[..most]),
        }
    }
}

#[test]
fn f53_a_passing_fault_is_a_failed_sampling_and_loses_nothing() {
    let text = format!("{HEADER}\n1,,lux,20\n2,,lux,30\n");
    let seen = pull_all(Reader::<SensorEvent<f64>, _>::new("lux.csv", Troubled(text.as_bytes(), 0)));
    let values: Vec<_> = seen.iter().filter_map(|row| row.as_ref().ok()).map(|event| event.val).collect();
    assert_eq!(values, [20.0, 30.0]);
    let errors: Vec<_> = seen.iter().filter_map(|row| row.as_ref().err()).collect();
    assert!(errors.iter().all(|error| error.contains("cannot read lux.csv: permission denied")), "{errors:?}");
}

#[test]
fn f54_a_quote_that_is_never_closed_has_a_limit() {
    let text = format!("{HEADER}\n1,,lux,\"a\n{}9,,lux,z\n", "2,,lux,b\n".repeat(1000));
    let seen = pull_all(reader::<String>(text.as_bytes()).max_len(4096));
    assert!(seen[0].as_ref().unwrap_err().contains("line 2: expected at most 4096 bytes"), "{seen:?}");
    assert!(seen[1..].iter().all(Result::is_ok) && seen.len() > 400);
    assert!(pull_all(reader::<String>(text.as_bytes()))[0].as_ref().unwrap_err().contains("a closing quote"));
}

#[test]
fn columns_are_found_by_their_names() {
    let text =
        b"value;\"room; floor\";sensor_id;datetime;timestamp\n20;\"1; 2\";\"a;\"\"b\"\"\";;7\nx;;lux;;8\n20;lux;9\n";
    let seen = pull_all(reader::<f64>(text).delimiter(b';'));
    let event = SensorEvent { sensor_id: "a;\"b\"".into(), ts: Timestamp::from_secs(7), val: 20.0 };
    assert_eq!(seen[0], Ok(event));
    let wrong = |row: usize, text| seen[row].as_ref().unwrap_err().contains(text);
    assert!(wrong(1, "line 3, column 1 (value): expected a number, found \"x\""), "{seen:?}");
    assert!(wrong(2, "line 4, column 4 (datetime): expected a value, found the end of the row"), "{seen:?}");
}

#[test]
fn records_have_names_orders_holes_and_parts() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Axes {
        x: f32,
        y: f32,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum State {
        On,
        Off,
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct Row {
        tilt: Option<Axes>,
        #[serde(rename = "switch")]
        state: State,
        list: Vec<u8>,
        absent: Option<u8>,
        #[serde(default)]
        by_default: u8,
        more: std::collections::BTreeMap<String, String>,
    }
    let text = "more.b,tilt.y,tilt.x [g],switch,list_1,list_2,list_3,more.a\nb,2,1,on,1,2,,a\n,,,off,,,,\n,3,,on,,,,\n";
    let more = |b: &str, a: &str| [("b", b), ("a", a)].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let row = |tilt, state, list, more| Ok(Row { tilt, state, list, absent: None, by_default: 0, more });
    let seen = records::<Row>(text);
    assert_eq!(seen[0], row(Some(Axes { x: 1.0, y: 2.0 }), State::On, vec![1, 2], more("b", "a")));
    assert_eq!(seen[1], row(None, State::Off, vec![], more("", "")));
    let error = "invalid row: file.csv, line 4, column 3 (tilt.x [g]): expected a number, found \"\"";
    assert_eq!(seen[2], Err(error.to_owned()));
}

#[test]
fn readings_of_several_values_and_none_come_back() {
    #[derive(Deserialize, Debug, PartialEq, Clone, Copy)]
    struct Climate {
        temperature: f64,
        humidity: f64,
    }
    let text = "timestamp,datetime,sensor_id,temperature,humidity\n1,,bath,20,60\n2,,bath,,\n";
    let seen = pull_all(reader::<Option<Climate>>(text.as_bytes()));
    let values: Vec<_> = seen.into_iter().map(|row| row.map(|event| event.val)).collect();
    assert_eq!(values, [Ok(Some(Climate { temperature: 20.0, humidity: 60.0 })), Ok(None)]);
}

#[test]
fn a_file_without_a_header_has_the_columns_that_are_said() {
    let names = ["timestamp", "sensor_id", "value"];
    let text = b"1,lux,20\n2,lux,30\n";
    let seen = pull_all(reader::<f64>(text).columns(names).without_header());
    assert_eq!(seen.len(), 2);
    assert_eq!(pull_all(reader::<f64>(text).columns(names)), seen[1..], "the header does not count");
    assert_eq!(
        pull_all(
            reader::<f64>(b"1970-01-01T00:00:01Z,lux,1\n").columns(["datetime", "sensor_id", "value"]).without_header()
        )
        .len(),
        1
    );
}

#[test]
fn the_schedule_decides_what_a_bad_row_means() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lux.csv");
    std::fs::write(&path, format!("{HEADER}\n1,,lux,20\n2,,lux,bright\n3,,lux,30\n")).unwrap();
    let run = |policy| {
        let seen = Recorder::new();
        let flow = read::<f64>(&path).unwrap().map(|e| e.val).connect(seen.clone());
        let mut scheduler = Scheduler::virtual_time().unwrap();
        scheduler.schedule_periodic(flow, Periodic::every(Duration::from_secs(1)).on_failure(policy)).unwrap();
        scheduler.run_forever().unwrap();
        seen.text()
    };
    assert_eq!(run(OnFailure::Skip), "20.0 30.0 |");
    let stopped = run(OnFailure::Stop);
    assert!(stopped.starts_with("20.0 ! invalid row: ") && stopped.contains("lux.csv, line 3"), "{stopped}");
}

#[test]
fn another_encoding_is_a_bad_row() {
    let seen = pull_all(reader::<f64>(b"timestamp,datetime,sensor_id,value\n1,,l\xFCx,20\n2,,lux,30\n"));
    let text = "lux.csv, line 2, column 3 (sensor_id): expected UTF-8 text, found another encoding from byte 2 on";
    assert_eq!(seen[0], Err(format!("invalid row: {text}")));
    assert!(seen[1].is_ok());
}

#[test]
fn another_header_is_fatal_unless_told_otherwise() {
    let text = b"time,lux\n1,,lux,20\n";
    assert_eq!(pull_all(reader::<f64>(b"time,lux\n1,20\n")), [Err(
        "lux.csv, line 1: expected a header with `timestamp`, found `time,lux`; use another file, type or delimiter".into()
    )]);
    let names = ["timestamp", "datetime", "sensor_id", "value"];
    assert!(pull_all(reader::<f64>(text).columns(names))[0].is_ok());
    let twice = pull_all(reader::<f64>(b"timestamp,sensor_id,value,value\n1,lux,20,30\n"));
    assert!(twice[0].as_ref().unwrap_err().contains("two columns called `value`"), "{twice:?}");
    assert_eq!(pull_all(reader::<f64>(b"")), []);
}

#[test]
fn a_directory_cannot_be_read() {
    let error = read::<f64>("/").unwrap().try_collect_now().1.unwrap().to_string();
    assert!(error.contains("cannot read /: Is a directory"), "{error}");
}

proptest! {
    #[test]
    fn never_panics(bytes: Vec<u8>) {
        let _ = pull_all(reader::<f64>(&bytes));
        let _ = pull_all(reader::<f64>(&[HEADER.as_bytes(), b"\n", &bytes].concat()));
    }

    #[test]
    fn the_order_of_the_columns_does_not_matter(
        order in Just([0, 1, 2, 3, 4]).prop_shuffle(),
        val: i32,
        text in "[a\",\n]{0,3}",
    ) {
        let names = ["timestamp", "datetime", "sensor_id", "value", "note"];
        let note = format!("\"{}\"", text.replace('"', "\"\""));
        let fields = ["1.5", "", "lux", &val.to_string(), &note];
        let row = |of: [&str; 5]| order.map(|at| of[at]).join(",");
        let seen = pull_all(reader::<i32>(format!("{}\n{}\n", row(names), row(fields)).as_bytes()));
        prop_assert_eq!(seen, [Ok(SensorEvent { sensor_id: "lux".into(), ts: Timestamp::from_millis(1500), val })]);
    }

    #[test]
    fn never_panics_on_what_looks_like_csv(text in "([0-9.,\"\r\n-]|lux){0,60}") {
        let names = ["timestamp", "datetime", "sensor_id", "value"];
        let _ = pull_all(reader::<f64>(text.as_bytes()).columns(names).without_header());
    }
}
