//! [`ParquetError`]: what may be wrong with a Parquet file.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::FileError;
use crate::fields::FieldError;
use crate::printable::Printable;

/// A Parquet file that cannot be written.
#[non_exhaustive]
pub enum ParquetError {
    /// It cannot be opened, written, synced or renamed.
    File(FileError),
    /// An event that no row can be made of.
    Event {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: FieldError,
    },
    /// A field that is of another type than in an earlier row.
    Type {
        /// The file.
        path: PathBuf,
        /// The field.
        field: String,
    },
    /// Rows that no file can be made of: without fields, with two fields of one name.
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl ParquetError {
    pub(super) fn format(path: &Path, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Format { path: path.to_owned(), cause: cause.into() }
    }
}

impl From<FileError> for ParquetError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for ParquetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Event { path, error } => write!(f, "cannot write an event to {}: {error}", Printable(path)),
            Self::Type { path, field } => write!(
                f,
                "cannot write an event to {}: the field `{field}` is of another type than before; a column has one type, so \
                 map the events to one",
                Printable(path)
            ),
            Self::Format { path, cause } => write!(f, "cannot write {}: {cause}", Printable(path)),
        }
    }
}

impl fmt::Debug for ParquetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for ParquetError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File(error) => error.source(),
            Self::Event { error, .. } => error.source(),
            Self::Type { .. } => None,
            Self::Format { cause, .. } => cause.source(),
        }
    }
}
