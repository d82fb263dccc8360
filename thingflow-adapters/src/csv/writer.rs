//! `write(path)`, `append(path)`: a row for each event.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use thingflow_core::{Closed, Context, Demand, Receipt, SensorEvent, Sink, StreamError, Visitor};

use super::CsvError;
use super::opening::{Found, look, names};
use super::table::Table;
use crate::fields::{FieldError, Names, SENSOR_ID, TIMESTAMP};
use crate::files::{Doing, FileError, GrowingFile, Moved, Syncing, Target, report_cut};
use crate::printable::Printable;

/// Writes each sensor event as a row to a new file. A file of that name is emptied: for a program that is started again
/// there is [`append`].
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
/// A reading of several values has a column for each: whatever is `Serialize`, see [`fields`](crate::fields). Records that
/// are no sensor events go into a [`Writer`].
///
/// # Errors
/// If the file cannot be created, or another writer has it open.
pub fn write<V: Serialize>(path: impl AsRef<Path>) -> Result<Writer<SensorEvent<V>>, CsvError> {
    Writer::create(path)
}

/// As [`write()`], behind what the file holds already: for a program that is started again, such as a service.
///
/// The columns are those of the file, in its order. See [`Writer::append`] for what happens to a file that is damaged, or
/// has other columns.
///
/// # Errors
/// If the file cannot be opened, another writer has it open, or its header is not one of sensor events.
pub fn append<V: Serialize>(path: impl AsRef<Path>) -> Result<Writer<SensorEvent<V>>, CsvError> {
    let path = path.as_ref();
    let mut writer = Writer::append(path)?;
    let Target::Growing(file) = &mut writer.to else { return Ok(writer) };
    let found = first_line(file).map_err(FileError::when(Doing::Append, path))?;
    let stamp = format!("{TIMESTAMP},datetime,{SENSOR_ID}");
    if found.is_empty() || stamp.starts_with(&found) || found.contains(TIMESTAMP) && found.contains(SENSOR_ID) {
        return Ok(writer);
    }
    Err(CsvError::header(path, &[stamp], &found))
}

/// As far as it is not zeros.
fn first_line(file: &mut GrowingFile) -> std::io::Result<String> {
    use std::io::{BufRead, Read};
    let mut line = Vec::new();
    if let Some(from) = file.contents()? {
        from.take(1 << 12).read_until(b'\n', &mut line)?;
    }
    line.retain(|byte| *byte != 0);
    Ok(String::from_utf8_lossy(&line).trim_start_matches('\u{FEFF}').trim_end().to_owned())
}

/// A Thing that writes events as CSV rows, to a file or to any writer: whatever is `Serialize`. The columns are the event's
/// [`fields`](crate::fields), and the header comes with the first event.
///
/// ```
/// use serde::Serialize;
/// use thingflow_adapters::csv::Writer;
/// use thingflow_core::prelude::*;
/// #[derive(Serialize, Clone)]
/// struct Weather { temperature: f64, humidity: Option<f64> }
/// let mut file = Vec::new();
/// let weather = Weather { temperature: 21.5, humidity: None };
/// pipe().to(Writer::new("memory", &mut file).units([("temperature", "°C")])).feed([weather])?;
/// assert_eq!(String::from_utf8(file)?, "temperature [°C],humidity\n21.5,\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Each row has left the program before the next event comes, so that a crash of the program loses none; see
/// [`buffered`](Self::buffered) and [`sync_every`](Self::sync_every). A write that fails ends the run.
///
/// The file may be moved or removed meanwhile, as `logrotate` does: then a new one of the name is begun, with a header.
/// While a writer has a file it holds a lock (`flock`) on it, so that no other writer mixes its rows with these.
pub struct Writer<E, W: Write = File> {
    pub(super) to: Target<W>,
    table: Table,
    /// A given writer has its header, or gets none; a file has been looked at.
    begun: bool,
    /// Whole rows that are not written yet.
    rows: Vec<u8>,
    path: PathBuf,
    buffered: bool,
    /// The file is known to be whole up to this length.
    pub(super) whole: Option<u64>,
    syncing: Option<Syncing>,
    of: PhantomData<fn(&E)>,
}

