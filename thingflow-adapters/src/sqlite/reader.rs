//! [`Reader`]: rows as events, ordered by their number.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde::de::DeserializeOwned;
use thingflow_core::{Context, Failure, Flow, Source, StreamError, Timestamp};

use super::SqliteError;
use super::open::{BOOLEAN, TIMESTAMP, columns_of};
use crate::fields::Names;
use crate::tables::{Row, quoted};

/// The rows of a table, oldest first, by SQLite's `rowid`.
///
/// It ends after the last row, or [follows](Self::follow) the table. Rows are fetched by the hundred, so that no transaction
/// stays open. A row that is no `T` is a failed sampling, and the next call goes on behind it.
pub struct Reader<T> {
    db: Connection,
    path: PathBuf,
    table: String,
    names: Names,
    /// The type of each column.
    types: Vec<String>,
    fetched: VecDeque<(i64, Vec<Option<String>>)>,
    after: i64,
    follows: bool,
    of: PhantomData<fn() -> T>,
}

const FETCHED: i64 = 100;

impl<T: DeserializeOwned> Reader<T> {
    /// Opens a table of a file, which has to exist. It is only read.
    ///
    /// # Errors
    /// If the file cannot be opened, is no database, or has no such table.
    pub fn open(path: impl AsRef<Path>, table: &str) -> Result<Self, SqliteError> {
        let path = path.as_ref();
        let failed = |error| SqliteError::database(path, "open", error);
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(failed)?;
        db.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
        let columns = columns_of(&db, table).map_err(failed)?;
        if columns.is_empty() {
            return Err(SqliteError::table(
                path,
                table,
                "it does not exist; look for its name with `.tables` of sqlite3",
            ));
        }
        let (names, types): (Vec<String>, Vec<String>) = columns.into_iter().unzip();
        Ok(Self {
            db,
            path: path.to_owned(),
            table: table.to_owned(),
            names: Names::new(names),
            types,
            fetched: VecDeque::new(),
            after: i64::MIN,
            follows: false,
            of: PhantomData,
        })
    }

    /// Begins behind the row with this number: where an earlier run has come to.
    #[must_use]
    pub fn after(mut self, row: i64) -> Self {
        self.after = row;
        self
    }

    /// Does not end after the last row: there may be more the next time it is asked.
    #[must_use]
    pub fn follow(mut self) -> Self {
        self.follows = true;
        self
    }

    /// As a flow, to which operators and Things are connected.
    pub fn flow(self) -> Flow<Self> {
        Flow::new(self)
    }

    fn fetch(&mut self) -> rusqlite::Result<()> {
        let names: Vec<String> = self.names.as_slice().iter().map(|name| quoted(name)).collect();
        let sql = format!(
            "SELECT rowid, {} FROM {} WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
            names.join(", "),
            quoted(&self.table)
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query([self.after, FETCHED])?;
        while let Some(row) = rows.next()? {
            let texts = self.types.iter().enumerate().map(|(column, kind)| Ok(text(row.get_ref(column + 1)?, kind)));
            self.fetched.push_back((row.get(0)?, texts.collect::<rusqlite::Result<_>>()?));
        }
        Ok(())
    }
}

/// What stands in a column, as the text that a record is read from; none if that is nothing.
fn text(value: ValueRef<'_>, kind: &str) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) if kind.eq_ignore_ascii_case(BOOLEAN) => Some((number != 0).to_string()),
        ValueRef::Integer(nanos) if kind.eq_ignore_ascii_case(TIMESTAMP) => {
            Some(Timestamp::from_nanos(nanos).to_string())
        }
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => Some(String::from_utf8_lossy(text).into_owned()),
    }
}

impl<T: DeserializeOwned> Source for Reader<T> {
    type Item = Row<T>;

    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<Row<T>>, Failure> {
        if self.fetched.is_empty() {
            let fetched = self.fetch();
            fetched.map_err(|error| StreamError::caused("", SqliteError::database(&self.path, "read", error)))?;
        }
        let Some((id, texts)) = self.fetched.pop_front() else {
            return if self.follows { Err(Failure::NotYet) } else { Ok(None) };
        };
        self.after = id;
        // A field that is there and missing is an empty text.
        let text = |column: usize| texts.get(column).map(|text| text.as_deref().unwrap_or_default());
        let record = self.names.read(&text).map_err(|error| {
            StreamError::caused("", SqliteError::Record { table: self.table.clone(), row: Some(id), error })
        })?;
        Ok(Some(Row { id, record }))
    }

    fn name(&self) -> &str {
        "sqlite::Reader"
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .field("table", &self.table)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
