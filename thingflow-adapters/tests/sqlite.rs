//! SQLite as the store of record: kills, damage, long readers, locks, poison.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use support::written::{Written, written};
use tempfile::TempDir;
use thingflow_adapters::sqlite::{Reader, Row, Writer};
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, Store, Weather, check_writer};
use thingflow_core::tracking::{Tracked, Tracker, Tracking};
use thingflow_core::{Backoff, Delivery, OnFailure, OnSetup, Periodic};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    number: u64,
    litres: f64,
}

impl Level {
    fn of(number: u64) -> Self {
        Self { number, litres: 0.5 }
    }
}

fn by_number(writer: Writer<Level>) -> Writer<Level> {
    writer.key("tank", |level: &Level| Some(level.number))
}

fn numbers(path: &Path, table: &str) -> Result<Vec<u64>> {
    Ok(Reader::<Level>::open(path, table)?.flow().map(|row| row.record.number).collect_now())
}

/// Writes the events in one run, each in a turn of its own.
fn run<E: Clone + Serialize + Send + 'static>(
    writer: Writer<E>,
    events: impl IntoIterator<Item = E, IntoIter: 'static>,
) -> Result<Written<E>> {
    let delivery = Delivery::within(Limit::block(100)).batches_of(10);
    written("sqlite", writer, delivery, events.into_iter().map(|event| vec![event]))
}

/// A file that another program locks.
struct Board {
    folder: TempDir,
    lock: Option<Connection>,
}

impl Board {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Connection::open(folder.path().join("board.db")).unwrap();
        let table =
            "CREATE TABLE tank (row_id INTEGER PRIMARY KEY, number INTEGER NOT NULL, litres REAL CHECK (litres >= 0),
                     key_flow TEXT, key_sequence INTEGER, UNIQUE (key_flow, key_sequence))";
        db.execute_batch(table).unwrap();
        Self { folder, lock: None }
    }
    fn path(&self) -> PathBuf {
        self.folder.path().join("board.db")
    }
}

impl Store for Board {
    type Event = Level;
    type Writer = Writer<Level>;
    fn writer(&mut self) -> Writer<Level> {
        by_number(Writer::new(self.path(), "tank")).busy_timeout(Duration::from_millis(100))
    }
    fn wrong_writer(&mut self) -> Option<Writer<Level>> {
        Some(by_number(Writer::new(self.path(), "tonk")))
    }
    fn event(&self, number: u64) -> Level {
        Level::of(number)
    }
    fn poison(&self) -> Option<Level> {
        Some(Level { number: 1_000_000, litres: -1.0 })
    }
    fn disturb(&mut self, weather: Weather) {
        self.lock = None;
        if weather != Weather::Calm {
            let lock = Connection::open(self.path()).unwrap();
            lock.execute_batch("BEGIN IMMEDIATE").unwrap();
            self.lock = Some(lock);
        }
    }
    fn stored(&mut self) -> Vec<u64> {
        numbers(&self.path(), "tank").unwrap()
    }
}

#[test]
fn a33_a34_the_writer_keeps_the_promises_of_writers() {
    check_writer(Board::new);
}

/// The child of the next test: writes one row after the other, and says which are on the disk.
#[test]
fn writes_until_it_is_killed() -> Result {
    let Some(path) = std::env::var_os("THINGFLOW_TEST_SQLITE") else { return Ok(()) };
    let first = numbers(Path::new(&path), "tank").map_or(0, |numbers| numbers.len() as u64);
    let mut scheduler = Scheduler::new()?;
    let writer = Writer::<Tracked<Level, u64>>::new(path, "tank")
        .create_table()
        .key("tank", |level| level.metadata().next().copied());
    let delivery = Delivery::within(Limit::block(50)).batches_of(7);
    let (sink, _) = scheduler.worker("sqlite", writer, delivery)?;
    let tracker = Tracker::new(|settled, _| {
        println!("stored {}", settled.meta);
        Ok(())
    });
    // The last ones again, as an outbox does that does not know whether they have arrived.
    let levels = from_iter(first.saturating_sub(20)..).map(Level::of).track_by(&tracker, |level| level.number);
    scheduler.schedule_recurring(levels.connect(sink))?;
    scheduler.run_forever()?;
    Ok(())
}

