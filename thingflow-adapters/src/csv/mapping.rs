//! [`Mapping`]: how events become rows, and rows events.

use std::any::type_name;
use std::fmt::{self, Display, Write};
use std::marker::PhantomData;
use std::str::FromStr;

use ::csv::StringRecord;
use thingflow_core::{SensorEvent, SensorId, Timestamp};

/// How events of a type become rows of a file, and rows events again.
///
/// ```
/// use thingflow_adapters::csv::{BadColumn, Mapping, Reader, Row, RowBuilder};
/// use thingflow_core::prelude::*;
/// /// Points of a plane.
/// struct Points;
/// impl Mapping for Points {
///     type Event = (u8, u8);
///     fn header(&self) -> Vec<String> {
///         ["x", "y"].map(String::from).into()
///     }
///     fn to_row(&self, (x, y): &(u8, u8), row: &mut RowBuilder) {
///         row.push(x);
///         row.push(y);
///     }
///     fn from_row(&self, row: &Row<'_>) -> Result<(u8, u8), BadColumn> {
///         Ok((row.parse(0)?, row.parse(1)?))
///     }
/// }
/// let points = Flow::new(Reader::new(Points, "points.csv", "x,y\n1,2\n3,4\n".as_bytes()));
/// assert_eq!(points.collect_now(), [(1, 2), (3, 4)]);
/// ```
pub trait Mapping {
    /// The events.
    type Event;

    /// The names of the columns.
    fn header(&self) -> Vec<String>;

    /// Pushes the event's fields, one for each column.
    fn to_row(&self, event: &Self::Event, row: &mut RowBuilder);

    /// Makes an event of a row that has as many fields as the header.
    ///
    /// # Errors
    /// The column that is not what it should be, with what was expected there.
    #[allow(clippy::wrong_self_convention)] // the row is not `self`
    fn from_row(&self, row: &Row<'_>) -> Result<Self::Event, BadColumn>;
}

/// A row that is being read.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a>(pub(super) &'a StringRecord);

impl<'a> Row<'a> {
    /// The text of a column, counted from 0; empty if the mapping asks for one that its header does not have.
    pub fn text(&self, column: usize) -> &'a str {
        self.0.get(column).unwrap_or_default()
    }

    /// The value of a column, counted from 0.
    ///
    /// # Errors
    /// If the text is none of that type.
    pub fn parse<T: FromStr>(&self, column: usize) -> Result<T, BadColumn> {
        self.text(column)
            .parse()
            .map_err(|_| BadColumn::new(column, format!("a value of the type {}", type_name::<T>())))
    }
}

/// A row that is being made.
#[derive(Debug, Default)]
pub struct RowBuilder {
    pub(super) record: StringRecord,
    text: String,
}

impl RowBuilder {
    /// Appends a field with the text of a value.
    pub fn push(&mut self, value: &(impl Display + ?Sized)) {
        self.text.clear();
        let _ = write!(self.text, "{value}"); // a `String` takes all; a value that cannot be shown leaves its beginning
        self.record.push_field(&self.text);
    }
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
        write!(f, "column {}: expected {}", self.column + 1, self.expected)
    }
}

impl std::error::Error for BadColumn {}

/// The mapping of [`SensorEvent`]s: `timestamp,datetime,sensor_id,value`.
///
/// Any value that can be shown and parsed will do: numbers, `bool`, `String`, an enumeration of your own. An id that is
/// a text of digits is read back as a number.
pub struct SensorRows<V>(PhantomData<fn(V)>);

const COLUMNS: [&str; 4] = ["timestamp", "datetime", "sensor_id", "value"];

impl<V: Display + FromStr> Mapping for SensorRows<V> {
    type Event = SensorEvent<V>;