/// How much is collected, in bytes.
const BUFFER: usize = 8192;

impl<E: Serialize> Writer<E> {
    /// A writer to a new file; one of that name is emptied.
    ///
    /// # Errors
    /// If the file cannot be created, or another writer has it open.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, CsvError> {
        let path = path.as_ref();
        let file = GrowingFile::create(path).map_err(FileError::when(Doing::Create, path))?;
        Ok(Self::to(path, Target::Growing(file)))
    }

    /// A writer behind what the file holds already. With the first event the file is looked through:
    ///
    /// - Its columns are gone on with, in its order; what an event does not have is empty.
    /// - If the event has columns besides, because the program is a new version, the file gets another name, such as
    ///   `lux.1.csv`, and a new one is begun.
    /// - A last row without its end, or zeros, are what a crash or a power cut leaves. They are cut off, and what is more
    ///   than zeros is kept in `lux.csv.damaged`.
    ///
    /// The last two are reported, see [`Context::report`]. If the file has nothing in common with the events, that ends the
    /// run, and the file is left alone.
    ///
    /// # Errors
    /// If the file cannot be opened, or another writer has it open.
    pub fn append(path: impl AsRef<Path>) -> Result<Self, CsvError> {
        let path = path.as_ref();
        let file = GrowingFile::append(path).map_err(FileError::when(Doing::Append, path))?;
        Ok(Self::to(path, Target::Growing(file)))
    }

    /// Brings what has been written to the disk once in a while (`fdatasync`), and at the end: so a power cut loses no more
    /// than the events of that time. Without it the system decides, as a rule within half a minute. A thread does it, so
    /// that nothing waits for a slow memory card but the end of the stream.
    #[must_use]
    pub fn sync_every(mut self, every: Duration) -> Self {
        let file = matches!(&self.to, Target::Growing(file) if file.is_regular());
        self.syncing = file.then(|| Syncing::new(every));
        self
    }
}

impl<E: Serialize, W: Write> Writer<E, W> {
    /// A writer to `to`; `name` is what errors call it.
    pub fn new(name: impl Into<PathBuf>, to: W) -> Self {
        Self::to(name, Target::Given(to))
    }

    fn to(path: impl Into<PathBuf>, to: Target<W>) -> Self {
        Self {
            to,
            table: Table::new(),
            begun: false,
            rows: Vec::new(),
            path: path.into(),
            buffered: false,
            whole: None,
            syncing: None,
            of: PhantomData,
        }
    }

    /// Writes these columns, in this order, and no others. Without it they are the fields of the first event: say them if
    /// that may have holes where others have several values.
    #[must_use]
    pub fn columns(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.table.choose(names.into_iter().map(Into::into).collect());
        self
    }

    /// Says in the header in which unit a field is: pairs of both, such as `("temperature", "°C")`. That of a field with
    /// several values, such as `("tilt", "g")`, is the unit of `tilt.x` and `tilt_1` too. Readers of this module find the
    /// column by the name alone.
    #[must_use]
    pub fn units(mut self, units: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        self.table.set_units(units.into_iter().map(|(name, unit)| (name.into(), unit.into())).collect());
        self
    }

