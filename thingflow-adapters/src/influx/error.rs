//! [`InfluxError`]: what no line can be made of, or no point be read from.

use std::error::Error;
use std::fmt;

use thingflow_core::StreamError;

use crate::csv::CsvError;
use crate::fields::FieldError;
use crate::http::HttpError;
use crate::printable::printable;

/// An event that no line can be made of, or an answer that holds no such points.
#[non_exhaustive]
pub enum InfluxError {
    /// A name, or the value of a tag, that a line cannot hold.
    Name {
        /// Of what: "tag key".
        what: &'static str,
        /// The name.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// The event has no field with a value: only tags, nothing at all, or numbers that are none.
    NoField,
    /// A field whose value a line cannot hold.
    Value {
        /// The field.
        field: String,
        /// Why.
        why: &'static str,
    },
    /// An event that has no flat fields, or a point that no record can be made of.
    Record(FieldError),
    /// A line that is longer than what fits into one datagram.
    TooLong {
        /// Its length, in bytes.
        bytes: usize,
    },
    /// The request failed.
    Http(HttpError),
    /// The answer is not the table that it should be.
    Table(CsvError),
}

impl fmt::Display for InfluxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { what, name, why } => write!(f, "invalid {what} `{}`: {why}", printable(name)),
            Self::NoField => f.write_str("invalid point: it has no field with a value"),
            Self::Value { field, why } => write!(f, "invalid field `{}`: {why}", printable(field)),
            Self::Record(error) => error.fmt(f),
            Self::TooLong { bytes } => {
                write!(f, "invalid point: its line has {bytes} bytes and does not fit into one datagram; use HTTP")
            }
            Self::Http(error) => error.fmt(f),
            Self::Table(error) => error.fmt(f),
        }
    }
}

/// As `Display`.
impl fmt::Debug for InfluxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for InfluxError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Http(error) => error.source(),
            Self::Table(error) => error.source(),
            Self::Record(_) | Self::Name { .. } | Self::NoField | Self::Value { .. } | Self::TooLong { .. } => None,
        }
    }
}

impl From<HttpError> for InfluxError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<InfluxError> for StreamError {
    fn from(error: InfluxError) -> Self {
        Self::caused("", error)
    }
}