    fn header(&self) -> Vec<String> {
        COLUMNS.map(String::from).into()
    }
    fn to_row(&self, event: &SensorEvent<V>, row: &mut RowBuilder) {
        row.push(&Seconds(event.ts));
        row.push(&event.ts);
        row.push(&event.sensor_id);
        row.push(&event.val);
    }
    fn from_row(&self, row: &Row<'_>) -> Result<SensorEvent<V>, BadColumn> {
        let Seconds(ts) = row.text(0).parse().map_err(|why| BadColumn::new(0, why))?;
        let val = row.parse(3)?; // before the id, which is kept for good
        Ok(SensorEvent { sensor_id: SensorId::intern(row.text(2)), ts, val })
    }
}

impl<V> Clone for SensorRows<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for SensorRows<V> {}

impl<V> Default for SensorRows<V> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<V> fmt::Debug for SensorRows<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SensorRows")
    }
}

/// A time as seconds with as many decimals as it needs.
struct Seconds(Timestamp);

const NANOS: u64 = 1_000_000_000;

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let sign = if nanos < 0 { "-" } else { "" };
        let (secs, rest) = (nanos.unsigned_abs() / NANOS, nanos.unsigned_abs() % NANOS);
        if rest == 0 {
            return write!(f, "{sign}{secs}");
        }
        let decimals = format!("{rest:09}");
        write!(f, "{sign}{secs}.{}", decimals.trim_end_matches('0'))
    }
}

impl FromStr for Seconds {
    type Err = &'static str;

    /// Decimals beyond the ninth are ignored.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        const NUMBER: &str = "seconds since 1970, such as 1420110060.5";
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (secs, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(secs) || !all_digits(decimals) {
            return Err(NUMBER);
        }
        let nanos = format!("{decimals:0<9.9}").parse::<i128>().map_err(|_| NUMBER)?;
        let secs = secs.parse::<u64>().map_err(|_| "a time between the years 1677 and 2262")?;
        let nanos = i128::from(secs) * i128::from(NANOS) + nanos;
        let nanos = i64::try_from(if negative { -nanos } else { nanos });
        Ok(Self(Timestamp::from_nanos(nanos.map_err(|_| "a time between the years 1677 and 2262")?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(text: &str) -> Result<SensorEvent<f64>, BadColumn> {
        SensorRows::default().from_row(&Row(&StringRecord::from(text.split(',').collect::<Vec<_>>())))
    }

    #[test]
    fn event_and_row() {
        // Case 85.
        let before = SensorEvent::new(1, Timestamp::from_nanos(1_420_110_060_123_456_789), 123.456);
        let mut row = RowBuilder::default();
        SensorRows::default().to_row(&before, &mut row);
        assert_eq!(row.record, vec!["1420110060.123456789", "2015-01-01T11:01:00.123456789Z", "1", "123.456"]);
        assert_eq!(SensorRows::default().from_row(&Row(&row.record)), Ok(before));
    }

    #[test]
    fn a_wrong_column_is_named() {
        let error = |text| event(text).unwrap_err().to_string();
        assert_eq!(error("1,,lux,bright"), "column 4: expected a value of the type f64");
        assert_eq!(error("1e9,,lux,1"), "column 1: expected seconds since 1970, such as 1420110060.5");
        assert_eq!(error("99999999999,,lux,1"), "column 1: expected a time between the years 1677 and 2262");
    }

    #[test]
    fn seconds_in_all_forms() {
        let nanos = |text: &str| text.parse::<Seconds>().map(|Seconds(t)| t.as_nanos());
        assert_eq!(nanos("0"), Ok(0));
        assert_eq!(nanos("-0.001"), Ok(-1_000_000));
        assert_eq!(nanos("1.0000000019"), Ok(1_000_000_001));
        for wrong in ["", "-", ".", "1.", ".5", "+1", "1.-5", "1,5", " 1", "٣"] {
            assert!(nanos(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn every_time_comes_back(nanos: i64) {
            let Seconds(back) = Seconds(Timestamp::from_nanos(nanos)).to_string().parse().unwrap();
            prop_assert_eq!(back.as_nanos(), nanos);
        }

        #[test]
        fn never_panics(text in "[-0-9.e]{0,30}|.*") {
            let _ = text.parse::<Seconds>();
        }
    }
}
