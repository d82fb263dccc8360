//! [`Rows`]: records as columns.

use serde::Serialize;

use super::cells::Cells;
use crate::fields::{FieldError, Flattener, Value};
use crate::tables::{FLOW, Key, Kind, SEQUENCE};

/// The columns of a batch, each with as many values as there are rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) columns: Vec<Column>,
    len: usize,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) cells: Cells,
}

impl Rows {
    /// Adds a record as a row.
    pub(super) fn add<E: Serialize>(
        &mut self,
        record: &E,
        key: Option<&Key<E>>,
        flattener: &mut Flattener,
    ) -> Result<(), FieldError> {
        let mut next = 0;
        flattener.flatten(record, &mut |field| {
            if let Some(kind) = Kind::of(&field.value) {
                next = self.put(next, field.name, kind, &field.value) + 1;
            }
        })?;
        if let Some(key) = key {
            let number = key.of(record);
            let flow = number.map_or(Value::Missing, |_| Value::Text(&key.flow));
            self.put(next, FLOW, Kind::Text, &flow);
            self.put(next + 1, SEQUENCE, Kind::Int, &number.map_or(Value::Missing, Value::Int));
        }
        self.len += 1;
        for column in &mut self.columns {
            column.cells.resize(self.len);
        }
        Ok(())
    }

    /// Puts a value into a column, which most likely is at `likely`: where it is.
    fn put(&mut self, likely: usize, name: &str, kind: Kind, value: &Value<'_>) -> usize {
        let here = self.columns.get(likely).is_some_and(|column| column.name == name);
        let place = if here { Some(likely) } else { self.columns.iter().position(|column| column.name == name) };
        let place = place.unwrap_or_else(|| {
            self.columns.push(Column { name: name.to_owned(), kind, cells: Cells::in_front_of(kind, value, self.len) });
            self.columns.len() - 1
        });
        let cells = &mut self.columns[place].cells;
        cells.resize(self.len);
        cells.push(value);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_other_fields_have_holes() {
        let mut rows = Rows::default();
        let key = Key::new("f".to_owned(), |row: &(Option<i8>, Option<f32>)| row.0.map(|n| n.unsigned_abs().into()));
        for row in [(Some(1), None), (None, Some(0.5)), (Some(-3), None)] {
            rows.add(&row, Some(&key), &mut Flattener::default()).unwrap();
        }
        let shown: Vec<(&str, String)> = rows
            .columns
            .iter()
            .map(|column| {
                let texts = column.cells.texts().into_iter().map(|text| text.unwrap_or_else(|| "-".to_owned()));
                (column.name.as_str(), texts.collect::<Vec<_>>().join(" "))
            })
            .collect();
        let expected = [("value_1", "1 - -3"), (FLOW, "f - f"), (SEQUENCE, "1 - 3"), ("value_2", "- 0.5 -")];
        assert_eq!(shown, expected.map(|(name, texts)| (name, texts.to_owned())));
    }
}
