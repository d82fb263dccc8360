//! `write(path)`: a row for each event.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use thingflow_core::{Closed, Columns, Context, Demand, Receipt, Sink, StreamError, Visitor};

use super::mapping::header_row;
use super::{CsvError, Mapping, RowBuilder, SensorRows, ToRow};
use crate::file_error::{Doing, FileError};
use crate::log_file::{Form, LogFile, Unfit};

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
/// A reading of several values has a column for each: see [`Columns`], which the readings of `thingflow-sensors` have.
/// For anything else there is a [`Writer`] with [`columns`](super::columns).
///
/// # Errors
/// If the file cannot be created, or takes no header.
pub fn write<V: Columns>(path: impl AsRef<Path>) -> Result<Writer<SensorRows<V>, LogFile>, CsvError> {
    Writer::create(SensorRows::default(), path)
}

/// As [`write()`], behind what the file holds already: for a program that is started again.
///
/// # Errors
/// If the file cannot be opened, or has another header.
pub fn append<V: Columns>(path: impl AsRef<Path>) -> Result<Writer<SensorRows<V>, LogFile>, CsvError> {
    Writer::append(SensorRows::default(), path)
}

/// A Thing that writes events as CSV rows, with a mapping of your own, to any writer.
///
/// Each row has left the program before the next event comes, so that a crash loses none (a power cut may lose what the
/// system had not brought to the disk); see [`buffered`](Self::buffered). A write that fails ends the run.
///
/// The file may be moved or removed meanwhile, as `logrotate` does: see [`LogFile`]. The new one gets a header.
pub struct Writer<M, W: Write> {
    to: W,
    mapping: M,
    row: RowBuilder,
    /// Whole rows that are not written yet.
    rows: String,
    path: PathBuf,
    buffered: bool,
}

/// How much is collected, in bytes.
const BUFFER: usize = 8192;

impl<M: ToRow> Writer<M, LogFile> {
    /// A writer to a new file; one of that name is replaced.
    ///
    /// # Errors
    /// If the file cannot be created, or takes no header.
    pub fn create(mapping: M, path: impl AsRef<Path>) -> Result<Self, CsvError> {
        let path = path.as_ref();
        let mut file = LogFile::create(path, form(&mapping)).map_err(FileError::when(Doing::Create, path))?;
        file.write_header().map_err(FileError::when(Doing::Write, path))?;
        Ok(Self::without_header(mapping, path, file))
    }

    /// A writer behind what the file holds already. A last row that was cut off, by a crash or a full disk, stays as a
    /// row that no reader takes for a whole one: it ends with `cut off` in a column that there should not be.
    ///
    /// # Errors
    /// If the file cannot be opened, or has another header.
    pub fn append(mapping: M, path: impl AsRef<Path>) -> Result<Self, CsvError> {
        let path = path.as_ref();
        let file = LogFile::append(path, form(&mapping)).map_err(|unfit| match unfit {
            Unfit::Io(error) => FileError::when(Doing::Create, path)(error).into(),
            Unfit::Header(found) => CsvError::Header {
                path: path.to_owned(),
                expected: header_row(&mapping.header()).trim_end().into(),
                found,
            },
        })?;
        Ok(Self::without_header(mapping, path, file))
    }
}

fn form(mapping: &impl Mapping) -> Form {
    let names = mapping.header();
    Form::Rows { header: header_row(&names), columns: names.len() }
}

impl<M: ToRow, W: Write> Writer<M, W> {
    /// A writer to `to`, which gets the header at once; `name` is what errors call it.
    ///
    /// # Errors
    /// If the header cannot be written.
    pub fn new(mapping: M, name: impl Into<PathBuf>, to: W) -> Result<Self, CsvError> {
        let mut writer = Self::without_header(mapping, name, to);
        writer.rows = header_row(&writer.mapping.header());
        writer.flush()?;
        Ok(writer)
    }

    /// A writer to `to`, which gets no header.
    pub fn without_header(mapping: M, name: impl Into<PathBuf>, to: W) -> Self {
        Self { to, mapping, row: RowBuilder::default(), rows: String::new(), path: name.into(), buffered: false }
    }

