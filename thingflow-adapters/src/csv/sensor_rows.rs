//! [`SensorRows`]: sensor events as rows; [`Values`]: readings alone; [`Stamped`]: what a mapping of yours has besides.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use thingflow_core::{Columns, FromColumns, SensorEvent, SensorId, Timestamp};

use super::{BadColumn, FromRow, Mapping, Row, RowBuilder, ToRow};

/// The mapping of [`SensorEvent`]s: `timestamp,datetime,sensor_id`, and the columns of the value. That is `value` for a
/// number or a text, see [`Columns`]. An id that is a text of digits is read back as a number.
pub type SensorRows<V> = Stamped<Values<V>>;

/// The mapping of readings without an id and a time, by their [`Columns`].
pub struct Values<V>(PhantomData<fn(V)>);

/// The mapping of [`SensorEvent`]s whose values another mapping has, made by [`stamped`](Mapping::stamped).
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamped<M>(pub(super) M);

const STAMP: [&str; 3] = ["timestamp", "datetime", "sensor_id"];

impl<M: Mapping> Mapping for Stamped<M> {
    type Event = SensorEvent<M::Event>;

    fn header(&self) -> Vec<String> {
        STAMP.map(String::from).into_iter().chain(self.0.header()).collect()
    }
}

impl<M: ToRow> ToRow for Stamped<M> {
    fn to_row(&self, event: &Self::Event, row: &mut RowBuilder) {
        row.push(&Seconds(event.ts));
        row.push(&event.ts);
        row.push(&event.sensor_id);
        self.0.to_row(&event.val, row);
    }
}

impl<M: FromRow> FromRow for Stamped<M> {
    fn from_row(&self, row: &Row<'_>) -> Result<Self::Event, BadColumn> {
        let Seconds(ts) = row.text(0).parse().map_err(|why| BadColumn::new(0, why))?;
        let behind = |bad: BadColumn| BadColumn { column: bad.column.saturating_add(STAMP.len()), ..bad };
        let val = self.0.from_row(&row.after(STAMP.len())).map_err(behind)?; // before the id, which is kept for good
        Ok(SensorEvent { sensor_id: SensorId::intern(row.text(2)), ts, val })
    }
}

impl<V: Columns> Mapping for Values<V> {
    type Event = V;

    fn header(&self) -> Vec<String> {
        V::NAMES.iter().copied().map(String::from).collect()
    }
}

impl<V: Columns> ToRow for Values<V> {
    fn to_row(&self, value: &V, row: &mut RowBuilder) {
        value.each_column(&mut |column| row.push(column));
    }
}

impl<V: FromColumns> FromRow for Values<V> {
    fn from_row(&self, row: &Row<'_>) -> Result<V, BadColumn> {
        row.columns(0)
    }
}

impl<V> Clone for Values<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Values<V> {}

impl<V> Default for Values<V> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<V> fmt::Debug for Values<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values")
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
    use ::csv::StringRecord;
    use proptest::prelude::*;

    fn event(text: &str) -> Result<SensorEvent<f64>, BadColumn> {
        SensorRows::default().from_row(&Row::new(&StringRecord::from(text.split(',').collect::<Vec<_>>()), &[]))
    }

    #[test]
    fn event_and_row() {
        // Case 85.
        let before = SensorEvent::new(1, Timestamp::from_nanos(1_420_110_060_123_456_789), 123.456);
        let mut row = RowBuilder::default();
        SensorRows::default().to_row(&before, &mut row);
        let mut text = String::new();
        row.finish(&mut text);
        assert_eq!(text, "1420110060.123456789,2015-01-01T11:01:00.123456789Z,1,123.456\n");
        assert_eq!(event(text.trim_end()), Ok(before));
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
