//! `write_daily(directory, base)`: one CSV file for each day.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs, io};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use thingflow_core::{Closed, Context, Demand, Receipt, SensorEvent, Sink, StreamError, Timestamp, Visitor};

use super::{CsvError, Writer};
use crate::files::{Doing, FileError, Target};

/// Writes each event to the file of its day, `base-2015-01-31.csv`, where the day is that of the event's timestamp in
/// UTC, not of the clock. A file that is there already is gone on with, see [`Writer::append`].
///
/// ```
/// # use thingflow_core::prelude::*;
/// # let dir = tempfile::tempdir()?;
/// # let dir = dir.path();
/// let day = |d: i64| SensorEvent::new("lux", Timestamp::from_secs(86_400 * d), 20.0);
/// pipe().to(thingflow_adapters::csv::write_daily(dir, "lux")?).feed([day(0), day(1)])?;
/// assert!(dir.join("lux-1970-01-01.csv").exists() && dir.join("lux-1970-01-02.csv").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If there is no such directory.
pub fn write_daily<V: Serialize>(directory: impl AsRef<Path>, base: &str) -> Result<DailyWriter<V>, CsvError> {
    DailyWriter::new(directory, base)
}

/// A Thing that writes sensor events to one file a day.
///
/// It keeps the files of up to 32 days open, so that events of several days may come in turns, such as those of sensors
/// whose messages are late.
pub struct DailyWriter<V> {
    directory: PathBuf,
    base: String,
    zone: TimeZone,
    keep_days: Option<u32>,
    buffered: bool,
    sync_every: Option<Duration>,
    units: Vec<(String, String)>,
    /// The one that was written to last comes last.
    open: Vec<(Date, Writer<SensorEvent<V>>)>,
    /// How long the files were that have been closed: these need not be looked through again.
    closed: HashMap<Date, u64>,
    /// The newest day so far.
    newest: Option<Date>,
}

/// How many files are kept open.
const OPEN: usize = 32;
/// How many that are closed are remembered.
const CLOSED: usize = 4096;

impl<V: Serialize> DailyWriter<V> {
    /// A writer to files in the directory. A `/` in the base name becomes a `_`.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn new(directory: impl AsRef<Path>, base: &str) -> Result<Self, CsvError> {
        let (directory, base) = (directory.as_ref().to_owned(), base.replace(['/', '\\', '\0'], "_"));
        if !directory.is_dir() {
            let file = directory.join(format!("{base}-….csv"));
            return Err(FileError::when(Doing::Create, &file)(io::ErrorKind::NotFound.into()).into());
        }
        Ok(Self {
            directory,
            base,
            zone: TimeZone::UTC,
            keep_days: None,
            buffered: false,
            sync_every: None,
            units: Vec::new(),
            open: Vec::new(),
            closed: HashMap::new(),
            newest: None,
        })
    }

    /// Days are those of this time zone, such as `Europe/Berlin`, summer time included.
    ///
    /// # Errors
    /// If the system does not know the zone (it reads `/usr/share/zoneinfo`).
    pub fn in_zone(self, zone: &str) -> Result<Self, CsvError> {
        let zone = TimeZone::get(zone).map_err(|error| CsvError::zone(zone, error))?;
        Ok(Self { zone, ..self })
    }

    /// Days are those of the time zone of the system.
    ///
    /// # Errors
    /// If the system does not say what its time zone is.
    pub fn local_time(self) -> Result<Self, CsvError> {
        let zone = TimeZone::try_system().map_err(|error| CsvError::zone("", error))?;
        Ok(Self { zone, ..self })
    }

    /// Removes the files of days that are over for so long, when a new day begins: with 30, the newest day and the 29 before
    /// it stay, by the days of the events. Only files of this base name with the date of a day are removed.
    #[must_use]
    pub fn keep_days(self, days: u32) -> Self {
        Self { keep_days: Some(days), ..self }
    }

    /// Collects rows before they are written, see [`Writer::buffered`].
    #[must_use]
    pub fn buffered(self) -> Self {
        Self { buffered: true, ..self }
    }

    /// Brings what has been written to the disk once in a while, see [`Writer::sync_every`].
    #[must_use]
    pub fn sync_every(self, every: Duration) -> Self {
        Self { sync_every: Some(every), ..self }
    }

    /// Says in the headers in which unit a field is, see [`Writer::units`].
    #[must_use]
    pub fn units(self, units: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        Self { units: units.into_iter().map(|(name, unit)| (name.into(), unit.into())).collect(), ..self }
    }

    fn write(&mut self, event: &SensorEvent<V>, cx: &mut Context<'_>) -> Result<(), CsvError> {
        let day = self.day(event.ts);
        if self.open.last().is_none_or(|(last, _)| *last != day) {
            self.turn_to(day, cx)?;
        }
        self.open.last_mut().map_or(Ok(()), |(_, writer)| writer.write(event, cx))
    }

    fn day(&self, ts: Timestamp) -> Date {
        // Every timestamp lies within the years that jiff knows.
        let time = jiff::Timestamp::from_nanosecond(ts.as_nanos().into()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        time.to_zoned(self.zone.clone()).date()
    }

    /// Makes the file of a day the last one that is open.
    fn turn_to(&mut self, day: Date, cx: &mut Context<'_>) -> Result<(), CsvError> {
        if let Some(at) = self.open.iter().position(|(open, _)| *open == day) {
            let open = self.open.remove(at);
            self.open.push(open);
            return Ok(());
        }
        if self.open.len() >= OPEN {
            let (day, writer) = self.open.remove(0);
            self.close(day, writer, cx)?;
        }
        let mut writer = Writer::append(self.path(day))?.units(self.units.iter().cloned());
        writer.whole = self.closed.remove(&day);
        if self.buffered {
            writer = writer.buffered();
        }
        if let Some(every) = self.sync_every {
            writer = writer.sync_every(every);
        }
        self.open.push((day, writer));
        if self.newest.is_none_or(|newest| newest < day) {
            self.newest = Some(day);
            self.remove_old(day, cx);
        }
        Ok(())
    }

    fn path(&self, day: Date) -> PathBuf {
        self.directory.join(format!("{}-{day}.csv", self.base))
    }

    /// What cannot be removed is reported: the events go on.
    fn remove_old(&self, newest: Date, cx: &Context<'_>) {
        let Some(days) = self.keep_days else { return };
        let names = fs::read_dir(&self.directory).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in names.filter(|path| self.day_of(path).is_some_and(|day| is_over(day, newest, days))) {
            if let Err(error) = fs::remove_file(&path) {
                let error = FileError::when(Doing::Remove, &path)(error);
                cx.report("csv::write_daily", &StreamError::caused("an old file stays", error));
            }
        }
    }

    /// The day of one of our files, one that has been set aside too.
    fn day_of(&self, path: &Path) -> Option<Date> {
        let name = path.file_name()?.to_str()?;
        let rest = name.strip_prefix(&self.base)?.strip_prefix('-')?;
        let (day, rest) = rest.split_at_checked("2015-01-31".len())?;
        let number = rest.strip_suffix(".damaged").unwrap_or(rest).strip_suffix(".csv")?;
        let numbered = number.is_empty()
            || number.strip_prefix('.').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        day.parse().ok().filter(|_| numbered)
    }
}

