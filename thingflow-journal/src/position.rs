//! The file of a consumer's position: two slots, of which one is always whole and synced.

use std::io;

use crate::clocks::CLOCKS;
use crate::error::Error;
use crate::files::{File, Files, SyncPoint, read_up_to, write_all};
use crate::format::{BLOCK_BYTES, Bad, SLOT_BYTES, Slot, StoreId};

/// Bytes of the file.
pub(crate) const POSITION_BYTES: u64 = 2 * SLOT_BYTES;

const ENDING: &str = ".pos";
const NEW_ENDING: &str = ".new";

/// The file name of a consumer.
pub(crate) fn file_name(consumer: &str) -> Result<String, Error> {
    let right = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match consumer.len() {
        1..=64 if consumer.bytes().all(right) => Ok(format!("{consumer}{ENDING}")),
        _ => Err(Error::Name(consumer.chars().take(80).collect())),
    }
}

/// The consumer that a file belongs to.
pub(crate) fn consumer_of(file: &str) -> Option<&str> {
    file.strip_suffix(ENDING).filter(|name| file_name(name).is_ok())
}

/// Whether a file is one that was not finished. Files of others may have such an ending too.
pub(crate) fn is_unfinished(file: &str) -> bool {
    file.strip_suffix(NEW_ENDING).is_some_and(|name| name == CLOCKS || consumer_of(name).is_some())
}

/// The valid slot of an open file, and which of the two it is.
pub(crate) fn read(file: &dyn File) -> io::Result<Result<(Slot, u64), Bad>> {
    let mut best: Result<(Slot, u64), Bad> = Err(Bad::Empty);
    for index in 0..2 {
        let mut block = [0; BLOCK_BYTES];
        read_up_to(file, &mut block, index * SLOT_BYTES)?;
        match (Slot::decode(&block), &best) {
            (Err(Bad::Version(found)), _) => return Ok(Err(Bad::Version(found))),
            (Ok(slot), Ok((other, _))) if slot.counter < other.counter => {}
            (Ok(slot), _) => best = Ok((slot, index)),
            (Err(bad), Err(_)) => best = Err(bad),
            (Err(_), Ok(_)) => {}
        }
    }
    Ok(best)
}

/// An open position. What is set is written at once; it is on the disk after a sync.
#[derive(Debug)]
pub(crate) struct Position {
    name: String,
    file: Box<dyn File>,
    /// What was set last.
    slot: Slot,
    /// Where it was written last.
    index: u64,
    /// Whether it differs from what has been synced.
    dirty: bool,
    /// Whether what was set is not written yet, since writing failed.
    unwritten: bool,
    /// Whether a sync failed, so that the file cannot be trusted.
    failed: bool,
    /// Slots that were synced since it was asked last.
    synced: u64,
}

impl Position {
    /// Makes the file, whole and on the disk.
    pub(crate) fn create(
        files: &dyn Files,
        id: StoreId,
        name: &str,
        delivered: u64,
        reach: u64,
    ) -> Result<Self, Error> {
        let slot = Slot { id, counter: 1, delivered, reach };
        let file = Self::write_new(files, name, &slot).map_err(Error::io(format!("create {name}")))?;
        Ok(Self { name: name.into(), file, slot, index: 0, dirty: false, unwritten: false, failed: false, synced: 1 })
    }

    fn write_new(files: &dyn Files, name: &str, slot: &Slot) -> io::Result<Box<dyn File>> {
        let unfinished = format!("{name}{NEW_ENDING}");
        match files.remove(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = files.create(&unfinished)?;
        let mut bytes = vec![0; POSITION_BYTES as usize];
        bytes[..BLOCK_BYTES].copy_from_slice(&slot.encode());
        let finished = write_all(&*file, &bytes, 0)
            .and_then(|()| file.sync_data(SyncPoint::NewPosition))
            .and_then(|()| files.rename(&unfinished, name));
        if let Err(error) = finished {
            // It is removed at the next try, or when the journal is opened.
            let _ = files.remove(&unfinished);
            return Err(error);
        }
        files.sync_folder(SyncPoint::PositionName)?;
        Ok(file)
    }

    /// Takes over what an earlier process has left, once it is on the disk.
    pub(crate) fn recover(name: &str, file: Box<dyn File>, slot: Slot, index: u64) -> Result<Self, Error> {
        file.sync_data(SyncPoint::RecoverPosition).map_err(Error::io(format!("sync {name}")))?;
        Ok(Self { name: name.into(), file, slot, index, dirty: false, unwritten: false, failed: false, synced: 0 })
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.slot.delivered
    }

    pub(crate) fn reach(&self) -> u64 {
        self.slot.reach
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Slots that were synced since the last call.
    pub(crate) fn take_synced(&mut self) -> u64 {
        std::mem::take(&mut self.synced)
    }

    /// Writes the position if it changed. The slot that was synced last stays as it is until the next sync. What cannot be
    /// written is kept for the next call.
    pub(crate) fn set(&mut self, delivered: u64, reach: u64) -> Result<(), Error> {
        if (delivered, reach) != (self.slot.delivered, self.slot.reach) {
            self.slot = Slot { delivered, reach, counter: self.slot.counter + 1, ..self.slot };
            if !self.dirty {
                self.index = 1 - self.index;
            }
            (self.dirty, self.unwritten) = (true, true);
        }
        self.write()
    }

    fn write(&mut self) -> Result<(), Error> {
        if self.unwritten {
            let written = write_all(&*self.file, &self.slot.encode(), self.index * SLOT_BYTES);
            written.map_err(Error::io(format!("write {}", self.name)))?;
            self.unwritten = false;
        }
        Ok(())
    }

    /// Returns when what was set is on the disk. After a failed sync the file is not trusted again: it is made anew.
    pub(crate) fn sync(&mut self, files: &dyn Files, point: SyncPoint) -> Result<(), Error> {
        if !self.dirty {
            return Ok(());
        }
        if !self.failed {
            self.write()?;
            self.failed = self.file.sync_data(point).is_err();
        }
        if self.failed {
            let file = Self::write_new(files, &self.name, &self.slot);
            self.file = file.map_err(Error::io(format!("write {}", self.name)))?;
            self.index = 0;
        }
        (self.dirty, self.unwritten, self.failed) = (false, false, false);
        self.synced += 1;
        Ok(())
    }
}
