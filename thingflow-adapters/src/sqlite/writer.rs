//! [`Writer`]: events as rows.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::TransactionBehavior;
use serde::Serialize;
use thingflow_core::{Batch, Refusal, StreamError, Worker};

use super::SqliteError;
use super::error::{Fault, event, setup};
use super::insert::{Insert, NoRow, Statements};
use super::open::Open;
use super::retention::Retention;
use crate::fields::Flattener;
use crate::tables::{FLOW, Key, SEQUENCE, is_own, new_columns};

/// A [`Worker`] that writes events as rows of a table: whatever is `Serialize`, [tracked](thingflow_core::tracking) events
/// among them, which are done when they are on the disk.
///
/// A batch is a transaction: after a kill or a power cut it is there as a whole or not at all. What was in hand then is sent
/// again by whoever kept it, so give the rows a [`key`](Self::key) if none may be there twice.
///
/// | what happens | what follows |
/// |---|---|
/// | a row breaks a constraint of the table, or cannot be made of the event | that event is a dead letter, the others are written |
/// | another program has the file locked, the disk is full | the events wait and are tried again |
/// | the table does not exist, or lacks a column | the set-up is at fault, unless [`create_table`](Self::create_table) |
/// | the file is damaged | it is moved aside, `board.db.damaged`, with its log; that is reported, and a new one begun |
///
/// ```
/// use serde::Serialize;
/// use thingflow_adapters::sqlite::Writer;
/// use thingflow_core::tracking::Tracked;
/// #[derive(Serialize)]
/// struct Weather { temperature: f64, humidity: Option<f64> }
/// // By an outbox, whose events carry their numbers.
/// let writer = Writer::<Tracked<Weather, u64>>::new("weather.db", "weather")
///     .create_table()
///     .key("garden", |event| event.metadata().next().copied());
/// ```
pub struct Writer<E> {
    path: PathBuf,
    table: String,
    settings: Settings,
    key: Option<Key<E>>,
    open: Option<Open>,
    /// For the columns that the table has.
    statements: Statements,
    flattener: Flattener,
}

/// How the file is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    creates: bool,
    pub(super) full: bool,
    pub(super) checks: bool,
    pub(super) busy: Duration,
    pub(super) log_limit: u64,
    retention: Retention,
}

impl<E: Serialize> Writer<E> {
    /// A writer to a table of the file, which is opened by the first batch and created if it does not exist.
    pub fn new(path: impl Into<PathBuf>, table: impl Into<String>) -> Self {
        let settings = Settings {
            creates: false,
            full: true,
            checks: true,
            busy: Duration::from_secs(5),
            log_limit: 16 << 20,
            retention: Retention::default(),
        };
        Self {
            path: path.into(),
            table: table.into(),
            settings,
            key: None,
            open: None,
            statements: Statements::default(),
            flattener: Flattener::default(),
        }
    }

    /// Makes the table of the first event, if it does not exist, and adds columns for new fields. It has a column `row_id`
    /// besides, which numbers the rows, never twice the same.
    #[must_use]
    pub fn create_table(mut self) -> Self {
        self.settings.creates = true;
        self
    }

    /// Knows an event that is sent again by the name of the flow and its number in it, and writes it once. An event without a
    /// number is always written. The table needs the columns `key_flow` and `key_sequence`, unique together.
    #[must_use]
    pub fn key(mut self, flow: impl Into<String>, number: impl Fn(&E) -> Option<u64> + Send + 'static) -> Self {
        self.key = Some(Key::new(flow.into(), number));
        self
    }

    /// Keeps the last `rows` rows and deletes those before. Their room in the file is used again; it does not get shorter.
    #[must_use]
    pub fn keep_rows(mut self, rows: u64) -> Self {
        self.settings.retention.rows = Some(rows);
        self
    }

    /// Keeps rows whose `timestamp` is not older than this: than the newest row, or than now if that lies in the future.
    #[must_use]
    pub fn keep_for(mut self, time: Duration) -> Self {
        self.settings.retention.time = Some(time);
        self
    }

    /// Does not wait for the disk with each batch (`synchronous=NORMAL`): the file stays whole in a power cut, but the last
    /// batches may be missing, though they count as delivered. For what is stored elsewhere too.
    #[must_use]
    pub fn without_sync(mut self) -> Self {
        self.settings.full = false;
        self
    }

