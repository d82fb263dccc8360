//! `write(path)`: a row for each event.

use std::fmt::{self, Display};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ::csv::{ErrorKind, WriterBuilder};
use thingflow_core::{Closed, Context, Demand, InputThing, Receipt, StreamError, Visitor};

use super::{CsvError, Mapping, RowBuilder, SensorRows};
use crate::FileError;
use crate::file_error::Doing;

/// Writes each event as a row to a new file. A file of that name is replaced; see [`append`].
///
/// ```
/// # use thingflow_core::prelude::*;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("lux.csv");
/// let event = SensorEvent::new("lux-1", Timestamp::from_millis(1_420_110_060_500), 25.5);
/// pipe().to(thingflow_adapters::csv::write(&path)?).feed([event])?;
/// let text = std::fs::read_to_string(&path)?;
/// assert_eq!(text, "timestamp,datetime,sensor_id,value\n1420110060.5,2015-01-01T11:01:00.500Z,lux-1,25.5\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be created, or takes no header.
pub fn write<V: Display + FromStr>(path: impl AsRef<Path>) -> Result<Writer<SensorRows<V>, File>, CsvError> {
    Writer::create(SensorRows::default(), path)
}

/// As [`write()`], behind what the file holds already: for a program that is started again.
///
/// # Errors
/// If the file cannot be opened, or has another header.
pub fn append<V: Display + FromStr>(path: impl AsRef<Path>) -> Result<Writer<SensorRows<V>, File>, CsvError> {
    Writer::append(SensorRows::default(), path)
}

/// A Thing that writes events as CSV rows, with a [`Mapping`] of your own, to any writer.
///
/// Each row has left the program before the next event comes, so that a crash loses none (a power cut may lose what the
/// system had not brought to the disk); see [`buffered`](Self::buffered). A write that fails ends the run.
pub struct Writer<M, W: Write> {
    rows: ::csv::Writer<W>,
    mapping: M,
    row: RowBuilder,
    path: PathBuf,
    buffered: bool,
}

impl<M: Mapping> Writer<M, File> {
    /// A writer to a new file; one of that name is replaced.
    ///
    /// # Errors
    /// If the file cannot be created, or takes no header.
    pub fn create(mapping: M, path: impl AsRef<Path>) -> Result<Self, CsvError> {
        let path = path.as_ref();
        let file = File::create(path).map_err(FileError::when(Doing::Create, path))?;
        Self::new(mapping, path, file)
    }

    /// A writer behind what the file holds already. A last row that was cut off gets its end of line.
    ///
    /// # Errors
    /// If the file cannot be opened, or has another header.
    pub fn append(mapping: M, path: impl AsRef<Path>) -> Result<Self, CsvError> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        let open = options.read(true).append(true).create(true).open(path);
        let mut file = open.map_err(FileError::when(Doing::Create, path))?;
        let Some(found) = first_line(&file).map_err(FileError::when(Doing::Read, path))? else {
            return Self::new(mapping, path, file);
        };
        let expected = mapping.header().join(",");
        if found != expected {
            return Err(CsvError::Header { path: path.to_owned(), expected, found });
        }
        end_last_line(&mut file).map_err(FileError::when(Doing::Write, path))?;
        Ok(Self::without_header(mapping, path, file))
    }
}

/// The first line of a file, unless that is empty.
fn first_line(file: &File) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    BufReader::new(file).take(4096).read_until(b'\n', &mut line)?;
    Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
}

fn end_last_line(file: &mut File) -> io::Result<()> {
    let mut last = [b'\n'];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == [b'\n'] { Ok(()) } else { file.write_all(b"\n") }
}

impl<M: Mapping, W: Write> Writer<M, W> {
    /// A writer to `to`, which gets the header at once; `name` is what errors call it.
    ///
    /// # Errors
    /// If the header cannot be written.
    pub fn new(mapping: M, name: impl Into<PathBuf>, to: W) -> Result<Self, CsvError> {
        let mut writer = Self::without_header(mapping, name, to);
        for name in writer.mapping.header() {
            writer.row.push(&name);
        }
        writer.write_row()?;
        Ok(writer)
    }

    /// A writer to `to`, which gets no header.
    pub fn without_header(mapping: M, name: impl Into<PathBuf>, to: W) -> Self {
        let rows = WriterBuilder::new().has_headers(false).flexible(true).from_writer(to);
        Self { rows, mapping, row: RowBuilder::default(), path: name.into(), buffered: false }
    }

    /// Collects rows before they are written, 8 KiB at a time and at the end: faster, and kinder to SD cards, at the
    /// risk of what is collected.
    #[must_use]
    pub fn buffered(self) -> Self {
        Self { buffered: true, ..self }
    }

    pub(super) fn write(&mut self, event: &M::Event) -> Result<(), CsvError> {
        self.mapping.to_row(event, &mut self.row);
        self.write_row()
    }

    fn write_row(&mut self) -> Result<(), CsvError> {
        let written = self.rows.write_record(&self.row.record);
        self.row.record.clear();
        written.map_err(|error| self.explain(error))?;
        if self.buffered { Ok(()) } else { self.flush() }
    }

    pub(super) fn flush(&mut self) -> Result<(), CsvError> {
        Ok(self.rows.flush().map_err(FileError::when(Doing::Write, &self.path))?)
    }

    fn explain(&self, error: ::csv::Error) -> CsvError {
        let error = match error.into_kind() {
            ErrorKind::Io(error) => error,
            other => io::Error::other(format!("{other:?}")),
        };
        FileError::when(Doing::Write, &self.path)(error).into()
    }
}

