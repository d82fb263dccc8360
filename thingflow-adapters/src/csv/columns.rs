//! `columns(names, f)` and `from_columns(names, f)`: a mapping of names and a closure.

use std::fmt;
use std::marker::PhantomData;

use thingflow_core::Columns;

use super::{BadColumn, FromRow, Mapping, Row, RowBuilder, Stamped, ToRow};

/// The mapping that writes the values that `f` makes of an event: all of one type, numbers or texts, and as many as there
/// are names. [`stamped`](Mapping::stamped) puts time and id before them.
///
/// ```
/// use thingflow_adapters::csv::{self, Writer};
/// use thingflow_core::prelude::*;
/// struct Weather { celsius: f64, percent: Option<f64> }
/// let mapping = csv::columns(["celsius", "percent"], |w: &Weather| [Some(w.celsius), w.percent]).stamped();
/// let mut file = Vec::new();
/// let event = SensorEvent::new("roof", Timestamp::from_secs(60), Weather { celsius: 21.5, percent: None });
/// pipe().to(Writer::new(mapping, "memory", &mut file)?).feed([event])?;
/// let text = "timestamp,datetime,sensor_id,celsius,percent\n60,1970-01-01T00:01:00Z,roof,21.5,\n";
/// assert_eq!(String::from_utf8(file)?, text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn columns<E, T: Columns, F: Fn(&E) -> [T; N], const N: usize>(names: [&str; N], f: F) -> ColumnsOf<E, T, F, N> {
    const { assert!(T::NAMES.len() == 1, "each value is one column") }
    ColumnsOf { names: names.map(String::from).into(), f, of: PhantomData }
}

/// The mapping that makes an event of each row by `f`, which counts the columns from 0 in the order of the names.
///
/// ```
/// use thingflow_adapters::csv::{self, Reader};
/// use thingflow_core::prelude::*;
/// let mapping = csv::from_columns(["room", "time", "temp"], |row| {
///     Ok(SensorEvent { sensor_id: SensorId::intern(row.text(0)), ts: row.parse(1)?, val: row.parse::<f64>(2)? })
/// });
/// let file = "time;room;wind;temp\n2015-01-01T12:01:00+01:00;\"bath; ground floor\";0;21.5\n";
/// let temps = Reader::new(mapping, "temps.csv", file.as_bytes()).delimiter(b';').flow();
/// let texts = temps.map(|event| event.to_string()).collect_now();
/// assert_eq!(texts, ["bath; ground floor 2015-01-01T11:01:00Z 21.5"]);
/// ```
pub fn from_columns<E, F, const N: usize>(names: [&str; N], f: F) -> FromColumnsOf<E, F>
where
    F: Fn(&Row<'_>) -> Result<E, BadColumn>,
{
    FromColumnsOf { names: names.map(String::from).into(), f, of: PhantomData }
}

/// Made by [`columns`].
pub struct ColumnsOf<E, T, F, const N: usize> {
    names: Vec<String>,
    f: F,
    of: PhantomData<fn(&E) -> [T; N]>,
}

/// Made by [`from_columns`].
pub struct FromColumnsOf<E, F> {
    names: Vec<String>,
    f: F,
    of: PhantomData<fn() -> E>,
}

impl<E, T, F, const N: usize> ColumnsOf<E, T, F, N> {
    /// As [`Mapping::stamped`]: the mapping of sensor events whose values this is the mapping of.
    pub fn stamped(self) -> Stamped<Self> {
        Mapping::stamped(self)
    }
}

impl<E, F: Fn(&Row<'_>) -> Result<E, BadColumn>> FromColumnsOf<E, F> {
    /// As [`Mapping::stamped`]: the mapping of sensor events whose values this is the mapping of.
    pub fn stamped(self) -> Stamped<Self> {
        Mapping::stamped(self)
    }
}

impl<E, T, F, const N: usize> Mapping for ColumnsOf<E, T, F, N> {
    type Event = E;
    fn header(&self) -> Vec<String> {
        self.names.clone()
    }
}

impl<E, T: Columns, F: Fn(&E) -> [T; N], const N: usize> ToRow for ColumnsOf<E, T, F, N> {
    fn to_row(&self, event: &E, row: &mut RowBuilder) {
        (self.f)(event).iter().for_each(|value| value.each_column(&mut |text| row.push(text)));
    }
}

impl<E, F: Fn(&Row<'_>) -> Result<E, BadColumn>> Mapping for FromColumnsOf<E, F> {
    type Event = E;
    fn header(&self) -> Vec<String> {
        self.names.clone()
    }
}

impl<E, F: Fn(&Row<'_>) -> Result<E, BadColumn>> FromRow for FromColumnsOf<E, F> {
    fn from_row(&self, row: &Row<'_>) -> Result<E, BadColumn> {
        (self.f)(row)
    }
}

impl<E, T, F: Clone, const N: usize> Clone for ColumnsOf<E, T, F, N> {
    fn clone(&self) -> Self {
        Self { names: self.names.clone(), f: self.f.clone(), of: PhantomData }
    }
}

impl<E, T, F, const N: usize> fmt::Debug for ColumnsOf<E, T, F, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ColumnsOf").field(&self.names).finish()
    }
}

impl<E, F> fmt::Debug for FromColumnsOf<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromColumnsOf").field(&self.names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::Reader;

    #[test]
    fn a_column_that_there_is_not_is_a_bad_row() {
        for column in [2, usize::MAX] {
            let mapping = from_columns(["a", "b"], move |row| row.parse::<u8>(column)).stamped();
            let file = "timestamp,datetime,sensor_id,a,b\n1,,x,2,3\n";
            let error = Reader::new(mapping, "file", file.as_bytes()).flow().try_collect_now().1;
            assert!(error.is_some_and(|error| error.to_string().contains("found the end of the row")));
            let mapping = from_columns(["a", "b"], move |row| row.columns::<[u8; 2]>(column));
            assert!(Reader::new(mapping, "file", "a,b\n1,2\n".as_bytes()).flow().try_collect_now().1.is_some());
        }
    }
}