#[test]
fn a30_killed_in_the_middle_of_a_batch_nothing_acknowledged_is_lost_and_nothing_is_there_twice() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("board.db");
    let mut acknowledged = 0;
    for round in 0..10 {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", "writes_until_it_is_killed", "--nocapture"])
            .env("THINGFLOW_TEST_SQLITE", &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let wanted = 5 + round * 3;
        let mut seen = 0;
        while seen < wanted {
            let line = lines.next().ok_or("the child has ended")??;
            if let Some(number) = line.strip_prefix("stored ") {
                acknowledged = acknowledged.max(number.parse::<u64>()?);
                seen += 1;
            }
        }
        child.kill()?;
        child.wait()?;
        let stored = numbers(&path, "tank")?;
        assert_eq!(stored, (0..stored.len() as u64).collect::<Vec<_>>(), "round {round}");
        assert!(stored.len() as u64 > acknowledged, "round {round}: {acknowledged} was acknowledged");
    }
    Ok(())
}

#[test]
fn a30_the_file_is_set_up_to_survive_power_cuts() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("board.db");
    run(Writer::new(&path, "tank").create_table(), (0..5).map(Level::of))?.0?;
    let db = Connection::open(&path)?;
    assert_eq!(db.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0))?, "wal");
    let sql: String = db.query_row("SELECT sql FROM sqlite_schema WHERE name = 'tank'", [], |row| row.get(0))?;
    assert_eq!(
        sql,
        r#"CREATE TABLE "tank" ("row_id" INTEGER PRIMARY KEY AUTOINCREMENT, "number" INTEGER, "litres" REAL)"#
    );
    Ok(())
}

#[test]
fn a30_a_damaged_file_is_moved_aside_and_told_and_a_new_one_begun() -> Result {
    type Damages = fn(&mut Vec<u8>);
    let damages: [Damages; 3] = [
        |bytes| bytes[..100].fill(0),
        |bytes| bytes.iter_mut().skip(4096).for_each(|byte| *byte ^= 0x5A),
        |bytes| *bytes = b"the card was used for something else".repeat(300),
    ];
    for damage in damages {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("board.db");
        run(Writer::new(&path, "tank").create_table(), (0..1000).map(Level::of))?.0?;
        let mut bytes = fs::read(&path)?;
        damage(&mut bytes);
        fs::write(&path, &bytes)?;

        let mut scheduler = Scheduler::virtual_time()?;
        let reports = scheduler.reports();
        let told = Recorder::new();
        reports.map(|report| report.error.to_string()).connect(told.clone());
        let delivery = Delivery::within(Limit::block(100)).on_setup(OnSetup::End);
        let (sink, _) = scheduler.worker("sqlite", Writer::new(&path, "tank").create_table(), delivery)?;
        scheduler.schedule_recurring(from_iter((0..20).map(Level::of)).connect(sink))?;
        scheduler.run_forever()?;
        assert_eq!(numbers(&path, "tank")?, (0..20).collect::<Vec<_>>());
        assert_eq!(fs::read(folder.path().join("board.db.damaged"))?, bytes);
        let told = told.events();
        assert!(told.len() == 1 && told[0].contains("was damaged") && told[0].contains("board.db.damaged"), "{told:?}");
    }
    Ok(())
}

#[test]
fn a30_damage_that_is_come_across_while_writing_is_told_too() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("board.db");
    run(Writer::new(&path, "tank").create_table(), (0..5000).map(Level::of))?.0?;
    let mut bytes = fs::read(&path)?;
    bytes.iter_mut().skip(4096).for_each(|byte| *byte = 0xFF);
    fs::write(&path, &bytes)?;
    let (ended, stats, _) = run(Writer::new(&path, "tank").create_table().unchecked(), (0..20).map(Level::of))?;
    ended?;
    assert_eq!((stats.delivered, stats.lost), (20, 0));
    assert_eq!(numbers(&path, "tank")?, (0..20).collect::<Vec<_>>());
    assert!(folder.path().join("board.db.damaged").exists());
    Ok(())
}