    /// Collects rows before they are written, 8 KiB at a time and at the end: faster, and kinder to SD cards, at the
    /// risk of what is collected. Only whole rows are written.
    #[must_use]
    pub fn buffered(mut self) -> Self {
        self.buffered = true;
        self
    }

    pub(super) fn write(&mut self, event: &M::Event) -> Result<(), CsvError> {
        self.mapping.to_row(event, &mut self.row);
        self.row.finish(&mut self.rows);
        if self.buffered && self.rows.len() < BUFFER { Ok(()) } else { self.flush() }
    }
}

impl<M, W: Write> Writer<M, W> {
    pub(super) fn flush(&mut self) -> Result<(), CsvError> {
        let written = if self.rows.is_empty() { Ok(()) } else { self.to.write_all(self.rows.as_bytes()) };
        self.rows.clear(); // also after a failure: how much of it has been written is not known
        Ok(written.and_then(|()| self.to.flush()).map_err(FileError::when(Doing::Write, &self.path))?)
    }
}

/// For a graph that is let go of before its end. Rows that failed are not tried again.
impl<M, W: Write> Drop for Writer<M, W> {
    fn drop(&mut self) {
        let _ = self.flush(); // nobody is left who could be told
    }
}

impl<M: ToRow, W: Write> Sink for Writer<M, W> {
    type Event = M::Event;
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
    use crate::csv::{Reader, Values, read};
    use proptest::prelude::*;
    use std::fs::{self, OpenOptions};
    use std::io;
    use thingflow_core::{Flow, InputThing, SensorEvent, SensorId, Timestamp, from_iter, pipe, prelude::Chain};

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
            writer.next_ref(&event(rows), cx).unwrap();
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
        let whole = crate::csv::open::<f64>(&path).unwrap().skip_bad_rows().flow().collect_now();
        assert_eq!(whole, [event(1), event(3)]);
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

    #[test]
    fn readings_of_several_values_have_a_column_each() {
        let before = [Some([1.5, 2.5]), None].map(|val| SensorEvent::new("xy", Timestamp::UNIX_EPOCH, val));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("xy.csv");
        pipe().to(append(&path).unwrap()).feed(before).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("timestamp,datetime,sensor_id,value_1,value_2\n"), "{text}");
        assert_eq!(read::<Option<[f64; 2]>>(&path).unwrap().collect_now(), before);
    }

    #[test]
    fn columns_with_commas_in_their_names_can_be_appended_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("points.csv");
        for n in 1..=2 {
            let mapping = crate::csv::columns(["x, in m", "y"], |n: &i32| [n.to_string(), "\"".to_owned()]);
            pipe().to(Writer::append(mapping, &path).unwrap()).feed([n]).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "\"x, in m\",y\n1,\"\"\"\"\n2,\"\"\"\"\n");
    }

    #[test]
    fn a_row_of_one_empty_text_is_a_row() {
        let before = [None, Some(1.5), None];
        let mut bytes = Vec::new();
        pipe().to(Writer::new(Values::<Option<f64>>::default(), "memory", &mut bytes).unwrap()).feed(before).unwrap();
        let reader = Reader::new(Values::<Option<f64>>::default(), "memory", bytes.as_slice());
        assert_eq!(reader.flow().collect_now(), before);
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
            let mut all = Vec::new();
            pipe().to(Writer::new(SensorRows::default(), "memory", &mut all).unwrap()).feed(rows.clone()).unwrap();
            let mut disk = Vec::new();
            let ended = match Writer::new(SensorRows::default(), "disk", FullDisk(&mut disk, room)) {
                Ok(writer) if buffered => pipe().to(writer.buffered()).feed(rows).is_ok(),
                Ok(writer) => pipe().to(writer).feed(rows).is_ok(),
                Err(_) => false,
            };
            prop_assert_eq!(ended, room >= all.len());
            prop_assert_eq!(disk.as_slice(), &all[..room.min(all.len())], "and nothing is written behind a half row");
        }

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
