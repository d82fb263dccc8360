//! `write_daily(directory, base)`: one CSV file for each day.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use thingflow_core::{Closed, Columns, Context, Demand, Receipt, SensorEvent, Sink, StreamError, Timestamp, Visitor};

use super::{CsvError, SensorRows, ToRow, Writer};
use crate::file_error::{Doing, FileError};
use crate::log_file::LogFile;

/// Writes each event to the file of its day, `base-2015-01-31.csv`, where the day is that of the event's timestamp in
/// UTC, not of the clock. A file that is there already is appended to, without a second header.
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
pub fn write_daily<V: Columns>(
    directory: impl AsRef<Path>,
    base: &str,
) -> Result<DailyWriter<SensorRows<V>>, CsvError> {
    DailyWriter::new(SensorRows::default(), directory, base)
}

/// A Thing that writes sensor events to one file a day, with a mapping of your own.
pub struct DailyWriter<M> {
    directory: PathBuf,
    base: String,
    mapping: M,
    open: Option<(Day, Writer<M, LogFile>)>,
    buffered: bool,
}

type Day = (i32, u8, u8);

impl<M: ToRow + Clone> DailyWriter<M> {
    /// A writer to files in the directory. A `/` in the base name becomes a `_`.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn new(mapping: M, directory: impl AsRef<Path>, base: &str) -> Result<Self, CsvError> {
        let (directory, base) = (directory.as_ref().to_owned(), base.replace(['/', '\\', '\0'], "_"));
        if !directory.is_dir() {
            let file = directory.join(format!("{base}-….csv"));
            return Err(FileError::when(Doing::Create, &file)(io::ErrorKind::NotFound.into()).into());
        }
        Ok(Self { directory, base, mapping, open: None, buffered: false })
    }

    /// Collects rows before they are written, see [`Writer::buffered`].
    #[must_use]
    pub fn buffered(self) -> Self {
        Self { buffered: true, ..self }
    }

    fn write(&mut self, ts: Timestamp, event: &M::Event) -> Result<(), CsvError> {
        let day = ts.date();
        if let Some((open, writer)) = &mut self.open
            && *open == day
        {
            return writer.write(event);
        }
        self.close()?;
        let mut writer = Writer::append(self.mapping.clone(), self.path(day))?;
        if self.buffered {
            writer = writer.buffered();
        }
        self.open.insert((day, writer)).1.write(event)
    }

    fn path(&self, (year, month, day): Day) -> PathBuf {
        self.directory.join(format!("{}-{year:04}-{month:02}-{day:02}.csv", self.base))
    }

    fn close(&mut self) -> Result<(), CsvError> {
        self.open.take().map_or(Ok(()), |(_, mut writer)| writer.flush())
    }
}

