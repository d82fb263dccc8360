//! Committing: from memory onto the disk, into the newest segment or into a new one.

use std::io;

use super::Store;
use super::open::SPARE;
use crate::batch::Encoded;
use crate::error::{Error, Full};
use crate::files::{File, SyncPoint, write_all};
use crate::format::{Extent, HEADER_BYTES, Header, Key, RECORD_BYTES, Summary, WRITE_BYTES};
use crate::log::file_name;
use crate::options::Policy;

impl Store {
    /// Writes what waits in memory, returns when it is on the disk, and gives the number up to which everything is.
    ///
    /// # Errors
    ///
    /// [`Error::Full`] if a limit is reached or the disk is full, and nothing may give way; [`Error::Io`] if writing fails
    /// into a new file too. What is not on the disk stays in memory, and the next call tries again.
    pub fn commit(&mut self) -> Result<u64, Error> {
        while !self.batch.is_empty() {
            let allowed = self.allowed();
            if allowed == 0 {
                return Err(Error::Full(Full::Records));
            }
            if !self.append(allowed)? {
                self.roll(allowed)?;
            }
            self.drop_beyond_limits()?;
        }
        self.durable = self.next - 1;
        Ok(self.durable)
    }

    /// How many records the limit in records lets in.
    fn allowed(&self) -> u64 {
        if self.options.policy == Policy::DropOldest {
            return u64::MAX;
        }
        let stored = |waiting: u64| waiting.saturating_sub(self.batch.len());
        let most = self.consumers.values().map(|reader| stored(reader.counts.waiting)).max();
        self.options.records.saturating_sub(most.unwrap_or_else(|| stored(self.kept.waiting)))
    }

    /// Appends to the newest segment what fits; `false` if it takes no more.
    ///
    /// A file that failed is closed for good, since after a failed sync nobody knows what of it is on the disk.
    fn append(&mut self, allowed: u64) -> Result<bool, Error> {
        let (Some(file), Some(newest)) = (&self.active, self.log.len().checked_sub(1)) else { return Ok(false) };
        let mut extent = self.log.extent(&*self.files, newest)?;
        extent.end = begin_of_commit(extent.end, self.batch.bytes() as u64, self.options.segment);
        let room = self.options.segment.saturating_sub(extent.end);
        if self.batch.first() != Some(extent.last + 1) || self.batch.first_bytes() > room {
            return Ok(false);
        }
        self.out.clear();
        let encoded = self.batch.encode(self.log.key(newest), room, allowed, &mut self.out);
        let written = write_all(&**file, &self.out, extent.end).and_then(|()| file.sync_data(SyncPoint::Batch));
        if let Err(error) = written {
            self.active = None;
            let name = file_name(self.log.segments[newest].first);
            self.report(crate::Report::Failed(Error::io(format!("write {name}"))(error)));
            return Ok(false);
        }
        self.wear.wrote(extent.end, self.out.len() as u64);
        grow(&mut extent, &encoded);
        self.log.set_extent(newest, extent);
        self.settle(&encoded);
        Ok(true)
    }

    /// Begins a new segment with what fits into it.
    fn roll(&mut self, allowed: u64) -> Result<(), Error> {
        let Some(first) = self.batch.first() else { return Ok(()) };
        self.make_room()?;
        let (before, previous) = self.summary()?;
        let header = Header { id: self.log.id, first, before, previous };
        self.out.clear();
        self.out.extend_from_slice(&header.encode());
        self.out.resize(HEADER_BYTES as usize, 0);
        let room = self.options.segment - HEADER_BYTES;
        let encoded = self.batch.encode(Key::new(self.log.id, first), room, allowed, &mut self.out);
        let (file, disk) = self.write_segment(first)?;
        self.wear.wrote(0, self.out.len() as u64);
        let mut extent = Extent::empty(first);
        grow(&mut extent, &encoded);
        self.log.push(first, disk, extent, before);
        self.active = Some(file);
        self.settle(&encoded);
        self.cut_unused()
    }

    /// What the new header says about the segments before.
    fn summary(&mut self) -> Result<(u64, Summary), Error> {
        let files = self.files.clone();
        let before = self.log.total(&*files)?;
        let Some(newest) = self.log.len().checked_sub(1) else {
            return Ok((before, Summary { first: 0, extent: Extent::empty(1) }));
        };
        let extent = self.log.extent(&*files, newest)?;
        Ok((before, Summary { first: self.log.segments[newest].first, extent }))
    }

