//! [`Encoder`]: records as lines.

use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use thingflow_core::Timestamp;

use super::InfluxError;
use crate::fields::{Field, Flattener, Role, Value};

/// Makes lines of records: whatever is `Serialize`, by its [`fields`](crate::fields).
///
/// - The sender of a sensor event, and the fields that are named as [tags](Self::tags), are tags, in the order of their names. An empty one is left out.
/// - The time of a sensor event, or the field that is named as [time](Self::time), is the time of the point. Without one the server takes its own, and a point that is sent again is another one. All that come in one request get the same, so that a [`Writer`](super::Writer) sends only one of a series in each: name a time where there are many.
/// - All others are fields: numbers, whole ones with `i`, `true` and `false`, texts in quotes; a time is its nanoseconds since 1970.
/// - What is missing is left out; so is what no line can say, `NaN` and infinities, which are [counted](Self::left_out).
///
/// A name or a tag that cannot be written, since it has a line break or ends with a backslash, makes the record one that is
/// refused: never is one point two, or another one. A backslash before a blank, a comma or `=` is written as InfluxDB 1 and 2 read
/// it; the writers to InfluxDB 3, to VictoriaMetrics and by UDP refuse it, since others read two backslashes as one. The rules are those of
/// <https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/>.
///
/// ```
/// # use serde::Serialize;
/// # use thingflow_adapters::influx::Encoder;
/// #[derive(Serialize)]
/// struct Weather { place: &'static str, temperature: f64, rain: bool, drops: u32, note: &'static str, wind: Option<f64> }
/// let weather =
///     Weather { place: "roof, west", temperature: 21.5, rain: true, drops: 3, note: "a \"few\"", wind: None };
/// let mut encoder = Encoder::new("weather").tags(["place"]).tag("board", "attic");
/// let line = r#"weather,board=attic,place=roof\,\ west temperature=21.5,rain=true,drops=3i,note="a \"few\"""#;
/// assert_eq!(encoder.encode(&weather)?, line);
/// # Ok::<(), thingflow_adapters::influx::InfluxError>(())
/// ```
pub struct Encoder {
    measurement: String,
    tags: Vec<String>,
    constants: Vec<(String, String)>,
    time: Option<String>,
    unsigned: bool,
    texts: bool,
    /// The server may read two backslashes as one.
    is_wary: bool,
    flattener: Flattener,
    left_out: LeftOut,
    line: String,
    /// How much of the line is its series: the measurement and the tags.
    series: usize,
    is_timed: bool,
}

/// Counts the values that no line could say. Clones count the same.
#[derive(Clone, Debug, Default)]
pub struct LeftOut(Arc<AtomicU64>);

impl LeftOut {
    /// How many there have been.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Encoder {
    /// Lines of a measurement, which is what InfluxDB calls a table.
    pub fn new(measurement: impl Into<String>) -> Self {
        Self {
            measurement: measurement.into(),
            tags: Vec::new(),
            constants: Vec::new(),
            time: None,
            unsigned: false,
            texts: true,
            is_wary: false,
            flattener: Flattener::default(),
            left_out: LeftOut::default(),
            line: String::new(),
            series: 0,
            is_timed: false,
        }
    }

    /// These fields of the record are tags, by which the server finds points.
    #[must_use]
    pub fn tags(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags.extend(names.into_iter().map(Into::into));
        self
    }