impl<V, M: ToRow<Event = SensorEvent<V>> + Clone> Sink for DailyWriter<M> {
    type Event = SensorEvent<V>;
    fn on_next(&mut self, event: SensorEvent<V>, cx: &mut Context<'_>) -> Receipt {
        self.write(event.ts, &event).map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_next_ref(&mut self, event: &SensorEvent<V>, cx: &mut Context<'_>) -> Receipt
    where
        SensorEvent<V>: Clone,
    {
        self.write(event.ts, event).map_err(|error| cx.fatal(error))?;
        Ok(Demand::More)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.close().map_err(|error| cx.fatal(error))
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("csv writer", &error);
        self.on_completed(cx)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink("csv::write_daily");
    }
}

impl<M> fmt::Debug for DailyWriter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DailyWriter")
            .field("directory", &self.directory)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::read;
    use std::fs;
    use thingflow_core::prelude::{Elementwise, Splitting};
    use thingflow_core::testing::Recorder;
    use thingflow_core::{InputThing, Instant, Port, pipe};

    const DAY_1: i64 = 1_420_110_060; // 2015-01-01 11:01 UTC
    const DAY_2: i64 = DAY_1 + 86_400;

    fn event(id: &'static str, secs: i64, val: f64) -> SensorEvent<f64> {
        SensorEvent::new(id, Timestamp::from_secs(secs), val)
    }

    fn files(dir: &Path) -> Vec<(String, usize)> {
        let mut files: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|e| (e.file_name().into_string().unwrap(), fs::read_to_string(e.path()).unwrap().lines().count()))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn daily_files() {
        // Case 87.
        let dir = tempfile::tempdir().unwrap();
        let seen = Recorder::new();
        let times = [DAY_1, DAY_1 + 60, DAY_2, DAY_2 + 60].into_iter().zip([1.0, 2.0, 3.0, 4.0]);
        let events: Vec<_> = times.map(|(secs, val)| event("dining-room", secs, val)).collect();
        let writer = write_daily(dir.path(), "dining-room").unwrap();
        pipe().tap(writer).to(seen.clone()).feed(events.clone()).unwrap();
        assert_eq!(seen.events(), events);
        assert!(seen.is_completed());
        let names = ["dining-room-2015-01-01.csv", "dining-room-2015-01-02.csv"];
        assert_eq!(files(dir.path()), names.map(|name| (name.to_owned(), 3)));
        assert_eq!(read::<f64>(dir.path().join(names[1])).unwrap().collect_now(), events[2..]);
    }

    #[test]
    fn daily_files_per_sensor() {
        // Case 88.
        const ROOMS: [&str; 2] = ["dining-room", "living-room"];
        let dir = tempfile::tempdir().unwrap();
        let (port, rest) = (Port::<SensorEvent<f64>>::new(), Recorder::new());
        let is = |room: &'static str| move |e: &SensorEvent<f64>| e.sensor_id == room;
        let routes = port.dispatch().rule(ROOMS[0], is(ROOMS[0])).rule(ROOMS[1], is(ROOMS[1])).build();
        for room in ROOMS {
            routes.port(room).unwrap().connect(write_daily(dir.path(), room).unwrap());
        }
        routes.default_port().connect(rest.clone());
        let cx = &mut Context::detached(Instant::ZERO);
        for (room, secs, val) in [(0, DAY_1, 1.0), (1, DAY_1, 2.0), (1, DAY_2, 3.0), (0, DAY_2, 4.0)] {
            port.emit(event(ROOMS[room], secs, val), cx).unwrap();
        }
        port.complete(cx).unwrap();
        let found = files(dir.path());
        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|(_, lines)| *lines == 2), "{found:?}");
        assert_eq!(rest.text(), "|");
    }

    #[test]
    fn a_late_event_goes_to_its_own_day_without_a_second_header() {
        let dir = tempfile::tempdir().unwrap();
        let events = [event("lux", DAY_1, 1.0), event("lux", DAY_2, 2.0), event("lux", DAY_1 + 1, 3.0)];
        pipe().to(write_daily(dir.path(), "lux").unwrap().buffered()).feed(events).unwrap();
        let first = read::<f64>(dir.path().join("lux-2015-01-01.csv")).unwrap().collect_now();
        assert_eq!(first, [events[0], events[2]]);
    }

    #[test]
    fn refuses_what_is_no_directory() {
        let error = write_daily::<f64>("/no/such", "lux").unwrap_err().to_string();
        assert!(error.ends_with("create the directory: mkdir -p /no/such"), "{error}");
    }

    #[test]
    fn a_folder_that_is_removed_ends_the_run_with_advice() {
        for next in [DAY_1, DAY_2] {
            let dir = tempfile::tempdir().unwrap();
            let folder = dir.path().join("data");
            fs::create_dir(&folder).unwrap();
            let mut writer = write_daily(&folder, "lux").unwrap();
            let cx = &mut Context::detached(Instant::ZERO);
            let _ = writer.next(event("lux", DAY_1, 1.0), cx).unwrap();
            fs::remove_dir_all(&folder).unwrap();
            let token = writer.next(event("lux", next, 2.0), cx).unwrap_err();
            let error = cx.take_error(token).to_string();
            assert!(error.ends_with(&format!("create the directory: mkdir -p {}", folder.display())), "{error}");
        }
    }

    #[test]
    fn a_base_name_stays_in_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        pipe().to(write_daily(dir.path(), "../kitchen/lux").unwrap()).feed([event("lux", DAY_1, 1.0)]).unwrap();
        assert_eq!(files(dir.path()), [(".._kitchen_lux-2015-01-01.csv".to_owned(), 2)]);
    }
}
