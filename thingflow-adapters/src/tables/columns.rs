//! The columns that a record needs.

use serde::Serialize;

use super::{FLOW, ROW_ID, SEQUENCE};
use crate::fields::{FieldError, Flattener, Role, Value};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Time,
}

impl Kind {
    /// Nothing is known of a value that is missing.
    pub(crate) fn of(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Missing => None,
            Value::Bool(_) => Some(Self::Bool),
            Value::Int(_) | Value::Uint(_) => Some(Self::Int),
            Value::Float32(_) | Value::Float64(_) => Some(Self::Float),
            Value::Text(_) => Some(Self::Text),
            Value::Time(_) => Some(Self::Time),
        }
    }
}

/// The columns of a record that are not `there` yet: the time and the sender before what has been measured. What is missing
/// in the record needs none.
#[cfg(feature = "sqlite")]
pub(crate) fn new_columns<E: Serialize>(
    flattener: &mut Flattener,
    record: &E,
    there: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, Kind)>, FieldError> {
    let mut new: Vec<(Role, String, Kind)> = Vec::new();
    flattener.flatten(record, &mut |field| {
        if let Some(kind) = Kind::of(&field.value)
            && !there(field.name)
            && !new.iter().any(|(_, name, _)| name == field.name)
        {
            new.push((field.role, field.name.to_owned(), kind));
        }
    })?;
    new.sort_by_key(|(role, _, _)| *role);
    Ok(new.into_iter().map(|(_, name, kind)| (name, kind)).collect())
}

/// Whether a column is one that we add to those of the record.
pub(crate) fn is_own(column: &str) -> bool {
    [ROW_ID, FLOW, SEQUENCE].iter().any(|own| own.eq_ignore_ascii_case(column))
}

/// A name in SQL, whatever it is.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use thingflow_core::{SensorEvent, Timestamp};

    use super::*;

    #[test]
    fn columns_are_made_of_what_is_there() {
        let event = SensorEvent::new("lux-1", Timestamp::from_secs(1), (25.5, None::<u8>, true));
        let columns = new_columns(&mut Flattener::default(), &event, &|name| name == "value_3").unwrap();
        let expected = [("timestamp", Kind::Time), ("sensor_id", Kind::Text), ("value_1", Kind::Float)];
        assert_eq!(columns, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }

    #[test]
    fn a_name_stays_a_name() {
        assert_eq!(quoted(r#"a"; drop table b; --"#), r#""a""; drop table b; --""#);
    }
}
