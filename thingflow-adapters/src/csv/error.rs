//! What may be wrong with a CSV file: [`CsvError`], and with one row of it: [`RowError`].

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use crate::FileError;
use crate::fields::FieldError;
use crate::printable::{Printable, printable};

/// A CSV file that cannot be used.
#[non_exhaustive]
pub enum CsvError {
    /// It cannot be opened, read or written.
    File(FileError),
    /// Its first line is not the header that belongs to the events.
    Header {
        /// The file.
        path: PathBuf,
        /// The columns that were expected.
        expected: String,
        /// What stands there, shortened.
        found: String,
    },
    /// An event that no row can be made of.
    Event {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: FieldError,
    },
    /// A time zone that the system does not know.
    Zone {
        /// The zone as given; empty for that of the system.
        zone: String,
        /// Why.
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl CsvError {
    pub(super) fn zone(zone: &str, cause: jiff::Error) -> Self {
        Self::Zone { zone: printable(zone), cause: cause.into() }
    }

    pub(super) fn header(path: impl Into<PathBuf>, expected: &[String], found: &str) -> Self {
        Self::Header { path: path.into(), expected: expected.join(","), found: printable(found) }
    }
}

impl From<FileError> for CsvError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Header { path, expected, found } => write!(
                f,
                "{}, line 1: expected a header with `{expected}`, found `{found}`; use another file, type or delimiter",
                Printable(path)
            ),
            Self::Zone { zone, cause } if zone.is_empty() => {
                write!(f, "cannot find the time zone of this system: {cause}; name one by `in_zone`")
            }
            Self::Zone { zone, cause } => {
                write!(f, "invalid time zone `{zone}`: {cause}; names are like Europe/Berlin")
            }
            Self::Event { path, error } => write!(f, "cannot write to {}: {error}", Printable(path)),
        }
    }
}

/// As `Display`.
impl fmt::Debug for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for CsvError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File(error) => error.source(),
            Self::Header { .. } => None,
            Self::Event { error, .. } => Some(error),
            Self::Zone { cause, .. } => Some(&**cause),
        }
    }
}

/// A row that is no event: where it is, what was expected there, what was found.
#[derive(Clone, PartialEq, Eq)]
pub struct RowError {
    /// The file.
    pub path: PathBuf,
    /// The line in the file, counted from 1.
    pub line: u64,
    /// The column, counted from 1; 0 if the row as a whole is meant.
    pub column: usize,
    /// The column's name; empty if there is none.
    pub name: String,
    /// What is wrong: "expected a number".
    pub why: String,
    /// What was found, shortened and without control characters; `None` if the row ends before.
    pub found: Option<String>,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, name, why, found } = self;
        write!(f, "{}, line {line}", Printable(path))?;
        if *column > 0 {
            write!(f, ", column {column} ({name})")?;
        }
        write!(f, ": {why}, found ")?;
        match found {
            Some(found) => f.write_str(found),
            None => f.write_str("the end of the row"),
        }
    }
}

/// As `Display`.
impl fmt::Debug for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for RowError {}
