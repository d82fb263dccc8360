//! SQLite by `rusqlite`: a table in WAL mode with `synchronous = FULL`, a transaction a commit.

use std::path::Path;

use rusqlite::{Connection, params};

use super::Queue;
use crate::Result;

#[derive(Debug)]
pub struct Sqlite(Connection);

impl Queue for Sqlite {
    fn open(folder: &Path) -> Result<Self> {
        let connection = Connection::open(folder.join("sqlite"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute("CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, payload BLOB)", [])?;
        Ok(Self(connection))
    }

    fn push(&mut self, records: &[Vec<u8>]) -> Result<()> {
        let transaction = self.0.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO records (payload) VALUES (?1)")?;
            for record in records {
                insert.execute(params![record])?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn take(&mut self, count: usize) -> Result<usize> {
        let transaction = self.0.transaction()?;
        let mut bytes = 0;
        let mut last = None;
        {
            let mut select = transaction.prepare_cached("SELECT id, payload FROM records ORDER BY id LIMIT ?1")?;
            let mut rows = select.query(params![count as i64])?;
            while let Some(row) = rows.next()? {
                last = Some(row.get::<_, i64>(0)?);
                bytes += row.get::<_, Vec<u8>>(1)?.len();
            }
            transaction.prepare_cached("DELETE FROM records WHERE id <= ?1")?.execute(params![last])?;
        }
        transaction.commit()?;
        Ok(bytes)
    }
}
