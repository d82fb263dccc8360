//! Records as rows, inside of a transaction.

use rusqlite::{Connection, Statement, ToSql};
use serde::Serialize;

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

/// The statement that writes a row, for a table with these columns.
pub(super) fn statement(table: &str, columns: &[String], keyed: bool) -> String {
    let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
    let twice =
        if keyed { format!(" ON CONFLICT ({}, {}) DO NOTHING", quoted(FLOW), quoted(SEQUENCE)) } else { String::new() };
    format!("INSERT INTO {} ({}) VALUES ({}){twice}", quoted(table), names.join(", "), places.join(", "))
}

/// Rows that are written one after the other.
pub(super) struct Insert<'a, E> {
    statement: rusqlite::CachedStatement<'a>,
    columns: &'a [String],
    flattener: &'a mut Flattener,
    key: Option<(&'a Key<E>, usize, usize)>,
}

impl<'a, E: Serialize> Insert<'a, E> {
    pub(super) fn new(
        db: &'a Connection,
        sql: &str,
        columns: &'a [String],
        flattener: &'a mut Flattener,
        key: Option<&'a Key<E>>,
    ) -> rusqlite::Result<Self> {
        let place = |name| place(columns, 0, name);
        let key = key.and_then(|key| Some((key, place(FLOW)?, place(SEQUENCE)?)));
        Ok(Self { statement: db.prepare_cached(sql)?, columns, flattener, key })
    }

    pub(super) fn row(&mut self, event: &E) -> Result<(), NoRow> {
        let Self { statement, columns, flattener, key } = self;
        statement.clear_bindings();
        let (mut next, mut wrong) = (0, None);
        let flattened = flattener.flatten(event, &mut |field| {
            if wrong.is_some() || field.value == Value::Missing {
                return;
            }
            let bound = place(columns, next, field.name).ok_or_else(|| NoRow::Column(field.name.to_owned())).and_then(
                |place| {
                    next = place + 1;
                    bind(statement, place + 1, &field.value, field.name)
                },
            );
            wrong = bound.err();
        });
        flattened.map_err(NoRow::Record)?;
        wrong.map_or(Ok(()), Err)?;
        if let Some((key, flow, sequence)) = key
            && let Some(number) = key.of(event)
        {
            statement.raw_bind_parameter(*flow + 1, key.flow.as_str())?;
            statement.raw_bind_parameter(*sequence + 1, number)?;
        }
        statement.raw_execute()?;
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