    /// Makes the spare file a whole new segment, name and contents on the disk. A try that failed leaves nothing that a
    /// later one would trust.
    fn write_segment(&mut self, first: u64) -> Result<(Box<dyn File>, u64), Error> {
        let name = file_name(first);
        let disk = self.spare.take().map_or(0, |spare| spare.disk);
        self.write_spare(&name).map(|file| (file, disk)).map_err(|error| {
            for file in [name.as_str(), SPARE] {
                // What stays is replaced by the next try, or removed when the journal is opened.
                let _ = self.files.remove(file);
            }
            self.folder_dirty = true;
            match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full(Full::Disk),
                _ => Error::Io { doing: format!("write {name}"), error },
            }
        })
    }

    fn write_spare(&self, name: &str) -> io::Result<Box<dyn File>> {
        let file = self.files.open(SPARE)?;
        write_all(&*file, &self.out, 0)?;
        file.sync_data(SyncPoint::Batch)?;
        self.files.rename(SPARE, name)?;
        self.files.sync_folder(SyncPoint::NewSegment)?;
        Ok(file)
    }

    /// Lets go of records that are on the disk.
    fn settle(&mut self, encoded: &Encoded) {
        self.batch.pop(encoded.records.len());
        self.wear.stored += encoded.records.iter().map(|(_, bytes, _)| bytes - RECORD_BYTES).sum::<u64>();
        if let Some((number, ..)) = encoded.records.last() {
            self.durable = *number;
        }
        self.closed = false;
    }

    /// Gives back the unused end of the newest segment of an earlier process. Until now it has told how many numbers
    /// may have been used in it; now the next segment does.
    fn cut_unused(&mut self) -> Result<(), Error> {
        let Some(first) = self.uncut.take() else { return Ok(()) };
        let Some(index) = self.log.locate(first).filter(|index| self.log.segments[*index].first == first) else {
            return Ok(());
        };
        let extent = self.log.extent(&*self.files, index)?;
        let name = file_name(first);
        let cut = || {
            let file = self.files.open(&name)?;
            file.truncate(extent.end)?;
            file.sync_data(SyncPoint::Cut)?;
            file.allocated()
        };
        match cut() {
            Ok(disk) => self.log.segments[index].disk = disk,
            // It only takes more space than it need.
            Err(error) => self.report(crate::Report::Failed(Error::io(format!("cut {name}"))(error))),
        }
        Ok(())
    }

    /// Commits, syncs all positions, and marks the newest segment as whole, so that the next open has nothing to mend.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit). Dropping a store without a close loses what waits in memory, and nothing else.
    pub fn close(mut self) -> Result<(), Error> {
        let committed = self.commit().map(drop);
        let closed = self.close_consumers().and(self.mark_end()).and(self.discard_spare());
        committed.and(closed)
    }

    fn mark_end(&mut self) -> Result<(), Error> {
        let (Some(file), Some(newest)) = (self.active.take(), self.log.len().checked_sub(1)) else { return Ok(()) };
        if !self.batch.is_empty() {
            return Ok(());
        }
        let extent = self.log.extent(&*self.files, newest)?;
        self.out.clear();
        // A segment that is full to the last bytes has no room for a mark; its length says the same.
        if extent.end + RECORD_BYTES <= self.options.segment {
            self.log.key(newest).encode_mark(extent.last + 1, &mut self.out);
        }
        let name = file_name(self.log.segments[newest].first);
        let end = extent.end + self.out.len() as u64;
        let marked = write_all(&*file, &self.out, extent.end)
            .and_then(|()| file.truncate(end))
            .and_then(|()| file.sync_data(SyncPoint::Cut));
        marked.map_err(Error::io(format!("close {name}")))
    }
}

/// Where a commit of some bytes begins: right behind the one before, or, if it fills a block, with the next one where it then touches
/// fewer of them and leaves out little.
fn begin_of_commit(end: u64, bytes: u64, segment: u64) -> u64 {
    let next = end.next_multiple_of(WRITE_BYTES);
    let blocks = |from: u64| (from + bytes).div_ceil(WRITE_BYTES) - from / WRITE_BYTES;
    let is_little = bytes >= WRITE_BYTES && next - end <= bytes / 3;
    if is_little && blocks(next) < blocks(end) && next + bytes <= segment { next } else { end }
}

fn grow(extent: &mut Extent, encoded: &Encoded) {
    for (number, bytes, time) in &encoded.records {
        extent.grow(*number, *bytes, *time);
    }
}
