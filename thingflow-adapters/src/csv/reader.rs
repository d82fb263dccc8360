//! `read(path)`: the events of a CSV file.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thingflow_core::{Context, Failure, Flow, SensorEvent, Source, StreamError};

use super::rows::{Fault, Rows};
use super::{CsvError, RowError};
use crate::fields::{FieldError, Names};
use crate::files::{Doing, FileError};
use crate::printable::printable;

/// Sends the sensor events of a CSV file, one at each sampling, and completes at its end.
///
/// The columns are found by the names in the header, in whatever order; there may be others. A column of an `Option` need
/// not be there. If another one is missing, that ends the run.
///
/// A row that is no event is one failed sampling. A periodic schedule has a policy for that and goes on with the next
/// row if told so; others end the stream by the error. [`open`] has [`skip_bad_rows`](Reader::skip_bad_rows) for them.
/// The same holds for a file that cannot be read for a moment. A last row without an end of line is none: it may have been
/// cut off, and half a number looks like a number; see [`allow_unterminated`](Reader::allow_unterminated).
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
pub fn read<V: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Flow<Reader<SensorEvent<V>>>, CsvError> {
    open(path).map(Flow::new)
}

/// As [`read`], for what has options: `csv::open::<f64>(path)?.delimiter(b';').flow()`.
///
/// # Errors
/// If the file cannot be opened.
pub fn open<V: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Reader<SensorEvent<V>>, CsvError> {
    Reader::open(path)
}

/// A source of the events in CSV rows, from a file or any reader: of whatever is `Deserialize`, by its
/// [`fields`](crate::fields).
///
/// ```
/// use serde::Deserialize;
/// use thingflow_adapters::csv::Reader;
/// use thingflow_core::prelude::*;
/// #[derive(Deserialize)]
/// struct Temp {
///     time: Timestamp,
///     room: String,
///     #[serde(rename = "temp")]
///     celsius: Option<f64>,
/// }
/// let file = "time;room;wind;temp\n2015-01-01T12:01:00+01:00;\"bath; ground floor\";0; 21.5\n";
/// let temps = Reader::<Temp, _>::new("temps.csv", file.as_bytes()).delimiter(b';').flow();
/// let texts = temps.map(|row| format!("{} {} {:?}", row.room, row.time, row.celsius)).collect_now();
/// assert_eq!(texts, ["bath; ground floor 2015-01-01T11:01:00Z Some(21.5)"]);
/// ```
pub struct Reader<E, R = File> {
    rows: Rows<R>,
    path: PathBuf,
    /// The columns, if they are known.
    columns: Option<Names>,
    /// There is no header to be read any more.
    headed: bool,
    skips: bool,
    unterminated: bool,
    of: PhantomData<fn() -> E>,
}

impl<E: DeserializeOwned> Reader<E> {
    /// A source of the events in a file.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CsvError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(FileError::when(Doing::Open, path))?;
        Ok(Self::new(path, file))
    }
}

impl<E: DeserializeOwned, R: Read> Reader<E, R> {
    /// A source of the events in what `from` gives; `name` is what errors call it.
    pub fn new(name: impl Into<PathBuf>, from: R) -> Self {
        Self {
            rows: Rows::new(from, b','),
            path: name.into(),
            columns: None,
            headed: false,
            skips: false,
            unterminated: false,
            of: PhantomData,
        }
    }

