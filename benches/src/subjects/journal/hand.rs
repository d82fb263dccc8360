//! The plainest that is still safe against power cuts: append to one file with a length and a checksum, `fdatasync`. It never
//! gives space back.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Queue;
use crate::Result;

#[derive(Debug)]
pub struct Plain {
    file: File,
    end: u64,
    read: u64,
    position: File,
    buffer: Vec<u8>,
}

const HEAD: usize = 24;

impl Queue for Plain {
    /// Looks through the whole file, as it knows nothing else of its end.
    fn open(folder: &Path) -> Result<Self> {
        let options = || File::options().read(true).write(true).create(true).truncate(false).to_owned();
        let (file, position) = (options().open(folder.join("log"))?, options().open(folder.join("position"))?);
        let mut plain = Self { file, end: 0, read: 0, position, buffer: Vec::new() };
        plain.file.sync_all()?;
        File::open(folder)?.sync_all()?;
        while let Some((_, next)) = plain.record(plain.end)? {
            plain.end = next;
        }
        let mut read = [0; 8];
        if plain.position.read_at(&mut read, 0)? == 8 {
            plain.read = u64::from_le_bytes(read);
        }
        Ok(plain)
    }

    fn push(&mut self, records: &[Vec<u8>]) -> Result<()> {
        self.buffer.clear();
        for record in records {
            self.buffer.extend_from_slice(&(record.len() as u32).to_le_bytes());
            self.buffer.extend_from_slice(&crc32c::crc32c(record).to_le_bytes());
            self.buffer.extend_from_slice(&[0; HEAD - 8]);
            self.buffer.extend_from_slice(record);
        }
        self.file.write_all_at(&self.buffer, self.end)?;
        self.file.sync_data()?;
        self.end += self.buffer.len() as u64;
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<usize> {
        let mut bytes = 0;
        for _ in 0..count {
            let Some((len, next)) = self.record(self.read)? else { break };
            bytes += len;
            self.read = next;
        }
        self.position.write_all_at(&self.read.to_le_bytes(), 0)?;
        Ok(bytes)
    }
}

impl Plain {
    /// Length of the record at an offset, and where the next begins.
    fn record(&mut self, at: u64) -> Result<Option<(usize, u64)>> {
        let mut head = [0; HEAD];
        if self.file.read_at(&mut head, at)? < HEAD {
            return Ok(None);
        }
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let len = word(0) as usize;
        let mut payload = vec![0; len];
        self.file.read_exact_at(&mut payload, at + HEAD as u64)?;
        Ok((crc32c::crc32c(&payload) == word(4)).then_some((len, at + (HEAD + len) as u64)))
    }
}