fn is_over(day: Date, newest: Date, keep: u32) -> bool {
    newest.since(day).is_ok_and(|since| since.get_days() >= i32::try_from(keep.max(1)).unwrap_or(i32::MAX))
}

impl<V> DailyWriter<V> {
    fn close(&mut self, day: Date, mut writer: Writer<SensorEvent<V>>, cx: &mut Context<'_>) -> Result<(), CsvError> {
        writer.finish(cx)?;
        if let Target::Growing(file) = &writer.to
            && self.closed.len() < CLOSED
            && let Ok(metadata) = file.file().metadata()
        {
            self.closed.insert(day, metadata.len());
        }
        Ok(())
    }

    fn close_all(&mut self, cx: &mut Context<'_>) -> Result<(), CsvError> {
        let mut open = std::mem::take(&mut self.open).into_iter();
        open.try_for_each(|(_, mut writer)| writer.finish(cx))
    }
}

impl<V: Serialize> Sink for DailyWriter<V> {
    type Event = SensorEvent<V>;
    fn on_next(&mut self, event: SensorEvent<V>, cx: &mut Context<'_>) -> Receipt {
        self.write(&event, cx).map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_next_ref(&mut self, event: &SensorEvent<V>, cx: &mut Context<'_>) -> Receipt
    where
        SensorEvent<V>: Clone,
    {
        self.write(event, cx).map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        let woken = self.open.iter_mut().try_for_each(|(_, writer)| writer.woken(cx));
        woken.map(|()| Demand::More).map_err(|error| cx.fatal(error))
    }
    fn on_flush(&mut self, cx: &mut Context<'_>) -> Receipt {
        let flushed = self.open.iter_mut().try_for_each(|(_, writer)| writer.flush(cx));
        flushed.map(|()| Demand::More).map_err(|error| cx.fatal(error))
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.close_all(cx).map_err(|error| cx.fatal(error))
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("csv::write_daily", &error);
        self.on_completed(cx)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink("csv::write_daily");
    }
}

impl<V> fmt::Debug for DailyWriter<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DailyWriter")
            .field("directory", &self.directory)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
