//! [`Table`]: the columns of a file, and records as its rows.

use std::fmt::Write;
use std::ops::Range;

use serde::Serialize;

use crate::fields::{DATETIME, Field, FieldError, Flattener, Names, Role, Seconds, Value, bare, is, under};

/// The columns of a file that is written.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<String>,
    /// They have been chosen: fields besides are left out.
    chosen: bool,
    units: Vec<(String, String)>,
    pub(super) delimiter: u8,
    flattener: Flattener,
    /// Where in `text` the text of each column is, in this row.
    cells: Vec<Range<usize>>,
    text: String,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            columns: Vec::new(),
            chosen: false,
            units: Vec::new(),
            delimiter: b',',
            flattener: Flattener::default(),
            cells: Vec::new(),
            text: String::new(),
        }
    }

    pub(super) fn choose(&mut self, columns: Vec<String>) {
        (self.columns, self.chosen) = (columns, true);
    }

    pub(super) fn set_units(&mut self, units: Vec<(String, String)>) {
        self.units = units;
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn is_chosen(&self) -> bool {
        self.chosen
    }

    /// Goes on with the columns of a file.
    pub(super) fn take_over(&mut self, columns: Vec<String>) {
        self.columns = columns;
    }

    /// Adds the columns of a record that are missing: the time and the sender before what has been measured.
    pub(super) fn add_columns_of<E: Serialize>(&mut self, record: &E) -> Result<(), FieldError> {
        let Self { columns, flattener, .. } = self;
        let mut new: Vec<(Role, String)> = Vec::new();
        flattener.flatten(record, &mut |field| {
            each_cell(field, &mut |name, _| {
                if !columns.iter().any(|column| is(column, name)) && !new.iter().any(|(_, other)| other == name) {
                    new.push((field.role, name.to_owned()));
                }
            });
        })?;
        new.sort_by_key(|(role, _)| *role);
        columns.extend(new.into_iter().map(|(_, name)| name));
        Ok(())
    }

    /// Takes the record for the next row. False if one of its fields has no column; the others are taken.
    pub(super) fn take<E: Serialize>(&mut self, record: &E) -> Result<bool, FieldError> {
        let Self { columns, chosen, flattener, cells, text, .. } = self;
        cells.clear();
        cells.resize(columns.len(), 0..0);
        text.clear();
        let (mut next, mut all) = (0, true);
        flattener.flatten(record, &mut |field| {
            each_cell(field, &mut |name, value| {
                let here = columns.get(next).is_some_and(|column| is(column, name));
                let place = if here { Some(next) } else { columns.iter().position(|column| is(column, name)) };
                match place {
                    Some(place) => {
                        let start = text.len();
                        value.write(text);
                        cells[place] = start..text.len();
                        next = place + 1;
                    }
                    // A hole of several columns has the name of all of them.
                    None => all &= *chosen || matches!(value, Cell::Value(Value::Missing)),
                }
            });
        })?;
        Ok(all)
    }

    /// Writes the row of the record that was taken.
    pub(super) fn write_row(&self, to: &mut Vec<u8>) {
        self.write_cells(self.cells.iter().map(|cell| &self.text[cell.clone()]), to);
    }

    pub(super) fn write_header(&self, to: &mut Vec<u8>) {
        let unit = |column: &String| {
            // A column that is taken over from a file may have one already.
            let mut units = self.units.iter().filter(|(_, unit)| !unit.is_empty() && bare(column) == column);
            let unit = units.find(|(name, _)| under(column, name).is_some());
            unit.map_or_else(|| column.clone(), |(_, unit)| format!("{column} [{unit}]"))
        };
        let columns: Vec<String> = self.columns.iter().map(unit).collect();
        self.write_cells(columns.iter().map(String::as_str), to);
    }

    fn write_cells<'a>(&self, cells: impl ExactSizeIterator<Item = &'a str>, to: &mut Vec<u8>) {
        let alone = cells.len() == 1;
        for (number, cell) in cells.enumerate() {
            if number > 0 {
                to.push(self.delimiter);
            }
            // A row of one field without text would be an empty line, which is no row.
            if cell.contains([char::from(self.delimiter), '"', '\r', '\n']) || alone && cell.is_empty() {
                to.push(b'"');
                to.extend(cell.bytes().flat_map(|byte| std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 })));
                to.push(b'"');
            } else {
                to.extend_from_slice(cell.as_bytes());
            }
        }
        to.push(b'\n');
    }

    /// Whether an event with these columns could be written to a file with others: all of its own are there.
    pub(super) fn fits(&self, found: &Names) -> bool {
        self.columns.iter().all(|column| found.position(column).is_some())
    }

    /// Whether a file with these columns is one of ours, with other columns: it has something in common.
    pub(super) fn is_related(&self, found: &Names) -> bool {
        let stamped = [crate::fields::TIMESTAMP, crate::fields::SENSOR_ID];
        let own = |name: &str| self.columns.iter().any(|column| is(column, name));
        if stamped.iter().all(|name| own(name)) {
            return stamped.iter().all(|name| found.position(name).is_some());
        }
        self.columns.iter().any(|column| found.position(column).is_some())
    }

    /// Whether rows that have been made for these columns can be written to a file with those.
    pub(super) fn is_same(&self, found: &Names) -> bool {
        let found = found.as_slice();
        found.len() == self.columns.len()
            && self.columns.iter().zip(found).all(|(own, name)| is(name, own) || is(own, name))
    }
}

/// What stands in a column.
enum Cell<'a> {
    Value(Value<'a>),
    Seconds(Seconds),
}

impl Cell<'_> {
    fn write(&self, to: &mut String) {
        let _ = match self {
            // a `String` takes all
            Self::Value(Value::Text(text)) if text.contains('\0') => text
                .split('\0')
                .enumerate()
                .try_for_each(|(number, part)| write!(to, "{}{part}", if number > 0 { "\u{FFFD}" } else { "" })),
            Self::Value(value) => write!(to, "{value}"),
            Self::Seconds(seconds) => write!(to, "{seconds}"),
        };
    }
}

/// The columns of a field: the time of an event has two.
fn each_cell(field: Field<'_>, see: &mut dyn FnMut(&str, &Cell<'_>)) {
    match (field.role, field.value) {
        (Role::Time, Value::Time(time)) => {
            see(field.name, &Cell::Seconds(Seconds(time)));
            see(DATETIME, &Cell::Value(field.value));
        }
        _ => see(field.name, &Cell::Value(field.value)),
    }
}
