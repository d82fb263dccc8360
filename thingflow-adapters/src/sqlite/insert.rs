//! Records as rows, inside of a transaction.

use rusqlite::{CachedStatement, Connection, Statement, ToSql};
use serde::Serialize;

use super::error::Fault;
use crate::fields::{FieldError, Flattener, Value};
use crate::tables::{FLOW, Key, SEQUENCE, quoted};

/// Why a record is no row.
pub(super) enum NoRow {
    Record(FieldError),
    /// The table has no such column.
    Column(String),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for NoRow {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// So many rows are written by one statement, where there are as many: SQLite takes two thirds of the time for them.
const ROWS: usize = 32;

/// A statement of SQLite has at most as many values.
const MOST_VALUES: usize = 32_766;

/// The statements that write a row, and [`ROWS`] of them, for a table with these columns.
#[derive(Default)]
pub(super) struct Statements {
    one: String,
    many: Option<String>,
}

impl Statements {
    pub(super) fn new(table: &str, columns: &[String], keyed: bool) -> Self {
        let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let (table, names) = (quoted(table), names.join(", "));
        let key = format!("{}, {}", quoted(FLOW), quoted(SEQUENCE));
        let twice = if keyed { format!(" ON CONFLICT ({key}) DO NOTHING") } else { String::new() };
        let row = format!("({})", vec!["?"; columns.len()].join(", "));
        let of = |rows: usize| format!("INSERT INTO {table} ({names}) VALUES {}{twice}", vec![&*row; rows].join(", "));
        Self { one: of(1), many: (columns.len() * ROWS <= MOST_VALUES).then(|| of(ROWS)) }
    }

    /// Has SQLite look at the statement, and so at the table.
    pub(super) fn check(&self, db: &Connection) -> rusqlite::Result<()> {
        db.prepare(&self.one).map(drop)
    }
}

/// Rows that are written in their order.
pub(super) struct Insert<'a, E> {
    db: &'a Connection,
    statements: &'a Statements,
    row: Row<'a, E>,
}

/// How an event becomes a row.
struct Row<'a, E> {
    columns: &'a [String],
    flattener: &'a mut Flattener,
    key: Option<(&'a Key<E>, usize, usize)>,
}

impl<'a, E: Serialize> Insert<'a, E> {
    pub(super) fn new(
        db: &'a Connection,
        statements: &'a Statements,
        columns: &'a [String],
        flattener: &'a mut Flattener,
        key: Option<&'a Key<E>>,
    ) -> Self {
        let place = |name| place(columns, 0, name);
        let key = key.and_then(|key| Some((key, place(FLOW)?, place(SEQUENCE)?)));
        Self { db, statements, row: Row { columns, flattener, key } }
    }

    /// Writes events: how many, up to the first that cannot be written.
    ///
    /// # Errors
    /// Of the database, which has written nothing then.
    pub(super) fn write<'e>(&mut self, events: impl Iterator<Item = &'e E>) -> rusqlite::Result<(usize, Option<NoRow>)>
    where
        E: 'e,
    {
        let events: Vec<&E> = events.collect();
        let mut one = self.db.prepare_cached(&self.statements.one)?;
        let many = self.statements.many.as_ref().filter(|_| events.len() >= ROWS);
        let mut many = many.map(|sql| self.db.prepare_cached(sql)).transpose()?;
        let mut written = 0;
        for group in events.chunks(ROWS) {
            if let Some(many) = many.as_mut().filter(|_| group.len() == ROWS)
                && self.together(many, group)?
            {
                written += ROWS;
                continue;
            }
            for event in group {
                if let Err(why) = self.alone(&mut one, event) {
                    return Ok((written, Some(why)));
                }
                written += 1;
            }
        }
        Ok((written, None))
    }

    /// Writes as many events as the statement takes, or none of them, if not each can be written.
    fn together(&mut self, many: &mut CachedStatement<'_>, group: &[&E]) -> rusqlite::Result<bool> {
        many.clear_bindings();
        for (at, event) in group.iter().enumerate() {
            if self.row.bind(many, at, event).is_err() {
                return Ok(false);
            }
        }
        // Whatever the table does on a conflict, or its triggers do, none of the rows stays.
        self.db.prepare_cached("SAVEPOINT rows")?.execute([])?;
        let written = many.raw_execute();
        match written {
            Err(error) if Fault::of(&error) != Fault::Event || self.db.is_autocommit() => return Err(error),
            Err(_) => _ = self.db.prepare_cached("ROLLBACK TO rows")?.execute([])?,
            Ok(_) => {}
        }
        self.db.prepare_cached("RELEASE rows")?.execute([])?;
        Ok(written.is_ok())
    }

    fn alone(&mut self, one: &mut CachedStatement<'_>, event: &E) -> Result<(), NoRow> {
        one.clear_bindings();
        self.row.bind(one, 0, event)?;
        one.raw_execute()?;
        Ok(())
    }
}

impl<E: Serialize> Row<'_, E> {
    /// Binds the values of a row, the `at`th of the statement.
    fn bind(&mut self, statement: &mut Statement<'_>, at: usize, event: &E) -> Result<(), NoRow> {
        let Self { columns, flattener, key } = self;
        let first = at * columns.len() + 1;
        let (mut next, mut wrong) = (0, None);
        let flattened = flattener.flatten(event, &mut |field| {
            if wrong.is_some() || field.value == Value::Missing {
                return;
            }
            let bound = place(columns, next, field.name).ok_or_else(|| NoRow::Column(field.name.to_owned())).and_then(
                |place| {
                    next = place + 1;
                    bind(statement, first + place, &field.value, field.name)
                },
            );
            wrong = bound.err();
        });
        flattened.map_err(NoRow::Record)?;
        wrong.map_or(Ok(()), Err)?;
        if let Some((key, flow, sequence)) = key
            && let Some(number) = key.of(event)
        {
            statement.raw_bind_parameter(first + *flow, key.flow.as_str())?;
            statement.raw_bind_parameter(first + *sequence, number)?;
        }
        Ok(())
    }
}

/// Where a column stands: most likely at `likely`.
fn place(columns: &[String], likely: usize, name: &str) -> Option<usize> {
    let is = |column: &String| column.eq_ignore_ascii_case(name);
    if columns.get(likely).is_some_and(is) { Some(likely) } else { columns.iter().position(is) }
}

fn bind(statement: &mut Statement<'_>, place: usize, value: &Value<'_>, name: &str) -> Result<(), NoRow> {
    let mut put = |value: &dyn ToSql| Ok(statement.raw_bind_parameter(place, value)?);
    match value {
        Value::Missing => Ok(()),
        Value::Bool(value) => put(value),
        Value::Int(value) => put(value),
        Value::Uint(value) => match i64::try_from(*value) {
            Ok(value) => put(&value),
            Err(_) => Err(NoRow::Record(FieldError::Unsupported {
                field: name.to_owned(),
                what: "a whole number beyond 9223372036854775807",
            })),
        },
        Value::Float32(value) => put(&short(*value)),
        Value::Float64(value) => put(value),
        Value::Text(value) => put(value),
        Value::Time(time) => put(&time.as_nanos()),
    }
}

/// The number of double precision that reads like this one: 0.1, not 0.10000000149011612.
fn short(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