    /// A tag of every point.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.constants.push((name.into(), value.into()));
        self
    }

    /// This field of the record, a time or the nanoseconds since 1970, is the time of the point.
    #[must_use]
    pub fn time(mut self, field: impl Into<String>) -> Self {
        self.time = Some(field.into());
        self
    }

    /// Whole numbers without a sign are written as such, with `u`, which InfluxDB 2 and 3 know. Else they are written with `i`,
    /// and one beyond 2^63 - 1 is refused.
    #[must_use]
    pub fn unsigned(mut self) -> Self {
        self.unsigned = true;
        self
    }

    /// Texts are left out, for a server that stores numbers only, and takes a line break within quotes for the end of a line.
    #[must_use]
    pub fn without_texts(mut self) -> Self {
        self.texts = false;
        self
    }

    /// For a server that may read two backslashes as one.
    pub(super) fn wary(mut self) -> Self {
        self.is_wary = true;
        self
    }

    /// Counts the values that were left out since no line can say them.
    pub fn left_out(&self) -> LeftOut {
        self.left_out.clone()
    }

    /// The line of a record, without an end of line.
    ///
    /// # Errors
    /// If a name or a value cannot be written, or no field is left.
    pub fn encode<E: Serialize + ?Sized>(&mut self, record: &E) -> Result<&str, InfluxError> {
        let Self { flattener, line, .. } = self;
        let mut parts = Parts { fields: std::mem::take(line), ..Parts::default() };
        parts.fields.clear();
        let (flattener, rules) = (&mut std::mem::take(flattener), &*self);
        let flattened = flattener.flatten(record, &mut |field| {
            if parts.wrong.is_none() {
                parts.wrong = rules.take(field, &mut parts).err();
            }
        });
        self.flattener = std::mem::take(flattener);
        flattened.map_err(InfluxError::Record)?;
        self.is_timed = parts.time.is_some();
        (self.line, self.series) = self.assemble(parts)?;
        Ok(&self.line)
    }

    /// The measurement and the tags of the last line, if it has no time: the server takes two such lines of a request for one.
    pub(super) fn timeless_series(&self) -> Option<&str> {
        if self.is_timed { None } else { self.line.get(..self.series) }
    }

    fn take(&self, field: Field<'_>, parts: &mut Parts) -> Result<(), InfluxError> {
        let Field { name, value, role } = field;
        let is_time = self.time.as_deref().map_or(role == Role::Time, |time| time == name);
        if is_time && let Some(time) = time_of(&value) {
            parts.time = Some(time);
            return Ok(());
        }
        if role == Role::Sender || self.tags.iter().any(|tag| tag == name) {
            if value != Value::Missing {
                parts.tags.push((name.to_owned(), value.to_string()));
            }
            return Ok(());
        }
        if role == Role::Time || matches!(value, Value::Text(_)) && !self.texts {
            return Ok(());
        }
        if is_no_number(&value) {
            self.left_out.0.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        let before = parts.fields.len();
        if before > 0 {
            parts.fields.push(',');
        }
        self.write_name("field key", name, &mut parts.fields)?;
        parts.fields.push('=');
        if !self.write_value(name, &value, &mut parts.fields)? {
            parts.fields.truncate(before);
        }
        Ok(())
    }

    /// Whether there is something to be written.
    fn write_value(&self, name: &str, value: &Value<'_>, to: &mut String) -> Result<bool, InfluxError> {
        let _ = match value {
            // a `String` takes all
            Value::Missing => return Ok(false),
            Value::Bool(value) => write!(to, "{value}"),
            Value::Int(value) => write!(to, "{value}i"),
            Value::Uint(value) if self.unsigned => write!(to, "{value}u"),
            Value::Uint(value) if *value > i64::MAX.unsigned_abs() => {
                let why = "a whole number beyond 9223372036854775807; InfluxDB 2 and 3 know it by `unsigned`";
                return Err(InfluxError::Value { field: name.to_owned(), why });
            }
            Value::Uint(value) => write!(to, "{value}i"),
            // `Debug` has an exponent where there were hundreds of zeros.
            Value::Float32(value) => write!(to, "{value:?}"),
            Value::Float64(value) => write!(to, "{value:?}"),
            Value::Text(value) => {
                write_text(value, to);
                Ok(())
            }
            Value::Time(time) => write!(to, "{}i", time.as_nanos()),
        };
        Ok(true)
    }

    fn write_measurement(&self, to: &mut String) -> Result<(), InfluxError> {
        let (what, name) = ("measurement", &self.measurement);
        if name.starts_with('#') {
            let why = "a line that begins with # is a comment";
            return Err(InfluxError::Name { what, name: name.to_owned(), why });
        }
        write_escaped(what, name, &[',', ' '], self.is_wary, to)
    }

    fn write_name(&self, what: &'static str, name: &str, to: &mut String) -> Result<(), InfluxError> {
        write_escaped(what, name, &[',', '=', ' '], self.is_wary, to)
    }

    /// The line, and how much of it is its series.
    fn assemble(&self, parts: Parts) -> Result<(String, usize), InfluxError> {
        let Parts { mut tags, fields, time, wrong } = parts;
        if let Some(error) = wrong {
            return Err(error);
        }
        if fields.is_empty() {
            return Err(InfluxError::NoField);
        }
        let mut line = String::with_capacity(fields.len() + 64);
        self.write_measurement(&mut line)?;
        tags.extend(self.constants.iter().cloned());
        tags.retain(|(_, value)| !value.is_empty());
        tags.sort();
        tags.dedup_by(|later, first| later.0 == first.0);
        for (name, value) in &tags {
            line.push(',');
            self.write_name("tag key", name, &mut line)?;
            line.push('=');
            self.write_name("tag value", value, &mut line)?;
        }
        let series = line.len();
        line.push(' ');
        line.push_str(&fields);
        if let Some(time) = time {
            let _ = write!(line, " {}", time.as_nanos()); // a `String` takes all
        }
        Ok((line, series))
    }
}

/// What a line is made of.
#[derive(Default)]
struct Parts {
    tags: Vec<(String, String)>,
    fields: String,
    time: Option<Timestamp>,
    wrong: Option<InfluxError>,
}

fn time_of(value: &Value<'_>) -> Option<Timestamp> {
    match value {
        Value::Time(time) => Some(*time),
        Value::Int(nanos) => Some(Timestamp::from_nanos(*nanos)),
        Value::Uint(nanos) => i64::try_from(*nanos).ok().map(Timestamp::from_nanos),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn is_no_number(value: &Value<'_>) -> bool {
    match value {
        Value::Float32(value) => !value.is_finite(),
        Value::Float64(value) => !value.is_finite(),
        _ => false,
    }
}

/// A backslash is only one before a character that has a meaning, and as the last it would hide what follows.
fn write_escaped(
    what: &'static str,
    name: &str,
    special: &[char],
    is_wary: bool,
    to: &mut String,
) -> Result<(), InfluxError> {
    let wrong = |why| Err(InfluxError::Name { what, name: name.to_owned(), why });
    if name.is_empty() {
        return wrong("it is empty");
    }
    if name.ends_with('\\') {
        return wrong("it ends with a backslash, which a line cannot say");
    }
    if name.chars().any(char::is_control) {
        return wrong("it has a line break or another control character, which a line cannot say");
    }
    let mut before = ' ';
    for char in name.chars() {
        if special.contains(&char) {
            if is_wary && before == '\\' {
                return wrong("it has a backslash before a blank, a comma or `=`, which servers read differently");
            }
            to.push('\\');
        }
        to.push(char);
        before = char;
    }
    Ok(())
}

fn write_text(text: &str, to: &mut String) {
    to.push('"');
    for char in text.chars() {
        if matches!(char, '"' | '\\') {
            to.push('\\');
        }
        to.push(char);
    }
    to.push('"');
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("measurement", &self.measurement)
            .field("left_out", &self.left_out.count())
            .finish_non_exhaustive()
    }
}
