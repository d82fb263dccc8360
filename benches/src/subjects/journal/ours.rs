//! `thingflow-journal`, without its thread, so that the work is counted where it is done.

use std::path::Path;

use thingflow_journal::{CommitWindow, Folder, Options, Start, Store};

use super::Queue;
use crate::Result;

#[derive(Debug)]
pub struct Segments(Store);

impl Queue for Segments {
    fn open(folder: &Path) -> Result<Self> {
        let options = Options::new(4 << 30, CommitWindow::default()).buffer_bytes(1 << 20);
        let mut store = Store::open(Folder::open(folder)?, options)?;
        store.open_consumer("bench", Start::Oldest)?;
        Ok(Self(store))
    }

    fn push(&mut self, records: &[Vec<u8>]) -> Result<()> {
        for record in records {
            self.0.push(0, record)?;
        }
        self.0.commit()?;
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<usize> {
        let mut bytes = 0;
        let mut taken = 0;
        while taken < count {
            let records = self.0.next("bench", (count - taken) * 144)?;
            let Some(last) = records.last() else { break };
            bytes += records.iter().map(|record| record.payload.len()).sum::<usize>();
            taken += records.len();
            self.0.acknowledge("bench", last.number)?;
        }
        Ok(bytes)
    }
}
