//! Reading and writing all of it, through interruptions and short counts.

use std::io;

use super::{File, Files, SyncPoint};

/// Fills the buffer as far as the file reaches; gives how many bytes those were.
pub(crate) fn read_up_to(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Like [`read_up_to`], but a part of the disk that cannot be read is zero, as long as the begin of the file can be.
pub(crate) fn read_around(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    const BLOCK: usize = 4096;
    let error = match read_up_to(file, buffer, offset) {
        Ok(count) => return Ok(count),
        Err(error) => error,
    };
    if read_up_to(file, &mut [0; 512], 0).is_err() {
        return Err(error);
    }
    let len = usize::try_from(file.len()?.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
    for (at, block) in buffer[..len].chunks_mut(BLOCK).enumerate() {
        if read_up_to(file, block, offset + (at * BLOCK) as u64).is_err() {
            block.fill(0);
        }
    }
    Ok(len)
}

/// Writes all bytes, or fails with some of them written.
pub(crate) fn write_all(file: &dyn File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match file.write_at(&bytes[done..], offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Removes a file, if nobody else has.
pub(crate) fn remove(files: &dyn Files, name: &str) -> io::Result<()> {
    match files.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A file that somebody else has removed: it can be read as an empty one.
#[derive(Debug)]
pub(crate) struct Gone;

impl File for Gone {
    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Ok(0)
    }
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn allocate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn truncate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn sync_data(&self, _: SyncPoint) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn len(&self) -> io::Result<u64> {
        Ok(0)
    }
    fn allocated(&self) -> io::Result<u64> {
        Ok(0)
    }
}
