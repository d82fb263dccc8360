//! [`Cells`]: the values of one column of a batch, in the form in which they are sent.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thingflow_core::Timestamp;
use tokio_postgres::types::ToSql;

use crate::fields::Value;
use crate::tables::Kind;

/// Values of one kind, which are sent as they are, or texts, which the database reads. None is `NULL`.
#[derive(Debug)]
pub(super) enum Cells {
    Bools(Vec<Option<bool>>),
    Ints(Vec<Option<i64>>),
    Singles(Vec<Option<f32>>),
    Doubles(Vec<Option<f64>>),
    Times(Vec<Option<Timestamp>>),
    Texts(Vec<Option<String>>),
}

/// Does the same with the list, whatever it is of.
macro_rules! each {
    ($cells:expr, $list:ident => $what:expr) => {
        match $cells {
            Cells::Bools($list) => $what,
            Cells::Ints($list) => $what,
            Cells::Singles($list) => $what,
            Cells::Doubles($list) => $what,
            Cells::Times($list) => $what,
            Cells::Texts($list) => $what,
        }
    };
}

impl Cells {
    /// So many that are missing, in front of this value of a column of a kind.
    pub(super) fn in_front_of(kind: Kind, value: &Value<'_>, missing: usize) -> Self {
        match (kind, value) {
            (Kind::Bool, _) => Self::Bools(vec![None; missing]),
            (Kind::Int, _) => Self::Ints(vec![None; missing]),
            (Kind::Float, Value::Float32(_)) => Self::Singles(vec![None; missing]),
            (Kind::Float, _) => Self::Doubles(vec![None; missing]),
            (Kind::Text, _) => Self::Texts(vec![None; missing]),
            (Kind::Time, _) => Self::Times(vec![None; missing]),
        }
    }

    /// Adds a value. If it is of another kind than those before it, all of them become texts.
    pub(super) fn push(&mut self, value: &Value<'_>) {
        match (&mut *self, value) {
            (list, Value::Missing) => each!(list, list => list.push(None)),
            (Self::Bools(list), Value::Bool(value)) => list.push(Some(*value)),
            (Self::Ints(list), Value::Int(value)) => list.push(Some(*value)),
            (Self::Ints(list), Value::Uint(value)) if i64::try_from(*value).is_ok() => {
                list.push(i64::try_from(*value).ok());
            }
            (Self::Singles(list), Value::Float32(value)) => list.push(Some(*value)),
            (Self::Doubles(list), Value::Float64(value)) => list.push(Some(*value)),
            (Self::Times(list), Value::Time(value)) => list.push(Some(*value)),
            (Self::Texts(list), value) => list.push(Some(value.to_string())),
            (_, value) => {
                let mut texts = self.texts();
                texts.push(Some(value.to_string()));
                *self = Self::Texts(texts);
            }
        }
    }

    /// Makes it so many: leaves out the last ones, or adds some that are missing.
    pub(super) fn resize(&mut self, len: usize) {
        each!(self, list => list.resize(len, None));
    }

    /// What they are sent as to a column of a type, and the values for that: texts, if the database shall read them.
    pub(super) fn sent_to(&self, column: &str) -> (&'static str, Box<dyn ToSql + Sync + '_>) {
        match (self, column) {
            (Self::Bools(list), "boolean") => ("boolean", Box::new(list)),
            (Self::Ints(list), "bigint" | "integer" | "smallint") => ("bigint", Box::new(list)),
            (Self::Singles(list), "real") => ("real", Box::new(list)),
            (Self::Singles(list), "double precision") => {
                let list: Vec<Option<f64>> = list.iter().map(|value| value.map(widened)).collect();
                ("double precision", Box::new(list))
            }
            (Self::Doubles(list), "double precision" | "real") => ("double precision", Box::new(list)),
            (Self::Times(list), "timestamp with time zone") => {
                let list: Vec<Option<SystemTime>> = list.iter().map(|value| value.map(rounded)).collect();
                ("timestamp with time zone", Box::new(list))
            }
            (Self::Texts(list), _) => ("text", Box::new(list)),
            _ => ("text", Box::new(self.texts())),
        }
    }

    pub(super) fn texts(&self) -> Vec<Option<String>> {
        each!(self, list => list.iter().map(|value| value.as_ref().map(ToString::to_string)).collect())
    }
}

/// The double that has the digits of a number of single precision: 0.1, and not 0.10000000149.
fn widened(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

/// A time to the nearest microsecond, which is what the database has.
fn rounded(time: Timestamp) -> SystemTime {
    let nanos = time.as_nanos();
    let micros = nanos.div_euclid(1000) + i64::from(nanos.rem_euclid(1000) >= 500);
    let from_1970 = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { UNIX_EPOCH - from_1970 } else { UNIX_EPOCH + from_1970 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_several_kinds_are_texts() {
        let mut cells = Cells::in_front_of(Kind::Int, &Value::Int(1), 1);
        for value in [Value::Int(i64::MIN), Value::Missing, Value::Uint(7)] {
            cells.push(&value);
        }
        assert_eq!(cells.sent_to("bigint").0, "bigint");
        assert_eq!(cells.sent_to("numeric").0, "text");
        cells.push(&Value::Uint(u64::MAX));
        cells.push(&Value::Float32(0.1));
        assert_eq!(cells.sent_to("bigint").0, "text");
        let texts =
            [None, Some(i64::MIN.to_string()), None, Some("7".into()), Some(u64::MAX.to_string()), Some("0.1".into())];
        assert_eq!(cells.texts(), texts);
    }

    #[test]
    fn a_short_number_keeps_its_digits_and_a_time_its_microseconds() {
        assert_eq!([widened(0.1), widened(f32::MAX)], [0.1, 3.4028235e38]);
        assert!(widened(f32::NAN).is_nan() && widened(f32::NEG_INFINITY) == f64::NEG_INFINITY);
        let since = |nanos| rounded(Timestamp::from_nanos(nanos)).duration_since(UNIX_EPOCH);
        assert_eq!(since(1_499).unwrap(), Duration::from_micros(1));
        assert_eq!(since(1_500).unwrap(), Duration::from_micros(2));
        assert_eq!(since(-1_501).unwrap_err().duration(), Duration::from_micros(2));
        assert!(since(i64::MAX).is_ok() && since(i64::MIN).is_err());
    }
}
