//! `read(path)`: the events of a CSV file.

use std::fmt::{self, Display};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ::csv::{Error, ErrorKind, ReaderBuilder, StringRecord};
use thingflow_core::{Context, Failure, Flow, Source, StreamError};

use super::{BadColumn, CsvError, Mapping, Row, RowError, SensorRows};
use crate::FileError;
use crate::file_error::Doing;

/// Sends the events of a CSV file, one at each sampling, and completes at its end.
///
/// A row that is no event is one failed sampling: the schedule's policy decides, and the next sampling reads the next
/// row. Another header than the expected one ends the run.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("lux.csv");
/// # std::fs::write(&path, "timestamp,datetime,sensor_id,value\n1420110060,,lux-1,25.5\n")?;
/// let lux = thingflow_adapters::csv::read::<f64>(&path)?;
/// assert_eq!(lux.map(|e| e.to_string()).collect_now(), ["lux-1 2015-01-01T11:01:00Z 25.5"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be opened.
pub fn read<V: Display + FromStr>(path: impl AsRef<Path>) -> Result<Flow<Reader<SensorRows<V>, File>>, CsvError> {
    Reader::open(SensorRows::default(), path).map(Flow::new)
}

/// A source of the events in CSV rows, with a [`Mapping`] of your own, from any reader.
pub struct Reader<M, R> {
    rows: ::csv::Reader<R>,
    mapping: M,
    path: PathBuf,
    row: StringRecord,
    columns: Vec<String>,
    header: Header,
}

/// What is to be done with the first line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    Check,
    Skip,
    None,
}

impl<M: Mapping> Reader<M, File> {
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

impl<M: Mapping, R: Read> Reader<M, R> {
    /// A source of the events in what `from` gives; `name` is what errors call it.
    pub fn new(mapping: M, name: impl Into<PathBuf>, from: R) -> Self {
        let rows = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(from);
        let (columns, row) = (mapping.header(), StringRecord::new());
        Self { rows, mapping, path: name.into(), row, columns, header: Header::Check }
    }

    /// Takes any first line for the header, whatever it says.
    #[must_use]
    pub fn any_header(self) -> Self {
        Self { header: Header::Skip, ..self }
    }

    /// Takes the first line for an event.
    #[must_use]
    pub fn without_header(self) -> Self {
        Self { header: Header::None, ..self }
    }

    /// Reads the header, if that has not been done. An empty file has none and needs none.
    fn check_header(&mut self) -> Result<(), ReadError> {
        let expected = std::mem::replace(&mut self.header, Header::None);
        if expected == Header::None || !self.next_row()? {
            return Ok(());
        }
        if expected == Header::Check && self.row.iter().ne(&self.columns) {
            let found = self.row.iter().collect::<Vec<_>>().join(",");
            let (path, expected) = (self.path.clone(), self.columns.join(","));
            return Err(ReadError::Fatal(CsvError::Header { path, expected, found }));
        }
        Ok(())
    }

    fn next_event(&mut self) -> Result<Option<M::Event>, ReadError> {
        self.check_header()?;
        if !self.next_row()? {
            return Ok(None);
        }
        if self.row.len() > self.columns.len() {
            return Err(self.bad_row(BadColumn::new(self.columns.len(), "the end of the row")));
        }
        if self.row.len() < self.columns.len() {
            return Err(self.bad_row(BadColumn::new(self.row.len(), "a value")));
        }
        self.mapping.from_row(&Row(&self.row)).map(Some).map_err(|bad| self.bad_row(bad))
    }

    fn next_row(&mut self) -> Result<bool, ReadError> {
        self.rows.read_record(&mut self.row).map_err(|error| self.explain(error))
    }

    fn bad_row(&self, BadColumn { column, expected }: BadColumn) -> ReadError {
        ReadError::Row(RowError {
            path: self.path.clone(),
            line: self.row.position().map_or(0, ::csv::Position::line),
            column: column + 1,
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

impl<M: Mapping, R: Read> Source for Reader<M, R> {
    type Item = M::Event;

    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<M::Event>, Failure> {
        self.next_event().map_err(|error| match error {
            ReadError::Row(error) => StreamError::caused("a row is no event", error).into(),
            ReadError::Fatal(error) => cx.fatal(error).into(),
        })
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

    fn reader(bytes: &[u8]) -> Reader<SensorRows<f64>, &[u8]> {
        Reader::new(SensorRows::default(), "lux.csv", bytes)
    }

    /// What each sampling gives, to the end or to a fatal error.
    fn pull_all(mut reader: Reader<SensorRows<f64>, &[u8]>) -> Vec<Result<SensorEvent<f64>, String>> {
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
        let seen = pull_all(reader(text.as_bytes()));
        let event = |secs, val| Ok(SensorEvent { sensor_id: "lux".into(), ts: Timestamp::from_secs(secs), val });
        let error = |text: &str| Err(format!("a row is no event: lux.csv, line {text}"));
        assert_eq!(seen[0], event(1, 20.0));
        assert_eq!(seen[1], error("3, column 4 (value): expected a value of the type f64, found \"bright\""));
        assert_eq!(seen[2], error("4, column 4 (value): expected a value, found the end of the row"));
        assert_eq!(seen[3], error("5, column 5 (): expected the end of the row, found \"5\""));
        assert_eq!(seen[4], event(5, 50.0));
        assert_eq!(seen.len(), 5);
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
        let seen = pull_all(reader(b"timestamp,datetime,sensor_id,value\n1,,l\xFCx,20\n2,,lux,30\n"));
        let text =
            "lux.csv, line 2, column 3 (sensor_id): expected UTF-8 text, found \"another encoding from byte 2 on\"";
        assert_eq!(seen[0], Err(format!("a row is no event: {text}")));
        assert!(seen[1].is_ok());
    }

    #[test]
    fn another_header_is_fatal_unless_told_otherwise() {
        let text = b"time,lux\n1,,lux,20\n";
        let seen = pull_all(reader(text));
        let expected = "lux.csv, line 1: expected the header `timestamp,datetime,sensor_id,value`, found `time,lux`";
        assert!(seen[0].as_ref().unwrap_err().starts_with(expected), "{seen:?}");
        assert_eq!(seen.len(), 1);
        assert_eq!(pull_all(reader(text).any_header()).len(), 1);
        assert_eq!(pull_all(reader(b"1,,lux,20\n").without_header()).len(), 1);
        assert_eq!(pull_all(reader(b"")).len(), 0);
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
        fn never_panics_and_always_ends(bytes: Vec<u8>) {
            let _ = pull_all(reader(&bytes).any_header());
            let mut file = format!("{HEADER}\n").into_bytes();
            file.extend(bytes);
            let _ = pull_all(reader(&file));
        }

        #[test]
        fn nor_on_what_looks_like_csv(text in "([0-9.,\"\r\n-]|lux){0,60}") {
            let _ = pull_all(reader(text.as_bytes()).without_header());
        }
    }
}
