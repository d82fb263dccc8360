//! [`SqliteError`]: what may be wrong with a database file.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thingflow_core::{Refusal, StreamError};

use crate::fields::FieldError;
use crate::printable::{Printable, printable};

/// A database file that cannot be used, or a row of it.
#[non_exhaustive]
pub enum SqliteError {
    /// SQLite says no.
    Database {
        /// The file.
        path: PathBuf,
        /// What could not be done.
        doing: &'static str,
        /// Why.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The table does not exist, or lacks a column.
    Table {
        /// The file.
        path: PathBuf,
        /// The table.
        table: String,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// An event that no row can be made of, or a row that no record can be made of.
    Record {
        /// The table.
        table: String,
        /// The number of the row, if it is one that was read.
        row: Option<i64>,
        /// What is wrong with it.
        error: FieldError,
    },
    /// The file was damaged and has been moved aside; a new one will be begun.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it is called now.
        moved: PathBuf,
        /// What SQLite said.
        why: String,
    },
    /// The write-ahead log has reached its limit, because a reader does not let go.
    LogIsFull {
        /// The file.
        path: PathBuf,
        /// How long the log is.
        bytes: u64,
    },
}

impl SqliteError {
    pub(super) fn database(path: &Path, doing: &'static str, cause: rusqlite::Error) -> Self {
        Self::Database { path: path.to_owned(), doing, cause: Box::new(cause) }
    }

    pub(super) fn table(path: &Path, table: &str, what: impl Into<String>) -> Self {
        Self::Table { path: path.to_owned(), table: table.to_owned(), what: what.into() }
    }
}

impl fmt::Display for SqliteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database { path, doing, cause } => write!(f, "cannot {doing} {}: {cause}", Printable(path)),
            Self::Table { path, table, what } => {
                write!(f, "invalid table `{}` of {}: {what}", printable(table), Printable(path))
            }
            Self::Record { table, row: None, error } => {
                write!(f, "cannot write to table `{}`: {error}", printable(table))
            }
            Self::Record { table, row: Some(row), error } => {
                write!(f, "row {row} of table `{}`: {error}", printable(table))
            }
            Self::Damaged { path, moved, why } => write!(
                f,
                "{} was damaged ({}) and is now {}; a new one is begun, try `.recover` of the program sqlite3 on the old",
                Printable(path),
                printable(why),
                Printable(moved)
            ),
            Self::LogIsFull { path, bytes } => write!(
                f,
                "the write-ahead log of {} has {bytes} bytes and cannot be emptied, since a reader has it open; end its \
                 transaction, or allow more by `log_limit`",
                Printable(path)
            ),
        }
    }
}

/// As `Display`.
impl fmt::Debug for SqliteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for SqliteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Database { cause, .. } => Some(&**cause),
            Self::Record { error, .. } => Some(error),
            Self::Table { .. } | Self::Damaged { .. } | Self::LogIsFull { .. } => None,
        }
    }
}

/// Whose fault an error of SQLite is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Event,
    Peer,
    Setup,
    Damage,
}

impl Fault {
    pub(super) fn of(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => Self::Event,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damage,
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::OperationAborted
                | ErrorCode::SchemaChanged
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Peer,
            _ => Self::Setup,
        }
    }
}

pub(super) fn peer(error: SqliteError) -> Refusal {
    Refusal::Peer(StreamError::caused("", error))
}

pub(super) fn setup(error: SqliteError) -> Refusal {
    Refusal::Setup(StreamError::caused("", error))
}

pub(super) fn event(index: usize, error: SqliteError) -> Refusal {
    Refusal::Event { index, error: StreamError::caused("", error) }
}
