//! [`Query`]: the points that a query gives.

use std::fmt;
use std::io::Read;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thingflow_core::{Context, Failure, Flow, Source, StreamError, Timestamp};

use super::InfluxError;
use super::writer::address;
use crate::csv::{Fault, Row, Rows};
use crate::fields::{FieldError, Names, TIMESTAMP};
use crate::http::{Endpoint, HttpError, Response, open};

/// A source of the points that a query in InfluxQL gives, in their order; it ends with the last. InfluxDB 1 answers it, and 2
/// and 3 do at the same address.
///
/// A record's fields are the columns of the answer, and the tags by which it is grouped; the time of a point is the field
/// `time`, and that of a sensor event. A point that is no such record is a failed sampling, and the next pull goes on behind it.
/// It blocks: pull it on a thread of its own, unless it is to run on the spot.
///
/// ```no_run
/// use thingflow_adapters::influx::Query;
/// use thingflow_core::prelude::*;
/// let query = "SELECT value, sensor_id FROM lux WHERE time > now() - 1h";
/// let lux = Query::<SensorEvent<f64>>::new("http://127.0.0.1:8086", "home", query).flow();
/// println!("{:?}", lux.map(|event| event.val).collect_now());
/// ```
pub struct Query<T> {
    endpoint: Endpoint,
    points: Option<Points<Response>>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Query<T> {
    /// A query of a database. The endpoint is the server: `http://127.0.0.1:8086`.
    pub fn new(server: impl Into<Endpoint>, database: &str, query: &str) -> Self {
        let server = server.into();
        let url = address(&server, "/query", &[("db", database), ("q", query), ("epoch", "ns")]);
        Self { endpoint: server.at(url), points: None, of: PhantomData }
    }

    /// As a flow, to which operators and Things are connected.
    pub fn flow(self) -> Flow<Self> {
        Flow::new(self)
    }
}

impl<T> Query<T> {
    fn ask(&self, format: &str) -> Result<Response, StreamError> {
        open(self.endpoint.clone().header("Accept", format)).map_err(StreamError::from)
    }

    fn answer(&self, what: String) -> InfluxError {
        InfluxError::Http(HttpError::Answer { url: self.endpoint.to_string(), what })
    }

    /// A table without points may be an error that a table cannot say: that there is no such database.
    fn look_why_empty(&self) -> Result<(), StreamError> {
        let answer = self.ask("application/json")?.take(1 << 16);
        let said: Option<Said> = serde_json::from_reader(answer).ok();
        match said.and_then(|said| said.results.into_iter().find_map(|result| result.error)) {
            Some(error) => Err(self.answer(error).into()),
            None => Ok(()),
        }
    }
}

/// What an answer in JSON says of errors.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    results: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    error: Option<String>,
}

impl<T: DeserializeOwned> Source for Query<T> {
    type Item = T;

    fn pull(&mut self, _: &mut Context<'_>) -> Result<Option<T>, Failure> {
        if self.points.is_none() {
            self.points = Some(Points::new(self.ask("application/csv")?));
        }
        let Some(points) = &mut self.points else { return Ok(None) };
        let point = points.next();
        let empty = points.is_empty();
        let point = point.map_err(|wrong| match wrong {
            Wrong::Point(error) => StreamError::from(InfluxError::Record(error)),
            Wrong::Answer(what) => self.answer(what).into(),
        })?;
        if point.is_none() && empty {
            self.look_why_empty()?;
        }
        Ok(point)
    }

    fn name(&self) -> &str {
        "influx::Query"
    }
}

impl<T> fmt::Debug for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// The points of an answer.
struct Points<R> {
    rows: Rows<R>,
    names: Names,
    /// Where in a row each of the names stands.
    columns: Vec<Column>,
    /// The tags of the series, as they stand there.
    tags: String,
    header: Vec<String>,
    failed: bool,
}

enum Column {
    Field(usize),
    Time(usize),
    Tag(String),
}

enum Wrong {
    Point(FieldError),
    Answer(String),
}

impl<R: Read> Points<R> {
    fn new(from: R) -> Self {
        let rows = Rows::new(from, b',');
        let (names, columns) = (Names::default(), Vec::new());
        Self { rows, names, columns, tags: String::new(), header: Vec::new(), failed: false }
    }

    fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Wrong> {
        while !self.failed {
            match self.rows.read() {
                Ok(Some(Ok(()) | Err(Fault::Unterminated))) => {}
                Ok(Some(Err(fault))) => return Err(self.broken(format!("a row of the table is broken: {fault:?}"))),
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.broken(error.to_string())),
            }
            let row = self.rows.row();
            let text = |field| row.text(field).unwrap_or_default();
            match (text(0), text(1)) {
                ("name", "tags") => {
                    self.header = (0..row.len()).map(|field| text(field).to_owned()).collect();
                    self.columns.clear();
                    continue;
                }
                ("error", _) if self.header.is_empty() => {
                    self.header = vec!["error".to_owned()];
                    continue;
                }
                _ => {}
            }
            return match self.header.len() {
                0 => Err(self.broken("not a table with the columns name, tags and time".to_owned())),
                1 => {
                    let said = text(0).to_owned();
                    Err(self.broken(said))
                }
                _ => self.point().map(Some).map_err(Wrong::Point),
            };
        }
        Ok(None)
    }

    /// Whether there has not even been a header.
    fn is_empty(&self) -> bool {
        self.header.is_empty() && !self.failed
    }

    fn broken(&mut self, what: String) -> Wrong {
        self.failed = true;
        Wrong::Answer(what)
    }

    fn point<T: DeserializeOwned>(&mut self) -> Result<T, FieldError> {
        let row = self.rows.row();
        let tags = row.text(1).unwrap_or_default();
        if self.columns.is_empty() || tags != self.tags {
            tags.clone_into(&mut self.tags);
            let (names, columns) = columns(&self.header, &self.tags);
            (self.names, self.columns) = (Names::new(names), columns);
        }
        let row = self.rows.row();
        let times: Vec<Option<String>> = self.columns.iter().map(|column| time(row, column)).collect();
        self.names.read(&|column| match self.columns.get(column)? {
            Column::Field(field) => row.text(*field),
            Column::Time(_) => times.get(column)?.as_deref(),
            Column::Tag(value) => Some(value),
        })
    }
}

/// The time of a point as a text for people.
fn time(row: &Row, column: &Column) -> Option<String> {
    let Column::Time(field) = column else { return None };
    let text = row.text(*field)?;
    let nanos = text.parse().map(|nanos| Timestamp::from_nanos(nanos).to_string());
    Some(nanos.unwrap_or_else(|_| text.to_owned()))
}

/// The fields of the points of a series, and where they are.
fn columns(header: &[String], tags: &str) -> (Vec<String>, Vec<Column>) {
    let (mut names, mut columns) = (Vec::new(), Vec::new());
    for (field, name) in header.iter().enumerate().skip(2) {
        if name == "time" {
            names.push(TIMESTAMP.to_owned());
            columns.push(Column::Time(field));
        }
        names.push(name.clone());
        columns.push(if name == "time" { Column::Time(field) } else { Column::Field(field) });
    }
    for (name, value) in series_tags(tags) {
        names.push(name);
        columns.push(Column::Tag(value));
    }
    (names, columns)
}

/// `a=b,c=d`, with backslashes before what belongs to a name or a value.
fn series_tags(text: &str) -> Vec<(String, String)> {
    let mut tags = Vec::new();
    let (mut name, mut part, mut escaped) = (None, String::new(), false);
    for char in text.chars().chain([',']) {
        match char {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '=' if !escaped && name.is_none() => name = Some(std::mem::take(&mut part)),
            ',' if !escaped => {
                let value = std::mem::take(&mut part);
                tags.extend(name.take().map(|name| (name, value)));
            }
            char => {
                if escaped && !matches!(char, ',' | '=' | ' ' | '\\') {
                    part.push('\\');
                }
                part.push(char);
            }
        }
        escaped = false;
    }
    tags
}

/// Reads an answer to its end: for the tests and the fuzzing of what comes from outside.
#[doc(hidden)]
pub fn read_answer<T: DeserializeOwned>(answer: &[u8]) -> (Vec<T>, usize) {
    let (mut points, mut read, mut wrong) = (Points::new(answer), Vec::new(), 0);
    loop {
        match points.next() {
            Ok(Some(point)) => read.push(point),
            Ok(None) => return (read, wrong),
            Err(_) => wrong += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use thingflow_core::SensorEvent;

    use super::*;

    #[test]
    fn points_have_the_time_and_the_tags_of_their_series() {
        let answer =
            b"name,tags,time,value\nlux,\"sensor_id=a\\,1\",1000000000,1.5\nlux,\"sensor_id=a\\,1\",2000000000,x\n\
                       \nname,tags,time,value\nlux,sensor_id=b,3000000001,2\n";
        let (read, wrong) = read_answer::<SensorEvent<f64>>(answer);
        let event = |id: &'static str, nanos, value| SensorEvent::new(id, Timestamp::from_nanos(nanos), value);
        assert_eq!(read, [event("a,1", 1_000_000_000, 1.5), event("b", 3_000_000_001, 2.0)]);
        assert_eq!(wrong, 1);
    }

    #[test]
    fn what_is_no_table_is_an_error_and_the_end() {
        #[derive(Deserialize, Debug, PartialEq)]
        struct Mean {
            time: Timestamp,
            mean: Option<f64>,
        }
        let (read, _) = read_answer::<Mean>(b"name,tags,time,mean\ncpu,,60000000000,\n");
        assert_eq!(read, [Mean { time: Timestamp::from_secs(60), mean: None }]);
        for answer in [&b"error\n\"no such database\"\n"[..], b"<html>\n", b"a,b,c\n1,2,3\n4,5,6\n", b"\xff\xff,\n"] {
            let (read, wrong) = read_answer::<Mean>(answer);
            assert_eq!((read.len(), wrong), (0, 1), "{answer:?}");
        }
        assert_eq!(read_answer::<Mean>(b"").1, 0, "no points, no table");
    }

    #[test]
    fn tags_are_read_as_they_are_written() {
        assert_eq!(
            series_tags(r"a\ b=c\=d,e=f\\,g=\h,"),
            [("a b", "c=d"), ("e", "f\\"), ("g", "\\h")].map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert_eq!(series_tags(""), []);
    }
}