#[test]
fn a30_a_long_reader_does_not_make_the_log_grow_without_end() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("board.db");
    let limit = 200_000;
    run(Writer::new(&path, "tank").create_table(), [Level::of(0)])?.0?;
    let reader = Connection::open(&path)?;
    reader.execute_batch("BEGIN; SELECT * FROM tank;")?;
    let mut reader = Some(reader);

    let mut scheduler = Scheduler::virtual_time()?;
    let writer = Writer::new(&path, "tank").log_limit(limit).busy_timeout(Duration::from_millis(20));
    let retry = Backoff::constant(10 * SECOND);
    let delivery = Delivery::within(Limit::block(100)).batches_of(20).retry(retry);
    let (sink, _) = scheduler.worker("sqlite", writer, delivery)?;
    let meter = sink.meter();
    let log = folder.path().join("board.db-wal");
    let longest = Recorder::new();
    let lengths = interval(SECOND).take(40).map(move |_| fs::metadata(&log).map_or(0, |metadata| metadata.len()));
    scheduler.schedule_recurring(lengths.connect(longest.clone()))?;
    let ends = call(move |()| drop(reader.take()));
    scheduler.schedule_later_one_time(from_iter([()]).connect(ends), 30 * SECOND)?;
    scheduler.schedule_recurring(from_iter((1..3000).map(Level::of)).connect(sink))?;
    scheduler.run_forever()?;

    let longest = longest.events().into_iter().max().ok_or("no length")?;
    assert!((limit..limit + 100_000).contains(&longest), "{longest} bytes");
    assert_eq!((meter.stats().delivered, meter.stats().dead), (2999, 0));
    assert_eq!(numbers(&path, "tank")?.len(), 3000);
    Ok(())
}

#[test]
fn each_kind_of_value_comes_back() -> Result {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        on: bool,
        small: i64,
        text: String,
        short: f32,
        long: f64,
        at: Timestamp,
        list: [u8; 2],
        hole: Option<f64>,
    }
    let all = |text: &str, hole| All {
        on: true,
        small: i64::MIN,
        text: text.into(),
        short: 0.1,
        long: 1e-300,
        at: Timestamp::from_nanos(1_420_110_060_500_000_001),
        list: [1, 2],
        hole,
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("all.db");
    let events = [all("it's; \"so\"\n\0", None), all("", Some(1.5)), all("ü", None)];
    // The table gets its last column with the second event.
    run(Writer::new(&path, "a \"b\"").create_table(), events.clone())?.0?;
    let read = Reader::<All>::open(&path, "a \"b\"")?.flow().map(|row| row.record).collect_now();
    assert_eq!(read, events);
    let db = Connection::open(&path)?;
    let seen: (String, f64) =
        db.query_row("SELECT datetime(at / 1000000000, 'unixepoch'), short FROM \"a \"\"b\"\"\"", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    assert_eq!(seen, ("2015-01-01 11:01:00".to_owned(), 0.1));
    Ok(())
}

#[test]
fn what_no_row_can_be_made_of_is_a_dead_letter() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("board.db");
    let numbers = [1, u64::MAX, 2, 1 << 63, 3];
    let (ended, stats, dead) = run(Writer::new(&path, "counts").create_table(), numbers)?;
    ended?;
    assert_eq!((stats.delivered, stats.dead), (3, 2));
    let texts: Vec<String> = dead.iter().map(|letter| letter.error.to_string()).collect();
    assert!(texts[0].contains("`value`") && texts[0].contains("9223372036854775807"), "{texts:?}");
    let events = [vec![b'x'].into_iter().collect::<std::collections::BTreeSet<u8>>(); 1];
    let (_, stats, _) = run(Writer::new(&path, "counts"), events)?;
    assert_eq!(stats.delivered, 0, "a column that does not exist is the set-up's fault");
    Ok(())
}

/// Writes a hundred events at once, the 51st and the 90th of which have a negative number of litres.
fn a_hundred(table: &str) -> Result<(Written<Level>, Vec<u64>)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("board.db");
    Connection::open(&path)?.execute_batch(table)?;
    let litres = |number| if number == 50 || number == 89 { -1.0 } else { 0.5 };
    let events = (0..100).map(move |number| Level { number, litres: litres(number) });
    let delivery = Delivery::within(Limit::block(100)).batches_of(100);
    let ran = written("sqlite", Writer::new(&path, "tank"), delivery, [events.collect()])?;
    Ok((ran, numbers(&path, "tank")?))
}

