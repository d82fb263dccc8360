//! `fjall`: numbers to bytes in one keyspace; a batch a commit, persisted with `SyncData`.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::Queue;
use crate::Result;

pub struct Fjall {
    database: Database,
    records: Keyspace,
    first: u64,
    next: u64,
}

impl Queue for Fjall {
    fn open(folder: &Path) -> Result<Self> {
        let database = Database::builder(folder.join("fjall")).open()?;
        let records = database.keyspace("records", KeyspaceCreateOptions::default)?;
        let number = |guard: Option<fjall::Guard>| -> Result<Option<u64>> {
            let Some(key) = guard.map(|guard| guard.key()).transpose()? else { return Ok(None) };
            Ok(Some(u64::from_be_bytes(key.as_ref().try_into()?)))
        };
        let first = number(records.first_key_value())?.unwrap_or(0);
        let next = number(records.last_key_value())?.map_or(0, |last| last + 1);
        Ok(Self { database, records, first, next })
    }

    fn push(&mut self, records: &[Vec<u8>]) -> Result<()> {
        let mut batch = self.database.batch();
        for record in records {
            batch.insert(&self.records, self.next.to_be_bytes(), record.as_slice());
            self.next += 1;
        }
        batch.commit()?;
        Ok(self.database.persist(PersistMode::SyncData)?)
    }

    fn take(&mut self, count: usize) -> Result<usize> {
        let mut batch = self.database.batch();
        let mut bytes = 0;
        for guard in self.records.range(self.first.to_be_bytes()..).take(count) {
            let (key, payload) = guard.into_inner()?;
            bytes += payload.len();
            batch.remove(&self.records, key);
            self.first += 1;
        }
        batch.commit()?;
        Ok(bytes)
    }
}