impl<M: Mapping, W: Write> InputThing<M::Event> for Writer<M, W> {
    fn on_next(&mut self, event: M::Event, cx: &mut Context<'_>) -> Receipt {
        self.write(&event).map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_next_ref(&mut self, event: &M::Event, cx: &mut Context<'_>) -> Receipt
    where
        M::Event: Clone,
    {
        self.write(event).map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.flush().map_err(|error| cx.fatal(error))
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("csv writer", &error);
        self.on_completed(cx)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink("csv::write");
    }
}

impl<M, W: Write> fmt::Debug for Writer<M, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).field("buffered", &self.buffered).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::{Reader, read};
    use proptest::prelude::*;
    use std::fs;
    use thingflow_core::{Flow, SensorEvent, SensorId, Timestamp, from_iter, pipe, prelude::Chain};

    fn event(n: i64) -> SensorEvent<f64> {
        #[allow(clippy::cast_precision_loss)]
        SensorEvent::new(1, Timestamp::from_nanos(n * 123_456_789), n as f64 / 3.0)
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
    fn every_row_is_in_the_file_before_the_next_event() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lux.csv");
        let mut writer = write(&path).unwrap();
        let cx = &mut Context::detached(thingflow_core::Instant::ZERO);
        for rows in 1..=3 {
            writer.on_next_ref(&event(rows), cx).unwrap();
            assert_eq!(read::<f64>(&path).unwrap().collect_now().len(), usize::try_from(rows).unwrap());
        }
    }

    #[test]
    fn appends_without_a_second_header_and_mends_a_cut_row() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lux.csv");
        for n in 1..=2 {
            pipe().to(append(&path).unwrap()).feed([event(n)]).unwrap();
        }
        assert_eq!(read::<f64>(&path).unwrap().collect_now(), [event(1), event(2)]);
        let mut text = fs::read_to_string(&path).unwrap();
        text.truncate(text.len() - 10);
        fs::write(&path, text).unwrap();
        pipe().to(append(&path).unwrap()).feed([event(3)]).unwrap();
        let lines = fs::read_to_string(&path).unwrap();
        assert_eq!(lines.lines().count(), 4);
        assert!(lines.lines().last().unwrap().starts_with("0.370370367,"), "{lines}");
    }

    #[test]
    fn does_not_append_to_another_kind_of_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.csv");
        fs::write(&path, "x,y\n1,2\n").unwrap();
        let error = append::<f64>(&path).unwrap_err().to_string();
        assert!(
            error.contains("line 1: expected the header `timestamp,datetime,sensor_id,value`, found `x,y`"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "x,y\n1,2\n");
    }

    #[test]
    fn a_full_disk_ends_the_run_with_advice() {
        let error = write::<f64>("/dev/full").unwrap_err().to_string();
        let expected = "cannot write to /dev/full: No space left on device";
        assert!(error.starts_with(expected) && error.contains("remove old files"), "{error}");

        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let writer = Writer::without_header(SensorRows::<f64>::default(), "/dev/full", full);
        let error = pipe().to(writer).feed([event(1)]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");

        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let writer = Writer::without_header(SensorRows::<f64>::default(), "/dev/full", full).buffered();
        let error = pipe().to(writer).feed([event(1)]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "at the end at the latest: {error}");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = write::<f64>("/no/such/lux.csv").unwrap_err().to_string();
        assert!(error.ends_with("create the directory: mkdir -p /no/such"), "{error}");
    }

    #[test]
    fn texts_with_commas_quotes_and_line_ends_come_back() {
        let before = SensorEvent::new("a,b", Timestamp::UNIX_EPOCH, "say \"x\",\r\nor not".to_owned());
        let mut bytes = Vec::new();
        let writer = Writer::new(SensorRows::default(), "memory", &mut bytes).unwrap();
        pipe().to(writer).feed([before.clone()]).unwrap();
        let reader = Reader::new(SensorRows::<String>::default(), "memory", bytes.as_slice());
        assert_eq!(Flow::new(reader).collect_now(), [before]);
    }

    #[test]
    fn is_the_end_of_a_chain_or_a_branch_of_a_port() {
        let port = thingflow_core::Port::<SensorEvent<f64>>::new();
        port.connect(Writer::new(SensorRows::default(), "null", io::sink()).unwrap());
        let _ = from_iter([event(1)]).connect(Writer::new(SensorRows::default(), "null", io::sink()).unwrap());
    }

    proptest! {
        #[test]
        fn whatever_is_written_comes_back(nanos: i64, number: u64, val: f64, text: String) {
            prop_assume!(!val.is_nan());
            let events = [SensorEvent::new(number, Timestamp::from_nanos(nanos), val)];
            let mut bytes = Vec::new();
            pipe().to(Writer::new(SensorRows::default(), "memory", &mut bytes).unwrap()).feed(events).unwrap();
            let reader = Reader::new(SensorRows::<f64>::default(), "memory", bytes.as_slice());
            prop_assert_eq!(Flow::new(reader).collect_now(), events);

            let id = SensorId::intern("text");
            let texts = [SensorEvent { sensor_id: id, ts: Timestamp::UNIX_EPOCH, val: text }];
            let mut bytes = Vec::new();
            pipe().to(Writer::new(SensorRows::default(), "memory", &mut bytes).unwrap()).feed(texts.clone()).unwrap();
            let reader = Reader::new(SensorRows::<String>::default(), "memory", bytes.as_slice());
            prop_assert_eq!(Flow::new(reader).collect_now(), texts);
        }
    }
}
