//! What tables of databases have in common: columns made from records, keys, rows.

mod columns;
mod key;
#[cfg(feature = "sqlite")]
mod missing;

pub(crate) use columns::{Kind, is_own, quoted};
pub(crate) use key::Key;
#[cfg(feature = "sqlite")]
pub(crate) use missing::new_columns;

/// A row that was read, with its number: to go on behind it after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row<T> {
    /// The number by which rows are ordered.
    pub id: i64,
    /// What stands in the row.
    pub record: T,
}

/// The column of a table that we have made which numbers its rows.
pub(crate) const ROW_ID: &str = "row_id";
/// The columns of a row's key.
pub(crate) const FLOW: &str = "key_flow";
pub(crate) const SEQUENCE: &str = "key_sequence";