#[test]
fn rows_that_are_written_together_are_there_once_whatever_the_table_does_on_a_conflict() -> Result {
    let rows = "row_id INTEGER PRIMARY KEY, number INTEGER";
    let checked = format!("CREATE TABLE tank ({rows}, litres REAL CHECK (litres >= 0))");
    let failing = format!(
        "CREATE TABLE tank ({rows}, litres REAL, bad INTEGER AS (nullif(litres, -1)) NOT NULL ON CONFLICT FAIL)"
    );
    let trigger = |what: &str| {
        format!(
            "CREATE TABLE tank ({rows}, litres REAL); CREATE TRIGGER refuses BEFORE INSERT ON tank WHEN NEW.litres < 0 \
             BEGIN SELECT RAISE({what}); END"
        )
    };
    let good: Vec<u64> = (0..100).filter(|number| ![50, 89].contains(number)).collect();
    for table in [checked, failing, trigger("ABORT, 'no'"), trigger("FAIL, 'no'")] {
        let ((ended, stats, dead), stored) = a_hundred(&table)?;
        assert_eq!((ended, stats.delivered, stats.dead), (Ok(()), 98, 2), "{table}");
        assert_eq!(dead.iter().map(|letter| letter.event.number).collect::<Vec<_>>(), [50, 89], "{table}");
        assert_eq!(stored, good, "{table}");
    }
    let ((ended, stats, _), stored) = a_hundred(&trigger("IGNORE"))?;
    assert_eq!((ended, stats.delivered, stored), (Ok(()), 100, good));

    let newest = format!("CREATE TABLE tank ({rows}, litres REAL UNIQUE ON CONFLICT REPLACE)");
    let ((ended, stats, _), stored) = a_hundred(&newest)?;
    assert_eq!((ended, stats.delivered, stored), (Ok(()), 100, vec![89, 99]), "the newest of each number of litres");

    let ((ended, stats, _), stored) = a_hundred(&trigger("ROLLBACK, 'no'"))?;
    let error = ended.expect_err("nothing can be written that way");
    assert!(error.contains("rolls the whole transaction back"), "{error}");
    // What came in time for an earlier transaction than the first bad row has been written.
    assert!(stats.delivered <= 50, "{}", stats.delivered);
    assert_eq!(stored, (0..stats.delivered).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_set_up_that_is_wrong_says_how_to_mend_it() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("board.db");
    Connection::open(&path)?.execute_batch("CREATE TABLE tank (number INTEGER)")?;
    let text = |writer| -> Result<String> { Ok(run(writer, [Level::of(1)])?.0.unwrap_err()) };
    let other = text(Writer::new(&path, "lux"))?;
    assert!(other.contains("invalid table `lux`") && other.contains("`create_table`"), "{other}");
    let column = text(Writer::new(&path, "tank"))?;
    assert!(column.contains("no column `litres`"), "{column}");
    let nowhere = text(Writer::new(folder.path().join("no/such/folder.db"), "tank"))?;
    assert!(nowhere.contains("cannot open"), "{nowhere}");
    let keyed = text(by_number(Writer::new(&path, "tank")))?;
    assert!(keyed.contains("key_flow"), "{keyed}");
    Ok(())
}

#[test]
fn the_past_is_kept_as_long_as_it_is_asked_for() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("board.db");
    run(Writer::new(&path, "tank").create_table().keep_rows(30), (0..500).map(Level::of))?.0?;
    assert_eq!(numbers(&path, "tank")?, (470..500).collect::<Vec<_>>());
    let rows = Reader::<Level>::open(&path, "tank")?.after(490).flow().map(|Row { id, record }| (id, record.number));
    assert_eq!(rows.collect_now()[0], (491, 490), "numbers of rows are not used again");

    let minute = |n: i64| SensorEvent::new("lux", Timestamp::from_secs(60 * n), n);
    let mut events: Vec<_> = (0..500).map(minute).collect();
    events.insert(250, minute(1 << 30)); // a clock that is years ahead
    run(Writer::new(&path, "lux").create_table().keep_for(600 * SECOND), events)?.0?;
    let read = Reader::<SensorEvent<i64>>::open(&path, "lux")?.flow().map(|row| row.record.val).collect_now();
    assert!(read.len() <= 12, "{read:?}");
    Ok(())
}

#[test]
fn a_reader_goes_on_where_it_was_and_passes_rows_that_are_none() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("board.db");
    run(Writer::new(&path, "tank").create_table(), (0..250).map(Level::of))?.0?;
    Connection::open(&path)?.execute("UPDATE tank SET litres = 'much' WHERE number = 120", [])?;
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    let rows = Reader::<Level>::open(&path, "tank")?.after(100).follow().flow().map(|row| row.id);
    let each_second = Periodic::every(SECOND).on_failure(OnFailure::Skip);
    scheduler.schedule_periodic(rows.take(160).connect(seen.clone()), each_second)?;
    let later = path.clone();
    let more = call(move |()| drop(run(Writer::new(&later, "tank"), (250..300).map(Level::of))));
    scheduler.schedule_later_one_time(from_iter([()]).connect(more), 1000 * SECOND)?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), (101..=261).filter(|id| *id != 121).collect::<Vec<_>>());
    let error = Reader::<Level>::open(&path, "tonk").map(drop).unwrap_err().to_string();
    assert!(error.contains("`tonk`"), "{error}");
    Ok(())
}
