//! `read(path)`: the events of a CSV file.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ::csv::{Error, ErrorKind, StringRecord};
use thingflow_core::{Context, Failure, Flow, FromColumns, Source, StreamError};

use super::header::{Header, places};
use super::watched::{Watched, rows_of};
use super::{BadColumn, CsvError, FromRow, Row, RowError, SensorRows};
use crate::file_error::{Doing, FileError};

/// Sends the events of a CSV file, one at each sampling, and completes at its end.
///
/// The columns are found by the names in the header, in whatever order; there may be others. If one is missing, that
/// ends the run.
///
/// The last row counts even if it has no end of line. A writer of this module that finds such a row marks it as cut off.
///
/// A row that is no event is one failed sampling. A periodic schedule has a policy for that and goes on with the next
/// row if told so; others end the stream by the error. [`open`] has [`skip_bad_rows`](Reader::skip_bad_rows) for them.
/// Values that may be missing are an `Option`:
///
/// ```
/// # use thingflow_core::prelude::*;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("lux.csv");
/// # std::fs::write(&path, "timestamp,datetime,sensor_id,value\n1420110060,,lux-1,25.5\n1420110120,,lux-1,\n")?;
/// use thingflow_adapters::csv;
/// let lux = csv::read::<Option<f64>>(&path)?;
/// assert_eq!(lux.map(|event| event.val).collect_now(), [Some(25.5), None]);
/// let lux = csv::open::<f64>(&path)?.skip_bad_rows().flow();
/// assert_eq!(lux.map(|event| event.to_string()).collect_now(), ["lux-1 2015-01-01T11:01:00Z 25.5"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be opened.
pub fn read<V: FromColumns>(path: impl AsRef<Path>) -> Result<Flow<Reader<SensorRows<V>, File>>, CsvError> {
    open(path).map(Flow::new)
}

/// As [`read`], for what has options: `csv::open::<f64>(path)?.delimiter(b';').flow()`.
///
/// # Errors
/// If the file cannot be opened.
pub fn open<V: FromColumns>(path: impl AsRef<Path>) -> Result<Reader<SensorRows<V>, File>, CsvError> {
    Reader::open(SensorRows::default(), path)
}

/// A source of the events in CSV rows, with a mapping of your own, from any reader.
pub struct Reader<M, R> {
    rows: ::csv::Reader<Watched<R>>,
    mapping: M,
    path: PathBuf,
    row: StringRecord,
    /// The names in the file's header, or those of the mapping if it has none.
    columns: Vec<String>,
    /// Where each column of the mapping stands in the file; empty if all stand in their order.
    places: Vec<usize>,
    header: Header,
    skips: bool,
}

impl<M: FromRow> Reader<M, File> {
    /// A source of the events in a file.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(mapping: M, path: impl AsRef<Path>) -> Result<Self, CsvError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(FileError::when(Doing::Open, path))?;
        Ok(Self::new(mapping, path, file))
    }
}

impl<M: FromRow, R: Read> Reader<M, R> {
    /// A source of the events in what `from` gives; `name` is what errors call it.
    pub fn new(mapping: M, name: impl Into<PathBuf>, from: R) -> Self {
        Self {
            rows: rows_of(from, b','),
            columns: mapping.header(),
            mapping,
            path: name.into(),
            row: StringRecord::new(),
            places: Vec::new(),
            header: Header::Check,
            skips: false,
        }
    }

    /// What stands between the columns, `b';'` or `b'\t'` for example, instead of a comma.
    #[must_use]
    pub fn delimiter(self, delimiter: u8) -> Self {
        Self { rows: rows_of(self.rows.into_inner().into_inner(), delimiter), ..self }
    }

    /// Takes any first line for the header, whatever it says, and the columns in the order of the mapping.
    #[must_use]
    pub fn any_header(self) -> Self {
        Self { header: Header::Skip, ..self }
    }

    /// Takes the first line for an event.
    #[must_use]
    pub fn without_header(self) -> Self {
        Self { header: Header::None, ..self }
    }

    /// Goes on with the next row behind one that is no event. Each is reported, with the file and the line; see
    /// [`Context::report`].
    #[must_use]
    pub fn skip_bad_rows(self) -> Self {
        Self { skips: true, ..self }
    }

    /// The flow of the events.
    pub fn flow(self) -> Flow<Self> {
        Flow::new(self)
    }

    /// Reads the header, if that has not been done. An empty file has none and needs none.
    fn check_header(&mut self) -> Result<(), ReadError> {
        let expected = std::mem::replace(&mut self.header, Header::None);
        if expected == Header::None || !self.next_row()? {
            return Ok(());
        }
        if expected == Header::Check && self.row.iter().ne(&self.columns) {
            let Some(places) = places(&self.columns, &self.row) else {
                let found = self.row.iter().collect::<Vec<_>>().join(",");
                let (path, expected) = (self.path.clone(), self.columns.join(","));
                return Err(ReadError::Fatal(CsvError::Header { path, expected, found }));
            };
            self.places = places;
            self.columns = self.row.iter().map(str::to_owned).collect();
        }
        Ok(())
    }

