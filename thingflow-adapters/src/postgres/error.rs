//! [`PostgresError`]: what may be wrong with a database, a table or a row.

use std::error::Error;
use std::fmt;

use thingflow_core::{Refusal, Rejection, StreamError};
use tokio_postgres::error::SqlState;

use crate::fields::FieldError;
use crate::net::TlsFault;
use crate::printable::printable;

/// A database that cannot be used, or a row of it.
#[non_exhaustive]
pub enum PostgresError {
    /// The address is none, or the password cannot be read.
    Address {
        /// Why.
        why: String,
    },
    /// The database says no, or nothing.
    Database {
        /// What could not be done, and where.
        doing: String,
        /// Why.
        cause: tokio_postgres::Error,
    },
    /// It has not answered in time.
    Silent {
        /// What could not be done, and where.
        doing: String,
    },
    /// The table does not exist, or lacks a column.
    Table {
        /// The table.
        table: String,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// An event that no row can be made of, or a row that no record can be made of.
    Record {
        /// The table.
        table: String,
        /// The number of the row, if it is one that was read.
        row: Option<i64>,
        /// What is wrong with it.
        error: FieldError,
    },
    /// The system gives no more threads or descriptors.
    System(std::io::Error),
}

impl PostgresError {
    pub(super) fn table(table: &str, what: impl Into<String>) -> Self {
        Self::Table { table: table.to_owned(), what: what.into() }
    }
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { why } => {
                write!(f, "invalid address of a database: {}; use postgresql://USER@HOST/DATABASE", printable(why))
            }
            Self::Database { doing, cause } => match cause.as_db_error() {
                Some(error) => {
                    write!(f, "cannot {doing}: {} (SQLSTATE {})", printable(error.message()), error.code().code())
                }
                None => {
                    let (meaning, colon) = trust(cause).map_or(("", ""), |fault| (fault.meaning(), ": "));
                    write!(f, "cannot {doing}: {meaning}{colon}{}", printable(&whole(cause)))
                }
            },
            Self::Silent { doing } => {
                write!(f, "cannot {doing}: the database has not answered in time; it may have longer by `timeout`")
            }
            Self::Table { table, what } => write!(f, "invalid table `{}`: {what}", printable(table)),
            Self::Record { table, row: None, error } => {
                write!(f, "cannot write to table `{}`: {error}", printable(table))
            }
            Self::Record { table, row: Some(row), error } => {
                write!(f, "row {row} of table `{}`: {error}", printable(table))
            }
            Self::System(error) => write!(f, "cannot start a client: {error}"),
        }
    }
}

/// The text of an error with that of its cause, which the library keeps apart or not.
pub(super) fn whole(error: &tokio_postgres::Error) -> String {
    let text = error.to_string();
    match error.source().map(ToString::to_string) {
        Some(cause) if !text.contains(&cause) => format!("{text}: {cause}"),
        _ => text,
    }
}

/// What is wrong with certificates, if it is that.
fn trust(error: &tokio_postgres::Error) -> Option<TlsFault> {
    crate::net::fault(error.source()?.downcast_ref()?)
}

/// As `Display`.
impl fmt::Debug for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for PostgresError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Database { cause, .. } => Some(cause),
            Self::Record { error, .. } => Some(error),
            Self::System(error) => Some(error),
            Self::Address { .. } | Self::Silent { .. } | Self::Table { .. } => None,
        }
    }
}

impl From<PostgresError> for StreamError {
    fn from(error: PostgresError) -> Self {
        Self::caused("", error)
    }
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Event,
    Peer,
    Setup,
}

/// By the class of the code, its first two characters: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn fault_of(state: &SqlState) -> Fault {
    match state.code().get(..2) {
        // Cardinality, data, integrity: what the row holds.
        Some("21" | "22" | "23") => Fault::Event,
        // Not supported, authorization, names, syntax, limits, rights.
        Some("0A" | "0L" | "0P" | "28" | "3D" | "3F" | "42" | "44" | "54") => Fault::Setup,
        _ => Fault::Peer,
    }
}

/// The library has no question for these.
fn says_setup(error: &tokio_postgres::Error) -> bool {
    let text = whole(error);
    [
        "invalid configuration",
        "error performing TLS handshake: server does not",
        "error performing TLS handshake: no hostname",
    ]
    .iter()
    .any(|known| text.starts_with(known))
}

impl PostgresError {
    fn fault(&self) -> Fault {
        match self {
            Self::Address { .. } | Self::Table { .. } => Fault::Setup,
            Self::Record { .. } => Fault::Event,
            Self::Silent { .. } | Self::System(_) => Fault::Peer,
            Self::Database { cause, .. } => match cause.code() {
                Some(state) => fault_of(state),
                None if trust(cause) == Some(TlsFault::Setup) || says_setup(cause) => Fault::Setup,
                None => Fault::Peer,
            },
        }
    }
}

/// Of several events together.
impl From<PostgresError> for Rejection {
    fn from(error: PostgresError) -> Self {
        match error.fault() {
            Fault::Event => Self::SomeEvent(error.into()),
            Fault::Peer => Refusal::Peer(error.into()).into(),
            Fault::Setup => Refusal::Setup(error.into()).into(),
        }
    }
}

/// Where no event is to blame.
impl From<PostgresError> for Refusal {
    fn from(error: PostgresError) -> Self {
        match error.fault() {
            Fault::Event | Fault::Setup => Self::Setup(error.into()),
            Fault::Peer => Self::Peer(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a29_only_three_classes_are_the_rows_fault() {
        let fault = |code| fault_of(&SqlState::from_code(code));
        for code in ["21000", "22001", "22P02", "23502", "23505", "23514"] {
            assert_eq!(fault(code), Fault::Event, "{code}");
        }
        for code in ["28P01", "3D000", "42P01", "42703", "42501", "42P10", "54011"] {
            assert_eq!(fault(code), Fault::Setup, "{code}");
        }
        for code in
            ["08006", "25006", "40001", "40P01", "53100", "53300", "55P03", "57014", "57P01", "58030", "XX000", "F0000"]
        {
            assert_eq!(fault(code), Fault::Peer, "{code}");
        }
    }
}
