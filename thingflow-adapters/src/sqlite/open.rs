//! An open file: how it is set up, and what its table has.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use thingflow_core::Refusal;

use super::SqliteError;
use super::damage::{check, move_aside, with};
use super::error::{Fault, peer, setup};
use super::writer::Settings;
use crate::tables::{FLOW, Kind, ROW_ID, SEQUENCE, quoted};

/// A file that rows are written to.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) db: Connection,
    path: PathBuf,
    table: String,
    /// Those of the table, in its order; none while there is no table.
    pub(super) columns: Vec<String>,
}

impl Open {
    /// Opens the file, makes it one that survives power cuts, and looks whether it is whole.
    pub(super) fn new(path: &Path, table: &str, settings: &Settings) -> Result<Self, Refusal> {
        let db = Connection::open(path).map_err(|error| setup(SqliteError::database(path, "open", error)))?;
        let mut open = Self { db, path: path.to_owned(), table: table.to_owned(), columns: Vec::new() };
        match open.set_up(settings) {
            Ok(None) => Ok(open),
            Ok(Some(why)) => Err(open.damaged(why)),
            Err(error) => Err(open.refusal("set up", error)),
        }
    }

    /// What is wrong with the file, if anything is.
    fn set_up(&mut self, settings: &Settings) -> rusqlite::Result<Option<String>> {
        self.db.busy_timeout(settings.busy)?;
        if settings.checks
            && let Some(why) = check(&self.db)?
        {
            return Ok(Some(why));
        }
        let mode: String = self.db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            log::warn!("{}: no write-ahead log on this file system, but a journal: {mode}", self.path.display());
        }
        self.db.pragma_update(None, "synchronous", if settings.full { "FULL" } else { "NORMAL" })?;
        self.db.pragma_update(None, "journal_size_limit", i64::try_from(settings.log_limit).unwrap_or(i64::MAX))?;
        self.columns = self.look()?;
        Ok(None)
    }

    fn look(&self) -> rusqlite::Result<Vec<String>> {
        let columns = columns_of(&self.db, &self.table)?;
        Ok(columns.into_iter().map(|(name, _)| name).collect())
    }

    /// The file is let go of, and gets another name.
    pub(super) fn damaged(self, why: String) -> Refusal {
        let Self { db, path, .. } = self;
        drop(db); // also if it cannot be closed
        let error = move_aside(&path, why);
        match error {
            SqliteError::Damaged { .. } => {
                log::error!("{error}");
                peer(error)
            }
            error => setup(error),
        }
    }

    /// Whose fault an error is that is no event's.
    pub(super) fn refusal(self, doing: &'static str, error: rusqlite::Error) -> Refusal {
        match Fault::of(&error) {
            Fault::Damage => self.damaged(error.to_string()),
            Fault::Peer => peer(self.error(doing, error)),
            Fault::Event | Fault::Setup => setup(self.error(doing, error)),
        }
    }

    pub(super) fn error(&self, doing: &'static str, error: rusqlite::Error) -> SqliteError {
        SqliteError::database(&self.path, doing, error)
    }

    pub(super) fn table_error(&self, what: impl Into<String>) -> SqliteError {
        SqliteError::table(&self.path, &self.table, what)
    }

    /// Makes the table, or adds columns to it.
    pub(super) fn add(&mut self, new: &[(String, Kind)], keyed: bool) -> rusqlite::Result<()> {
        let table = quoted(&self.table);
        let mut all: Vec<String> = Vec::new();
        if keyed {
            all.extend([(FLOW, "TEXT"), (SEQUENCE, "INTEGER")].map(|(name, kind)| format!("{} {kind}", quoted(name))));
        }
        all.retain(|_| !self.has(SEQUENCE));
        all.extend(new.iter().map(|(name, kind)| format!("{} {}", quoted(name), type_of(*kind))));
        let change = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if self.columns.is_empty() {
            let columns = all.join(", ");
            change.execute_batch(&format!(
                "CREATE TABLE {table} ({} INTEGER PRIMARY KEY AUTOINCREMENT, {columns})",
                quoted(ROW_ID)
            ))?;
        } else {
            for column in all {
                change.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {column}"))?;
            }
        }
        if keyed {
            let index = quoted(&format!("{}_key", self.table));
            let (flow, sequence) = (quoted(FLOW), quoted(SEQUENCE));
            change
                .execute_batch(&format!("CREATE UNIQUE INDEX IF NOT EXISTS {index} ON {table} ({flow}, {sequence})"))?;
        }
        change.commit()?;
        self.columns = self.look()?;
        Ok(())
    }

    /// Whether the table has this column. SQLite does not tell capitals from small letters.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|there| there.eq_ignore_ascii_case(column))
    }

    /// How long the write-ahead log is, in bytes.
    fn log_length(&self) -> u64 {
        fs::metadata(with(&self.path, "-wal")).map_or(0, |metadata| metadata.len())
    }

    /// Empties the write-ahead log if it is beyond its limit. Its length if that cannot be done.
    pub(super) fn bound_log(&self, limit: u64, busy: Duration) -> rusqlite::Result<Option<u64>> {
        if self.log_length() <= limit {
            return Ok(None);
        }
        self.db.busy_timeout(Duration::ZERO)?; // readers are not waited for
        let emptied = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        self.db.busy_timeout(busy)?;
        let length = self.log_length();
        match emptied {
            Ok(_) => Ok(Some(length).filter(|length| *length > limit)),
            Err(error) if Fault::of(&error) == Fault::Peer => Ok(Some(length)),
            Err(error) => Err(error),
        }
    }

    pub(super) fn log_is_full(&self, bytes: u64) -> Refusal {
        peer(SqliteError::LogIsFull { path: self.path.clone(), bytes })
    }
}

/// The columns of a table and their types; none if there is no such table.
pub(super) fn columns_of(db: &Connection, table: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = db.prepare(&format!("PRAGMA table_info({})", quoted(table)))?;
    let columns = statement.query_map([], |row| Ok((row.get(1)?, row.get(2)?)))?;
    columns.collect()
}

/// The type of a column that we make.
fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => BOOLEAN,
        Kind::Int => "INTEGER",
        Kind::Float => "REAL",
        Kind::Text => "TEXT",
        Kind::Time => TIMESTAMP,
    }
}

/// Integers that are no numbers. To SQLite these are columns for numbers.
pub(super) const BOOLEAN: &str = "BOOLEAN";
pub(super) const TIMESTAMP: &str = "TIMESTAMP";
