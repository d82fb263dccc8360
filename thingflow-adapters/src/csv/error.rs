//! What may be wrong with a CSV file: [`CsvError`], and with one row of it: [`RowError`].

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use crate::FileError;

/// A CSV file that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum CsvError {
    /// It cannot be opened, read or written.
    File(FileError),
    /// Its first line is not the header that belongs to the events.
    Header {
        /// The file.
        path: PathBuf,
        /// The header that was expected.
        expected: String,
        /// What stands there.
        found: String,
    },
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
                "{}, line 1: expected the header `{expected}`, found `{found}`; use another file, mapping or delimiter",
                path.display()
            ),
        }
    }
}

impl Error for CsvError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File(error) => error.source(),
            Self::Header { .. } => None,
        }
    }
}

/// A row that is no event: where it is, what was expected there, what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The file.
    pub path: PathBuf,
    /// The line in the file, counted from 1.
    pub line: u64,
    /// The column, counted from 1.
    pub column: usize,
    /// The column's name.
    pub name: String,
    /// What was expected.
    pub expected: String,
    /// What was found; `None` if the row ends before.
    pub found: Option<String>,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, name, expected, found } = self;
        write!(f, "{}, line {line}, column {column} ({name}): expected {expected}, ", path.display())?;
        match found {
            Some(found) => write!(f, "found {found:?}"),
            None => f.write_str("found the end of the row"),
        }
    }
}

impl Error for RowError {}
