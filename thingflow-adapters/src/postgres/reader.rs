//! [`Reader`]: rows as events, ordered by their number.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use thingflow_core::{Context, Failure, Flow, Source, StreamError};

use super::session::Session;
use super::{Database, PostgresError};
use crate::fields::Names;
use crate::tables::{ROW_ID, Row, quoted};

/// The rows of a table, ordered by their number, `row_id` unless told otherwise.
///
/// It ends after the last row, or [follows](Self::follow) the table. If several writers write at once a row may become visible
/// after one with a higher number; a reader that follows passes it then. A row that is no `T` is a failed sampling, and the
/// next pull goes on behind it; so is a connection that cannot be made, and the next pull tries again. It blocks: pull it on a
/// thread of its own, unless it is to run on the spot.
pub struct Reader<T> {
    database: Database,
    table: String,
    number: String,
    open: Option<Open>,
    fetched: VecDeque<(i64, Vec<Option<String>>)>,
    after: i64,
    follows: bool,
    of: PhantomData<fn() -> T>,
}

struct Open {
    session: Session,
    names: Names,
    sql: String,
}

impl<T: DeserializeOwned> Reader<T> {
    /// A reader of a table. The connection is made by the first pull.
    pub fn new(database: impl Into<Database>, table: impl Into<String>) -> Self {
        Self {
            database: database.into(),
            table: table.into(),
            number: ROW_ID.to_owned(),
            open: None,
            fetched: VecDeque::new(),
            after: i64::MIN,
            follows: false,
            of: PhantomData,
        }
    }

    /// Orders rows by this column of whole numbers, which has each of them once.
    #[must_use]
    pub fn ordered_by(mut self, column: impl Into<String>) -> Self {
        self.number = column.into();
        self
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

    fn fetch(&mut self) -> Result<(), PostgresError> {
        let Self { database, table, number, .. } = self;
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Open::new(database, table, number)?),
        };
        let Open { session, sql, .. } = open;
        let after = self.after;
        let rows = session.wait("read", table, async { session.client.query(sql.as_str(), &[&after]).await })?;
        for row in rows {
            let texts = (1..row.len()).map(|column| row.get(column)).collect();
            self.fetched.push_back((row.get(0), texts));
        }
        Ok(())
    }
}

impl Open {
    fn new(database: &Database, table: &str, number: &str) -> Result<Self, PostgresError> {
        let session = Session::open(database)?;
        let columns = session.columns(table)?;
        if columns.is_empty() {
            return Err(PostgresError::table(table, "it does not exist; look for its name with `\\dt` of psql"));
        }
        let texts: Vec<String> = columns.iter().map(|(name, kind)| text_of(&quoted(name), kind)).collect();
        let (table, number) = (quoted(table), quoted(number));
        let sql = format!(
            "SELECT t.{number}::bigint, {} FROM {table} AS t WHERE t.{number} > $1::bigint ORDER BY t.{number} LIMIT 100",
            texts.join(", ")
        );
        Ok(Self { session, names: Names::new(columns.into_iter().map(|(name, _)| name)), sql })
    }
}

/// A column as the text that a record is read from, whatever the settings of the session are.
fn text_of(column: &str, kind: &str) -> String {
    let form = "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'";
    match kind {
        kind if kind.starts_with("timestamp") && kind.ends_with("with time zone") => {
            format!("to_char({column} AT TIME ZONE 'UTC', {form})")
        }
        kind if kind.starts_with("timestamp") => format!("to_char({column}, {form})"),
        _ => format!("{column}::text"),
    }
}

impl<T: DeserializeOwned> Source for Reader<T> {
    type Item = Row<T>;

    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<Row<T>>, Failure> {
        if self.fetched.is_empty()
            && let Err(error) = self.fetch()
        {
            self.open = None;
            return Err(StreamError::from(error).into());
        }
        let Some((id, texts)) = self.fetched.pop_front() else {
            return if self.follows { Err(Failure::NotYet) } else { Ok(None) };
        };
        self.after = id;
        let Some(Open { names, .. }) = &self.open else { return Ok(None) };
        // A field that is there and missing is an empty text.
        let text = |column: usize| texts.get(column).map(|text| text.as_deref().unwrap_or_default());
        let record = names.read(&text).map_err(|error| {
            StreamError::from(PostgresError::Record { table: self.table.clone(), row: Some(id), error })
        })?;
        Ok(Some(Row { id, record }))
    }

    fn name(&self) -> &str {
        "postgres::Reader"
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("database", &self.database)
            .field("table", &self.table)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