    /// What stands between the columns, `b';'` or `b'\t'` for example, instead of a comma. What is not ASCII, a quote or an
    /// end of line cannot stand there: then it stays a comma.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        if delimiter.is_ascii() && !b"\"\r\n\0".contains(&delimiter) {
            self.table.delimiter = delimiter;
        }
        self
    }

    /// Collects rows before they are written, 8 KiB at a time and at the end: faster, and kinder to SD cards, at the
    /// risk of what is collected. Only whole rows are written.
    #[must_use]
    pub fn buffered(mut self) -> Self {
        self.buffered = true;
        self
    }

    /// Writes no header to what the writer was given. A file has one always.
    #[must_use]
    pub fn without_header(mut self) -> Self {
        self.begun = matches!(self.to, Target::Given(_));
        self
    }

    pub(super) fn write(&mut self, event: &E, cx: &mut Context<'_>) -> Result<(), CsvError> {
        if self.table.columns().is_empty() {
            self.table.add_columns_of(event).map_err(|error| self.event_error(error))?;
        }
        if !self.begun {
            self.begin(cx)?;
        }
        if !self.take(event)? {
            self.widen(event, cx)?;
            self.take(event)?;
        }
        self.table.write_row(&mut self.rows);
        if self.buffered && self.rows.len() < BUFFER { Ok(()) } else { self.flush(cx) }
    }

    fn take(&mut self, event: &E) -> Result<bool, CsvError> {
        self.table.take(event).map_err(|error| self.event_error(error))
    }

    /// The event has columns that there are not.
    fn widen(&mut self, event: &E, cx: &mut Context<'_>) -> Result<(), CsvError> {
        self.flush(cx)?;
        let before = self.table.columns().to_vec();
        self.table.add_columns_of(event).map_err(|error| self.event_error(error))?;
        if matches!(self.to, Target::Given(_)) {
            let found = before.join(",");
            return Err(CsvError::header(&self.path, self.table.columns(), &found));
        }
        self.set_aside(cx)
    }

    fn event_error(&self, error: FieldError) -> CsvError {
        CsvError::Event { path: self.path.clone(), error }
    }
}

impl<E, W: Write> Writer<E, W> {
    /// Begins to write: a header, or behind what the file holds.
    fn begin(&mut self, cx: &Context<'_>) -> Result<(), CsvError> {
        self.begun = true;
        if let Target::Growing(file) = &mut self.to
            && file.follow_name().map_err(FileError::when(Doing::Write, &self.path))?
        {
            return self.attach(false, cx);
        }
        if matches!(self.to, Target::Given(_)) {
            self.table.write_header(&mut self.rows);
        }
        Ok(())
    }