    fn next_event(&mut self) -> Result<Option<M::Event>, ReadError> {
        self.check_header()?;
        if !self.next_row()? {
            return Ok(None);
        }
        if self.rows.get_ref().is_unclosed() {
            return Err(self.bad_row(self.row.len().saturating_sub(1), "a closing quote".into()));
        }
        if self.row.len() > self.columns.len() {
            return Err(self.bad_row(self.columns.len(), "the end of the row".into()));
        }
        if self.row.len() < self.columns.len() {
            return Err(self.bad_row(self.row.len(), "a value".into()));
        }
        let event = self.mapping.from_row(&Row::new(&self.row, &self.places));
        event.map(Some).map_err(|BadColumn { column, expected }| {
            self.bad_row(self.places.get(column).copied().unwrap_or(column), expected)
        })
    }

    fn next_row(&mut self) -> Result<bool, ReadError> {
        self.rows.read_record(&mut self.row).map_err(|error| self.explain(error))
    }

    /// The column is that of the file.
    fn bad_row(&self, column: usize, expected: String) -> ReadError {
        ReadError::Row(RowError {
            path: self.path.clone(),
            line: self.row.position().map_or(0, ::csv::Position::line),
            column: column.saturating_add(1),
            name: self.columns.get(column).cloned().unwrap_or_default(),
            expected,
            found: self.row.get(column).map(str::to_owned),
        })
    }

    fn explain(&self, error: Error) -> ReadError {
        match error.into_kind() {
            ErrorKind::Utf8 { pos, err } => ReadError::Row(RowError {
                path: self.path.clone(),
                line: pos.map_or(0, |pos| pos.line()),
                column: err.field() + 1,
                name: self.columns.get(err.field()).cloned().unwrap_or_default(),
                expected: "UTF-8 text".into(),
                found: Some(format!("another encoding from byte {} on", err.valid_up_to() + 1)),
            }),
            ErrorKind::Io(error) => ReadError::Fatal(FileError::when(Doing::Read, &self.path)(error).into()),
            // None of the others comes of reading without headers, without serde and with rows of any length.
            other => {
                let error = std::io::Error::other(format!("{other:?}"));
                ReadError::Fatal(FileError::when(Doing::Read, &self.path)(error).into())
            }
        }
    }
}

enum ReadError {
    Row(RowError),
    Fatal(CsvError),
}

impl<M: FromRow, R: Read> Source for Reader<M, R> {
    type Item = M::Event;

    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<M::Event>, Failure> {
        loop {
            match self.next_event() {
                Ok(event) => return Ok(event),
                Err(ReadError::Fatal(error)) => return Err(cx.fatal(error).into()),
                Err(ReadError::Row(error)) => {
                    let error = StreamError::caused("a row is no event", error);
                    if !self.skips {
                        return Err(error.into());
                    }
                    cx.report(self.name(), &error);
                }
            }
        }
    }
    fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or("csv")
    }
}

