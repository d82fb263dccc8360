//! How much of the past is kept.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use crate::fields::TIMESTAMP;
use crate::tables::quoted;

/// What is kept; the rest is deleted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Retention {
    pub(super) rows: Option<u64>,
    pub(super) time: Option<Duration>,
}

impl Retention {
    /// Deletes what is not to be kept.
    pub(super) fn apply(self, db: &Connection, table: &str) -> rusqlite::Result<()> {
        let table = quoted(table);
        if let Some(rows) = self.rows {
            let sql = format!("DELETE FROM {table} WHERE rowid <= (SELECT max(rowid) FROM {table}) - ?1");
            db.prepare_cached(&sql)?.execute([i64::try_from(rows).unwrap_or(i64::MAX)])?;
        }
        if let Some(time) = self.time {
            let column = quoted(TIMESTAMP);
            let time = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
            // One event of the future, or a clock that is not set, must not clear the table.
            let sql = format!("DELETE FROM {table} WHERE {column} < min(?1, (SELECT max({column}) FROM {table})) - ?2");
            db.prepare_cached(&sql)?.execute([now(), time])?;
        }
        Ok(())
    }
}

/// The nanoseconds since 1970 by the clock of the system.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