    /// Goes on with the file that the name stands for by now. If rows have been made their columns have to be those of the
    /// file.
    fn attach(&mut self, rows_made: bool, cx: &Context<'_>) -> Result<(), CsvError> {
        let failed = |error| FileError::when(Doing::Append, &self.path)(error);
        let Target::Growing(file) = &mut self.to else { return Ok(()) };
        let delimiter = self.table.delimiter;
        let foreign = |found: &str| CsvError::header(&self.path, self.table.columns(), found);
        let (found, end) = match look(file, delimiter, self.whole.take()).map_err(failed)? {
            Found::Nothing => (None, 0),
            Found::Beginning(text) => {
                let mut header = Vec::new();
                self.table.write_header(&mut header);
                let text = text.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&text);
                let cut_off = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                let own = header.starts_with(&text[..cut_off])
                    || names(&text[..cut_off], delimiter).is_ok_and(|found| self.table.is_related(&found));
                if !own {
                    return Err(foreign(&String::from_utf8_lossy(text)));
                }
                (None, 0)
            }
            Found::Table { names, end } => (Some(names), end),
        };
        if let Some(found) = &found
            && !self.table.is_related(found)
        {
            return Err(foreign(&found.as_slice().join(",")));
        }
        if let Some(moved) = file.cut(end).map_err(failed)? {
            report_cut(&self.path, &moved, cx);
        }
        match found {
            None => self.write_header(),
            Some(found) if rows_made && self.table.is_same(&found) => Ok(()),
            Some(found) if !rows_made && self.fits(&found) => {
                self.table.take_over(found.as_slice().to_vec());
                Ok(())
            }
            Some(_) => self.set_aside(cx),
        }
    }

    /// Whether the events can be written to a file with these columns.
    fn fits(&self, found: &Names) -> bool {
        if self.table.is_chosen() { self.table.is_same(found) } else { self.table.fits(found) }
    }

    fn set_aside(&mut self, cx: &Context<'_>) -> Result<(), CsvError> {
        if let Target::Growing(file) = &mut self.to {
            let Moved { to, .. } = file.set_aside().map_err(FileError::when(Doing::Create, &self.path))?;
            let text = format!(
                "{} has other columns than the events; it is now {}; name all by `columns` if they may have holes",
                Printable(&self.path),
                Printable(&to)
            );
            cx.report("csv::write", &StreamError::msg(text));
        }
        self.write_header()
    }

    fn write_header(&mut self) -> Result<(), CsvError> {
        let mut header = Vec::new();
        self.table.write_header(&mut header);
        Ok(self.to.write_all(&header).map_err(FileError::when(Doing::Write, &self.path))?)
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), CsvError> {
        let mut rows = std::mem::take(&mut self.rows); // also after a failure: how much of it has been written is not known
        let written = self.write_rows(&rows, cx);
        rows.clear();
        self.rows = rows;
        written
    }

    fn write_rows(&mut self, rows: &[u8], cx: &mut Context<'_>) -> Result<(), CsvError> {
        if !rows.is_empty() {
            if let Target::Growing(file) = &mut self.to
                && file.follow_name().map_err(FileError::when(Doing::Write, &self.path))?
            {
                self.attach(true, cx)?;
            }
            self.to.write_all(rows).map_err(FileError::when(Doing::Write, &self.path))?;
        }
        self.to.flush().map_err(FileError::when(Doing::Write, &self.path))?;
        self.sync(!rows.is_empty(), cx)
    }

    fn sync(&mut self, wrote: bool, cx: &mut Context<'_>) -> Result<(), CsvError> {
        if let (Some(syncing), Target::Growing(file)) = (&mut self.syncing, &self.to) {
            syncing.written(file.file(), wrote, cx).map_err(FileError::when(Doing::Sync, &self.path))?;
        }
        Ok(())
    }

    /// Writes and syncs what is left.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), CsvError> {
        if !self.begun && self.table.is_chosen() {
            self.begin(cx)?;
        }
        self.flush(cx)?;
        if let (Some(syncing), Target::Growing(file)) = (&mut self.syncing, &self.to) {
            syncing.finish(file.file()).map_err(FileError::when(Doing::Sync, &self.path))?;
        }
        Ok(())
    }

    pub(super) fn woken(&mut self, cx: &mut Context<'_>) -> Result<(), CsvError> {
        self.sync(false, cx)
    }
}

/// For a graph that is let go of before its end. Rows that failed are not tried again.
impl<E, W: Write> Drop for Writer<E, W> {
    fn drop(&mut self) {
        let cx = &mut Context::detached(thingflow_core::Instant::ZERO);
        if let Err(error) = self.finish(cx) {
            cx.report("csv::write", &StreamError::caused("the file is not whole", error)); // to the log: nobody else is left
        }
    }
}

impl<E: Serialize, W: Write> Sink for Writer<E, W> {
    type Event = E;
    fn on_next(&mut self, event: E, cx: &mut Context<'_>) -> Receipt {
        self.write(&event, cx).map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_next_ref(&mut self, event: &E, cx: &mut Context<'_>) -> Receipt
    where
        E: Clone,
    {
        self.write(event, cx).map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.woken(cx).map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_flush(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.flush(cx).map(|()| Demand::More).map_err(|error| cx.fatal(error))
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.finish(cx).map_err(|error| cx.fatal(error))
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("csv::write", &error);
        self.on_completed(cx)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink("csv::write");
    }
}

impl<E, W: Write> fmt::Debug for Writer<E, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).field("buffered", &self.buffered).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