impl<M, R> fmt::Debug for Reader<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;
    use thingflow_core::prelude::*;
    use thingflow_core::testing::Recorder;

    const HEADER: &str = "timestamp,datetime,sensor_id,value";

    fn reader<V: FromColumns>(bytes: &[u8]) -> Reader<SensorRows<V>, &[u8]> {
        Reader::new(SensorRows::default(), "lux.csv", bytes)
    }

    /// What each sampling gives, to the end or to a fatal error.
    fn pull_all<M: FromRow>(mut reader: Reader<M, &[u8]>) -> Vec<Result<M::Event, String>> {
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
        let text = format!("{HEADER}\n1,,lux,20\n2,,lux,bright\n3,,lux\n4,,lux,40,5\n5,,lux,50\n");
        let seen = pull_all(reader::<f64>(text.as_bytes()));
        let event = |secs, val| Ok(SensorEvent::new("lux", Timestamp::from_secs(secs), val));
        let error = |text: &str| Err(format!("a row is no event: lux.csv, line {text}"));
        assert_eq!(seen[0], event(1, 20.0));
        assert_eq!(seen[1], error("3, column 4 (value): expected a value of the type f64, found \"bright\""));
        assert_eq!(seen[2], error("4, column 4 (value): expected a value, found the end of the row"));
        assert_eq!(seen[3], error("5, column 5 (): expected the end of the row, found \"5\""));
        assert_eq!(seen[4], event(5, 50.0));
        assert_eq!(seen.len(), 5);
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
        let where_ = |line: usize| format!("a row is no event: {}, line {line}, column ", path.display());
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
    fn a_quote_that_is_never_closed_swallows_no_rows_silently() {
        let text = format!("{HEADER}\n1,,lux,\"a\n2\"\n2,,lux,\"b\n3,,lux,c\n");
        let seen = pull_all(reader::<String>(text.as_bytes()));
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].as_ref().map(|event| event.val.as_str()), Ok("a\n2"));
        let error = seen[1].as_ref().unwrap_err();
        assert!(error.contains("line 4, column 4 (value): expected a closing quote, found \"b\\n3"), "{error}");
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let text = b"value;\"room; floor\";sensor_id;datetime;timestamp\n20;\"1; 2\";\"a;\"\"b\"\"\";;7\nx;;lux;;8\n20;lux;9\n";
        let seen = pull_all(reader::<f64>(text).delimiter(b';'));
        let event = SensorEvent { sensor_id: "a;\"b\"".into(), ts: Timestamp::from_secs(7), val: 20.0 };
        assert_eq!(seen[0], Ok(event));
        let wrong = |row: usize, text| seen[row].as_ref().unwrap_err().contains(text);
        assert!(wrong(1, "line 3, column 1 (value): expected a value of the type f64, found \"x\""), "{seen:?}");
        assert!(wrong(2, "line 4, column 4 (datetime): expected a value, found the end of the row"), "{seen:?}");
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
        assert!(stopped.starts_with("20.0 ! a row is no event: ") && stopped.contains("lux.csv, line 3"), "{stopped}");
    }

    #[test]
    fn another_encoding_is_a_bad_row() {
        let seen = pull_all(reader::<f64>(b"timestamp,datetime,sensor_id,value\n1,,l\xFCx,20\n2,,lux,30\n"));
        let text =
            "lux.csv, line 2, column 3 (sensor_id): expected UTF-8 text, found \"another encoding from byte 2 on\"";
        assert_eq!(seen[0], Err(format!("a row is no event: {text}")));
        assert!(seen[1].is_ok());
    }

    #[test]
    fn another_header_is_fatal_unless_told_otherwise() {
        let text = b"time,lux\n1,,lux,20\n";
        let seen = pull_all(reader::<f64>(text));
        let expected = "lux.csv, line 1: expected the header `timestamp,datetime,sensor_id,value`, found `time,lux`";
        assert!(seen[0].as_ref().unwrap_err().starts_with(expected), "{seen:?}");
        assert_eq!(seen.len(), 1);
        assert_eq!(pull_all(reader::<f64>(text).any_header()).len(), 1);
        assert_eq!(pull_all(reader::<f64>(b"1,,lux,20\n").without_header()).len(), 1);
        assert_eq!(pull_all(reader::<f64>(b"")).len(), 0);
        let marked = format!("\u{FEFF}{HEADER}\r\n1,,lux,20\r\n");
        assert!(pull_all(reader::<f64>(marked.as_bytes()))[0].is_ok());
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read::<f64>("/no/such/lux.csv").unwrap_err().to_string();
        assert!(error.starts_with("cannot open /no/such/lux.csv: No such file"), "{error}");
        let error = read::<f64>("/").unwrap().try_collect_now().1.unwrap().to_string();
        assert!(error.contains("cannot read /: Is a directory"), "{error}");
    }

    proptest! {
        #[test]
        fn never_panics_and_always_ends(bytes: Vec<u8>, delimiter: u8) {
            let _ = pull_all(reader::<f64>(&bytes).any_header().delimiter(delimiter));
            let _ = pull_all(reader::<Option<[i8; 2]>>(&bytes).skip_bad_rows().without_header());
            let mut file = format!("{HEADER}\n").into_bytes();
            file.extend(bytes);
            let _ = pull_all(reader::<f64>(&file));
        }

        #[test]
        fn the_order_of_columns_means_nothing(order in Just([0, 1, 2, 3, 4]).prop_shuffle(), val: i32, text in "[a\",\n]{0,3}") {
            let names = ["timestamp", "datetime", "sensor_id", "value", "note"];
            let note = format!("\"{}\"", text.replace('"', "\"\""));
            let fields = ["1.5", "", "lux", &val.to_string(), &note];
            let row = |of: [&str; 5]| order.map(|at| of[at]).join(",");
            let seen = pull_all(reader::<i32>(format!("{}\n{}\n", row(names), row(fields)).as_bytes()));
            prop_assert_eq!(seen, [Ok(SensorEvent { sensor_id: "lux".into(), ts: Timestamp::from_millis(1500), val })]);
        }

        #[test]
        fn never_panics_on_what_looks_like_csv(text in "([0-9.,\"\r\n-]|lux){0,60}") {
            let _ = pull_all(reader::<f64>(text.as_bytes()).without_header());
        }
    }
}
