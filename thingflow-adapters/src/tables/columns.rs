//! The columns that a record needs.

use super::{FLOW, ROW_ID, SEQUENCE};
use crate::fields::Value;

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

/// Whether a column is one that we add to those of the record.
pub(crate) fn is_own(column: &str) -> bool {
    [ROW_ID, FLOW, SEQUENCE].iter().any(|own| own.eq_ignore_ascii_case(column))
}

/// A name in SQL, whatever it is.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_name() {
        assert_eq!(quoted(r#"a"; drop table b; --"#), r#""a""; drop table b; --""#);
    }
}