    /// Does not look through the file for damage when it is opened, which takes as long as reading all of it. Damage is then
    /// noticed when it is come across.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.settings.checks = false;
        self
    }

    /// How long another program is waited for that has the file locked: 5 s unless told otherwise. Then it is tried again
    /// later.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.settings.busy = timeout;
        self
    }

    /// How many bytes the write-ahead log may have, by a batch more or less: 16 MiB unless told otherwise. It is emptied into the file by itself, unless
    /// a reader has a transaction open; at the limit events wait until that ends.
    #[must_use]
    pub fn log_limit(mut self, bytes: u64) -> Self {
        self.settings.log_limit = bytes;
        self
    }

    fn open(&mut self) -> Result<(), Refusal> {
        self.open = None;
        let open = Open::new(&self.path, &self.table, &self.settings)?;
        if open.columns.is_empty() && !self.settings.creates {
            return Err(setup(open.table_error("it does not exist; create it, or have it made by `create_table`")));
        }
        self.prepare(open);
        self.check_key()
    }

    /// A row that is sent again can only be known by a unique index.
    fn check_key(&mut self) -> Result<(), Refusal> {
        let Some(open) = self.open.take_if(|_| self.key.is_some() && !self.settings.creates) else { return Ok(()) };
        match self.statements.check(&open.db) {
            Err(error) if Fault::of(&error) == Fault::Setup => {
                let what = format!(
                    "it cannot know rows that are sent again ({error}); give it the columns `{FLOW}` and `{SEQUENCE}`, \
                     unique together"
                );
                return Err(setup(open.table_error(what)));
            }
            Err(error) => return Err(open.refusal("write to", error)),
            Ok(()) => self.open = Some(open),
        }
        Ok(())
    }

    fn prepare(&mut self, open: Open) {
        self.statements = Statements::new(&self.table, &open.columns, self.key.is_some());
        self.open = Some(open);
    }

    /// Makes the columns that the event needs.
    fn widen(&mut self, mut open: Open, first: &E) -> Result<(), Refusal> {
        let new = new_columns(&mut self.flattener, first, &|name| open.has(name) && !is_own(name));
        let new = new.map_err(|error| event(0, SqliteError::Record { table: self.table.clone(), row: None, error }))?;
        if let Some((name, _)) = new.iter().find(|(name, _)| is_own(name)) {
            let what = format!("the event has a field `{name}`, which is a column of our own; rename the field");
            return Err(setup(open.table_error(what)));
        }
        if !self.settings.creates {
            let names: Vec<&str> = new.iter().map(|(name, _)| name.as_str()).collect();
            let what = format!("it has no column `{}`; add it, or have it made by `create_table`", names.join("`, `"));
            return Err(setup(open.table_error(what)));
        }
        if new.is_empty() && (self.key.is_none() || open.has(SEQUENCE)) {
            return Err(event(
                0,
                open.table_error("the event has no field with a value, so no table can be made of it"),
            ));
        }
        match open.add(&new, self.key.is_some()) {
            Ok(()) => self.prepare(open),
            Err(error) => return Err(open.refusal("make a table in", error)),
        }
        Ok(())
    }

    /// Writes the events, up to the first that cannot be written.
    fn insert(&mut self, open: &mut Open, batch: &mut Batch<E>) -> Result<(), Stopped> {
        let Open { db, columns, .. } = open;
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut insert = Insert::new(&transaction, &self.statements, columns, &mut self.flattener, self.key.as_ref());
        let outcome = insert.write(batch.iter());
        if let Err(error) | Ok((_, Some(NoRow::Database(error)))) = &outcome
            && Fault::of(error) == Fault::Event
            && transaction.is_autocommit()
        {
            return Err(Stopped::RolledBack);
        }
        let (written, stopped) = outcome?;
        match stopped {
            Some(NoRow::Database(error)) if Fault::of(&error) != Fault::Event => Err(error.into()),
            stopped => {
                self.settings.retention.apply(&transaction, &self.table)?;
                transaction.commit()?;
                batch.done(written);
                stopped.map_or(Ok(()), |why| Err(Stopped::At(why)))
            }
        }
    }

    fn refused(&self, open: &Open, why: NoRow) -> Refusal {
        let error = match why {
            NoRow::Record(error) => SqliteError::Record { table: self.table.clone(), row: None, error },
            NoRow::Column(name) => open.table_error(format!("it has no column `{name}`")),
            NoRow::Database(error) => open.error("write to", error),
        };
        event(0, error)
    }
}

/// Why not all of a batch has been written.
enum Stopped {
    /// Up to an event, which is now the first.
    At(NoRow),
    /// Nothing of it.
    Database(rusqlite::Error),
    /// Nothing of it: the table has undone the transaction because of an event.
    RolledBack,
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl<E: Serialize + Send> Worker<E> for Writer<E> {
    fn connect(&mut self) -> Result<(), Refusal> {
        self.open()
    }

    fn work(&mut self, batch: &mut Batch<E>) -> Result<(), Refusal> {
        while let Some(first) = batch.first() {
            let Some(mut open) = self.open.take() else {
                return Err(Refusal::Peer(StreamError::new("the file is not open")));
            };
            if open.columns.is_empty() || self.key.is_some() && self.settings.creates && !open.has(SEQUENCE) {
                self.widen(open, first)?;
                continue;
            }
            match open.bound_log(self.settings.log_limit, self.settings.busy) {
                Ok(None) => {}
                Ok(Some(bytes)) => return Err(open.log_is_full(bytes)),
                Err(error) => return Err(open.refusal("empty the write-ahead log of", error)),
            }
            match self.insert(&mut open, batch) {
                Ok(()) => self.open = Some(open),
                Err(Stopped::Database(error)) => return Err(open.refusal("write to", error)),
                Err(Stopped::RolledBack) => {
                    let what = "a constraint or a trigger of it rolls the whole transaction back because of one row; let it \
                                abort the statement, as constraints do by default";
                    let refused = setup(open.table_error(what));
                    self.open = Some(open);
                    return Err(refused);
                }
                Err(Stopped::At(NoRow::Column(_))) => {
                    let Some(first) = batch.first() else { return Ok(()) };
                    self.widen(open, first)?;
                }
                Err(Stopped::At(why)) => {
                    let refused = self.refused(&open, why);
                    self.open = Some(open);
                    return Err(refused);
                }
            }
        }
        Ok(())
    }
}

impl<E> fmt::Debug for Writer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, table, settings, .. } = self;
        f.debug_struct("Writer")
            .field("path", path)
            .field("table", table)
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}