    /// What stands between the columns, `b';'` or `b'\t'` for example, instead of a comma.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.rows.set_delimiter(delimiter);
        self
    }

    /// Takes these names for those of the columns, in their order, whatever the header says.
    #[must_use]
    pub fn columns(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { columns: Some(Names::new(names)), ..self }
    }

    /// Takes the first line for an event, for a file whose [`columns`](Self::columns) are said.
    #[must_use]
    pub fn without_header(self) -> Self {
        Self { headed: true, ..self }
    }

    /// Refuses rows that are longer, in bytes, so that a quote that is never closed cannot fill the memory. It is 1 MiB
    /// unless it is said. Behind such a row it goes on with the next line.
    #[must_use]
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.rows.set_max_len(max_len);
        self
    }

    /// Takes a last row that has no end of line too: for files that are known to be whole, as some programs write them.
    #[must_use]
    pub fn allow_unterminated(self) -> Self {
        Self { unterminated: true, ..self }
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

    fn next_event(&mut self) -> Result<Option<E>, ReadError> {
        if !self.headed {
            // An empty file has no header and needs none.
            if !self.next_row()? {
                return Ok(None);
            }
            self.headed = true;
            self.take_header()?;
        }
        if !self.next_row()? {
            return Ok(None);
        }
        let (columns, row) = (self.columns.as_ref().map_or(&[][..], Names::as_slice).len(), self.rows.row().len());
        match row.cmp(&columns) {
            std::cmp::Ordering::Greater => Err(self.bad_row(columns, "expected the end of the row")),
            std::cmp::Ordering::Less => Err(self.bad_row(row, "expected a value")),
            std::cmp::Ordering::Equal => self.event().map(Some),
        }
    }

    fn take_header(&mut self) -> Result<(), ReadError> {
        if self.columns.is_some() {
            return Ok(());
        }
        let row = self.rows.row();
        let names = Names::new((0..row.len()).map(|field| row.text(field).unwrap_or_default()));
        if let Some(twice) = names.duplicate() {
            let error = format!("two columns called `{}`", printable(twice));
            return Err(ReadError::Header(CsvError::header(&self.path, &["different columns".into()], &error)));
        }
        self.columns = Some(names);
        Ok(())
    }

    fn event(&self) -> Result<E, ReadError> {
        let row = self.rows.row();
        let none = Names::default();
        let columns = self.columns.as_ref().unwrap_or(&none);
        columns.read(&|column| row.text(column)).map_err(|error| match error {
            FieldError::Absent { field } => {
                ReadError::Header(CsvError::header(&self.path, &[field], &columns.as_slice().join(",")))
            }
            FieldError::Invalid { field, why } => match columns.position(&field) {
                Some(column) => self.bad_row(column, why),
                None => self.fault(0, &why, Some("the row")),
            },
            FieldError::Unsupported { what, .. } => {
                let file =
                    CsvError::Event { path: self.path.clone(), error: FieldError::invalid(format!("no {what}")) };
                ReadError::Header(file)
            }
        })
    }

    /// Reads the next row: whether there is one. It is of texts.
    fn next_row(&mut self) -> Result<bool, ReadError> {
        match self.rows.read().map_err(|error| ReadError::File(FileError::when(Doing::Read, &self.path)(error)))? {
            None => return Ok(false),
            Some(Err(Fault::TooLong)) => {
                let expected = format!("expected at most {} bytes (see `max_len`)", self.rows.max_len());
                return Err(self.fault(0, &expected, Some("more; a quote may be open")));
            }
            Some(Err(Fault::Unclosed)) => {
                return Err(self.fault(0, "expected a closing quote", Some("the end of the file")));
            }
            Some(Err(Fault::Unterminated)) if !self.unterminated => {
                let expected = "expected an end of line (or else `allow_unterminated`)";
                return Err(self.fault(0, expected, Some("the end of the file; the row may be cut off")));
            }
            Some(_) => {}
        }
        match self.rows.row().no_text() {
            None => Ok(true),
            Some(field) => Err(self.no_text(field)),
        }
    }

    fn no_text(&self, field: usize) -> ReadError {
        let bytes = self.rows.row().bytes(field).unwrap_or_default();
        let found = match std::str::from_utf8(bytes) {
            Ok(_) => "zeros, as a power cut leaves them".to_owned(),
            Err(error) => format!("another encoding from byte {} on", error.valid_up_to() + 1),
        };
        self.fault(field + 1, "expected UTF-8 text", Some(&found))
    }

    /// The column is counted from 0.
    fn bad_row(&self, column: usize, why: impl AsRef<str>) -> ReadError {
        let found = self.rows.row().text(column).map(|found| format!("\"{}\"", printable(found)));
        self.fault(column.saturating_add(1), why.as_ref(), found.as_deref())
    }

    /// The column is counted from 1; 0 means the row.
    fn fault(&self, column: usize, why: &str, found: Option<&str>) -> ReadError {
        let names = self.columns.as_ref().map_or(&[][..], Names::as_slice);
        let name = column.checked_sub(1).and_then(|column| names.get(column));
        ReadError::Row(RowError {
            path: self.path.clone(),
            line: self.rows.row().line,
            column,
            name: name.map(|name| printable(name)).unwrap_or_default(),
            why: why.to_owned(),
            found: found.map(str::to_owned),
        })
    }
}

enum ReadError {
    Row(RowError),
    File(FileError),
    Header(CsvError),
}

impl<E: DeserializeOwned, R: Read> Source for Reader<E, R> {
    type Item = E;

    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<E>, Failure> {
        loop {
            match self.next_event() {
                Ok(event) => return Ok(event),
                Err(ReadError::Header(error)) => return Err(cx.fatal(error).into()),
                Err(ReadError::File(error)) => return Err(StreamError::caused("no row", error).into()),
                Err(ReadError::Row(error)) => {
                    let error = StreamError::caused("invalid row", error);
                    if !self.skips {
                        return Err(error.into());
                    }
                    cx.report(self.name(), &error);
                }
            }
        }
    }
    fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or("csv::read")
    }
}

impl<E, R> fmt::Debug for Reader<E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
