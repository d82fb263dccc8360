//! [`Writer`]: events as rows of files that are whole or not there.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use thingflow_core::{Closed, Context, Demand, Instant, Receipt, Sink, Size, StreamError, Visitor};

use super::ParquetError;
use super::columns::{Columns, NoRow};
use crate::files::{Doing, FileError, GrowingFile};

/// A Thing that writes events as rows of Parquet files: whatever is `Serialize`, [tracked](thingflow_core::tracking) events among
/// them. The columns are the event's [`fields`](crate::fields); times are nanoseconds in UTC, what is missing is null.
///
/// Rows are collected in memory, until the stream ends, or a limit is reached: [`max_rows`](Self::max_rows),
/// [`max_bytes`](Self::max_bytes), [`max_age`](Self::max_age), or a [flush](thingflow_core::Notice::Flush) asks for it, as a stop
/// does. Then a file is written under another name, `lux.parquet.partial`, synced, and renamed: a file that is there is whole. The first is `lux.parquet`, those that follow are `lux.1.parquet`, `lux.2.parquet`, and so on; a file
/// that exists is never replaced. What a kill finds in memory is lost, unless the events are tracked: these are done when
/// their file is there, and come again if it is not.
///
/// A file takes as long as the disk does, so put the writer on a thread of its own:
///
/// ```
/// # use thingflow_core::prelude::*;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("lux.parquet");
/// use thingflow_adapters::parquet::Writer;
/// let mut scheduler = Scheduler::virtual_time()?;
/// let writer = Writer::new(&path).max_rows(50_000_usize);
/// let file = scheduler.edge_sink("parquet", writer, Limit::block(1000))?;
/// let lux = (0..100).map(|n| SensorEvent::new("lux", Timestamp::from_secs(n), 20.5));
/// scheduler.schedule_recurring(from_iter(lux).connect(file))?;
/// scheduler.run_forever()?;
/// assert!(path.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A file that cannot be written ends the run, as does a field whose type changes.
#[doc(alias = "pandas")]
pub struct Writer<E> {
    path: PathBuf,
    rows: usize,
    bytes: usize,
    max_age: Option<Duration>,
    columns: Columns,
    /// Held until their file is there.
    events: Vec<E>,
    /// When the file is due.
    due: Instant,
    /// How many files there are; where to look for a free name.
    number: u64,
}

impl<E: Serialize> Writer<E> {
    /// A writer to files of this name, beginning with the first that is free.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            rows: usize::MAX,
            bytes: usize::MAX,
            max_age: None,
            columns: Columns::default(),
            events: Vec::new(),
            due: Instant::NEVER,
            number: 0,
        }
    }

    /// Begins another file after so many rows.
    #[must_use]
    #[track_caller]
    pub fn max_rows(self, most: impl Into<Size>) -> Self {
        Self { rows: most.into().get(), ..self }
    }

    /// Begins another file when the values of the rows take so many bytes in memory. Files are smaller, since what repeats is
    /// written once.
    #[must_use]
    #[track_caller]
    pub fn max_bytes(self, most: impl Into<Size>) -> Self {
        Self { bytes: most.into().get(), ..self }
    }

    /// Begins another file so long after the first row of this one.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: Some(age), ..self }
    }

    fn take(&mut self, event: E, cx: &mut Context<'_>) -> Result<(), ParquetError> {
        self.columns.add(&event).map_err(|why| match why {
            NoRow::Record(error) => ParquetError::Event { path: self.path.clone(), error },
            NoRow::Type(field) => ParquetError::Type { path: self.path.clone(), field },
            NoRow::Twice(field) => ParquetError::format(&self.path, format!("the event has two fields `{field}`")),
            NoRow::NoField => ParquetError::format(&self.path, "the event has no fields, so there is nothing to write"),
        })?;
        self.events.push(event);
        if let Some(max_age) = self.max_age {
            if self.columns.rows() == 1 {
                self.due = cx.now() + max_age;
            }
            cx.wake_at(self.due);
        }
        if self.columns.rows() >= self.rows || self.columns.bytes() >= self.bytes {
            self.write()?;
        }
        Ok(())
    }

    /// Makes a file of the rows, if there are any.
    fn write(&mut self) -> Result<(), ParquetError> {
        if self.columns.rows() == 0 {
            return Ok(());
        }
        let mut partial = self.path.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let written = self.write_to(&partial);
        if written.is_err() {
            let _ = fs::remove_file(&partial); // it says nothing, and there may be none
        }
        written?;
        self.columns.clear();
        self.events.clear();
        self.due = Instant::NEVER;
        Ok(())
    }

    fn write_to(&mut self, partial: &Path) -> Result<(), ParquetError> {
        // Its lock keeps other writers of the same files out.
        let file = GrowingFile::create(partial).map_err(FileError::when(Doing::Create, partial))?;
        self.columns.write(file.file()).map_err(|error| ParquetError::format(partial, error))?;
        file.file().sync_all().map_err(FileError::when(Doing::Sync, partial))?;
        let path = self.free_name();
        fs::rename(partial, &path).map_err(FileError::when(Doing::Create, &path))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(synced.map_err(FileError::when(Doing::Sync, folder))?)
    }

    fn free_name(&mut self) -> PathBuf {
        loop {
            let path = match (self.number, self.path.extension()) {
                (0, _) => self.path.clone(),
                (number, Some(extension)) => self.path.with_extension(format!("{number}.{}", extension.display())),
                (number, None) => self.path.with_extension(number.to_string()),
            };
            self.number += 1;
            if fs::symlink_metadata(&path).is_err() {
                return path;
            }
        }
    }
}

impl<E: Serialize> Sink for Writer<E> {
    type Event = E;
    fn on_next(&mut self, event: E, cx: &mut Context<'_>) -> Receipt {
        self.take(event, cx).map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        if self.due <= cx.now() {
            self.write().map_err(|error| cx.fatal(error))?;
        }
        cx.wake_at(self.due);
        Ok(Demand::More)
    }
    fn on_flush(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.write().map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.write().map_err(|error| cx.fatal(error))
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("parquet", &error);
        self.on_completed(cx)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink("parquet");
    }
}

impl<E> fmt::Debug for Writer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, rows, bytes, max_age, .. } = self;
        let mut shown = f.debug_struct("Writer");
        shown
            .field("path", path)
            .field("rows", rows)
            .field("bytes", bytes)
            .field("max_age", max_age)
            .finish_non_exhaustive()
    }
}
