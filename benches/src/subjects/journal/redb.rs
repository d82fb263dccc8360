//! `redb`: numbers to bytes in one table; a transaction a commit, synced at once as is its default.

use std::path::Path;

use redb::{Database, ReadableTable, TableDefinition};

use super::Queue;
use crate::Result;

const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

#[derive(Debug)]
pub struct Redb {
    database: Database,
    next: u64,
}

impl Queue for Redb {
    fn open(folder: &Path) -> Result<Self> {
        let database = Database::create(folder.join("redb"))?;
        let transaction = database.begin_write()?;
        let next = transaction.open_table(RECORDS)?.last()?.map_or(0, |(number, _)| number.value() + 1);
        transaction.commit()?;
        Ok(Self { database, next })
    }

    fn push(&mut self, records: &[Vec<u8>]) -> Result<()> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            for record in records {
                table.insert(self.next, record.as_slice())?;
                self.next += 1;
            }
        }
        Ok(transaction.commit()?)
    }

    fn take(&mut self, count: usize) -> Result<usize> {
        let transaction = self.database.begin_write()?;
        let mut bytes = 0;
        {
            let mut table = transaction.open_table(RECORDS)?;
            for _ in 0..count {
                let Some((_, payload)) = table.pop_first()? else { break };
                bytes += payload.value().len();
            }
        }
        transaction.commit()?;
        Ok(bytes)
    }
}
