//! [`Mapping`], [`ToRow`], [`FromRow`]: how events become rows, and rows events.

use std::fmt::{self, Display, Write};
use std::str::FromStr;

use ::csv::StringRecord;
use thingflow_core::{FromColumns, WrongColumn};

use super::Stamped;

/// The columns that events of a type have in a file; [`ToRow`] writes them, [`FromRow`] reads them.
///
/// Often none of them has to be written by hand: [`SensorRows`](super::SensorRows) has the events of sensors,
/// [`columns`](super::columns) and [`from_columns`](super::from_columns) make a mapping of a list of names and a closure.
pub trait Mapping {
    /// The events.
    type Event;

    /// The names of the columns.
    fn header(&self) -> Vec<String>;

    /// The mapping of sensor events whose values this is the mapping of: with the columns `timestamp`, `datetime` and
    /// `sensor_id` before the others.
    fn stamped(self) -> Stamped<Self>
    where
        Self: Sized,
    {
        Stamped(self)
    }
}

/// How events become rows of a file.
///
/// ```
/// use thingflow_adapters::csv::{BadColumn, FromRow, Mapping, Reader, Row, RowBuilder, ToRow};
/// use thingflow_core::prelude::*;
/// /// Points of a plane.
/// struct Points;
/// impl Mapping for Points {
///     type Event = (u8, u8);
///     fn header(&self) -> Vec<String> {
///         ["x", "y"].map(String::from).into()
///     }
/// }
/// impl ToRow for Points {
///     fn to_row(&self, (x, y): &(u8, u8), row: &mut RowBuilder) {
///         row.push(x);
///         row.push(y);
///     }
/// }
/// impl FromRow for Points { // only if they are to be read back
///     fn from_row(&self, row: &Row<'_>) -> Result<(u8, u8), BadColumn> {
///         Ok((row.parse(0)?, row.parse(1)?))
///     }
/// }
/// assert_eq!(Reader::new(Points, "points.csv", "x,y\n1,2\n3,4\n".as_bytes()).flow().collect_now(), [(1, 2), (3, 4)]);
/// ```
pub trait ToRow: Mapping {
    /// Pushes the event's fields, one for each column.
    fn to_row(&self, event: &Self::Event, row: &mut RowBuilder);
}

/// How rows of a file become events. See [`ToRow`] for an example.
pub trait FromRow: Mapping {
    /// Makes an event of a row.
    ///
    /// # Errors
    /// The column that is not what it should be, with what was expected there.
    #[allow(clippy::wrong_self_convention)] // the row is not `self`
    fn from_row(&self, row: &Row<'_>) -> Result<Self::Event, BadColumn>;
}

/// A row that is being read. Its columns are those of the mapping, in whatever order the file has them.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    record: &'a StringRecord,
    /// Where in the file each column stands; empty if all stand in their order.
    places: &'a [usize],
    first: usize,
}

impl<'a> Row<'a> {
    pub(super) fn new(record: &'a StringRecord, places: &'a [usize]) -> Self {
        Self { record, places, first: 0 }
    }

    /// The row without its first columns.
    pub(super) fn after(self, columns: usize) -> Self {
        Self { first: self.first + columns, ..self }
    }

    /// The text of a column, counted from 0; empty if there is none.
    pub fn text(&self, column: usize) -> &'a str {
        let column = self.first.saturating_add(column);
        let place = if self.places.is_empty() { Some(column) } else { self.places.get(column).copied() };
        place.and_then(|place| self.record.get(place)).unwrap_or_default()
    }

    /// The value of a column, counted from 0.
    ///
    /// # Errors
    /// If the text is none of that type.
    pub fn parse<T: FromStr>(&self, column: usize) -> Result<T, BadColumn> {
        self.text(column).parse().map_err(|_| BadColumn::new(column, a_value_of(std::any::type_name::<T>())))
    }

    /// The reading whose first column this is, counted from 0: `row.columns::<Option<f64>>(2)` for one that may be
    /// missing.
    ///
    /// # Errors
    /// If one of the texts is not what the reading has there.
    pub fn columns<T: FromColumns>(&self, first: usize) -> Result<T, BadColumn> {
        let texts: Vec<_> = (first..first.saturating_add(T::NAMES.len())).map(|column| self.text(column)).collect();
        let bad = |wrong: WrongColumn| BadColumn::new(first.saturating_add(wrong.column), a_value_of(wrong.expected));
        T::from_columns(&texts).map_err(bad)
    }
}

fn a_value_of(name: &str) -> String {
    format!("a value of the type {name}")
}

/// A row that is being made.
#[derive(Debug, Default)]
pub struct RowBuilder {
    row: String,
    fields: usize,
    text: String,
}

impl RowBuilder {
    /// Appends a field with the text of a value.
    pub fn push(&mut self, value: &(impl Display + ?Sized)) {
        self.text.clear();
        let _ = write!(self.text, "{value}"); // a `String` takes all; a value that cannot be shown leaves its beginning
        if self.fields > 0 {
            self.row.push(',');
        }
        self.fields += 1;
        if self.text.contains([',', '"', '\r', '\n']) {
            self.row.push('"');
            self.row.push_str(&self.text.replace('"', "\"\""));
            self.row.push('"');
        } else {
            self.row.push_str(&self.text);
        }
    }

    /// The row with its end, after which the next one begins.
    pub(super) fn finish(&mut self, to: &mut String) {
        // A row of one field without text would be an empty line, which is no row.
        to.push_str(if self.fields == 1 && self.row.is_empty() { "\"\"" } else { &self.row });
        to.push('\n');
        self.row.clear();
        self.fields = 0;
    }
}

/// The first row of a file.
pub(super) fn header_row(names: &[String]) -> String {
    let (mut row, mut header) = (RowBuilder::default(), String::new());
    names.iter().for_each(|name| row.push(name));
    row.finish(&mut header);
    header
}

/// A column of a row that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadColumn {
    pub(super) column: usize,
    pub(super) expected: String,
}

impl BadColumn {
    /// The column, counted from 0, and what was expected there: "a percentage", "one of `on` and `off`".
    pub fn new(column: usize, expected: impl Into<String>) -> Self {
        Self { column, expected: expected.into() }
    }
}

impl Display for BadColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: expected {}", self.column.saturating_add(1), self.expected)
    }
}

impl std::error::Error for BadColumn {}
