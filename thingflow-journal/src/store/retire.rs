//! Letting go of segments: those that all have acknowledged, and those that a limit takes.

use std::io;
use std::time::Duration;

use super::open::SPARE;
use super::{Spare, Store};
use crate::clocks::FILE_BYTES;
use crate::counts::Reason;
use crate::error::{Error, Full};
use crate::files::{SyncPoint, remove};
use crate::format::HEADER_BYTES;
use crate::log::file_name;
use crate::options::Policy;
use crate::position::POSITION_BYTES;

/// Why a segment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    Delivered,
    Dropped(Reason),
}

impl Store {
    /// Bytes that all files of the journal take on the disk, as `du` counts, with the folder itself.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder cannot be looked at.
    pub fn disk_bytes(&self) -> Result<u64, Error> {
        let folder = self.files.folder_bytes().map_err(Error::io(format!("look at {}", self.files.describe())))?;
        let segments: u64 = self.log.segments.iter().map(|segment| segment.disk).sum();
        let spare = self.spare.as_ref().map_or(0, |spare| spare.disk);
        let quarantine: u64 = self.quarantine.iter().map(|(_, disk)| disk).sum();
        let positions = POSITION_BYTES * self.consumers.len() as u64;
        let clocks = if self.has_clocks { FILE_BYTES } else { 0 };
        let lock = HEADER_BYTES; // one block
        Ok(folder + segments + spare + quarantine + positions + clocks + lock)
    }

    /// Makes room for a new segment below the limit, and makes sure that what made room does not come back.
    pub(super) fn make_room(&mut self) -> Result<(), Error> {
        // An acknowledgement may have failed to.
        self.retire_delivered()?;
        loop {
            let needed = if self.spare.is_some() { 0 } else { self.options.segment };
            if self.disk_bytes()? + needed <= self.options.limit {
                break;
            }
            self.give_way(Reason::Bytes, Full::Bytes)?;
        }
        loop {
            if self.folder_dirty {
                let synced = self.files.sync_folder(SyncPoint::Reuse);
                synced.map_err(Error::io(format!("sync {}", self.files.describe())))?;
                self.folder_dirty = false;
            }
            if self.spare.is_some() || self.can_allocate()? {
                return Ok(());
            }
            self.give_way(Reason::Disk, Full::Disk)?;
        }
    }

    /// Whether the disk has room for a segment, which becomes the spare one.
    fn can_allocate(&mut self) -> Result<bool, Error> {
        let allocated = self.files.create(SPARE).and_then(|file| {
            file.allocate(self.options.segment)?;
            file.allocated()
        });
        match allocated {
            Ok(disk) => {
                self.spare = Some(Spare { disk });
                Ok(true)
            }
            Err(error) => {
                // Nothing was written. Removed when the journal is opened, if this fails too.
                let _ = self.files.remove(SPARE);
                match error.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Ok(false),
                    _ => Err(Error::io(format!("create {SPARE}"))(error)),
                }
            }
        }
    }

    /// Removes the least valuable file: a copy of something damaged, then by policy the oldest segment.
    fn give_way(&mut self, reason: Reason, full: Full) -> Result<(), Error> {
        if let Some((name, _)) = self.quarantine.pop_front() {
            self.folder_dirty = true;
            return remove(&*self.files, &name).map_err(Error::io(format!("remove {name}")));
        }
        if self.options.policy == Policy::DropOldest && self.log.len() > 1 {
            return self.remove_oldest(Goes::Dropped(reason));
        }
        Err(Error::Full(full))
    }

    /// Removes segments whose records all consumers have acknowledged. The newest stays: it knows the next number.
    pub(super) fn retire_delivered(&mut self) -> Result<(), Error> {
        let Some(delivered) = self.consumers.values().map(|reader| reader.position.delivered()).min() else {
            return Ok(());
        };
        while self.log.len() > 1 && self.log.extent(&*self.files, 0)?.last <= delivered {
            self.remove_oldest(Goes::Delivered)?;
        }
        Ok(())
    }

    /// Drops what the limits in age and in records do not keep.
    pub(super) fn drop_beyond_limits(&mut self) -> Result<(), Error> {
        if let Some(age) = self.options.age {
            self.drop_aged(age)?;
        }
        if self.options.policy != Policy::DropOldest || self.options.records == u64::MAX {
            return Ok(());
        }
        let files = self.files.clone();
        let (most, buffered) = (self.options.records, self.batch.len());
        let excess = |waiting: u64| waiting.saturating_sub(buffered).saturating_sub(most);
        for reader in self.consumers.values_mut().filter(|reader| excess(reader.counts.waiting) > 0) {
            let unread = self.log.count_from(&*files, reader.place.next)?;
            let records = excess(reader.counts.waiting).min(unread);
            let next = self.log.skip(&*files, reader.place.next, records)?;
            reader.drop_below(next, records, Reason::Records)?;
        }
        if self.consumers.is_empty() {
            let records = excess(self.kept.waiting);
            self.floor = self.log.skip(&*files, self.floor, records)?;
            self.kept.dropped(Reason::Records, records);
            while self.log.len() > 1 && self.log.extent(&*files, 0)?.last < self.floor {
                self.remove_oldest(Goes::Dropped(Reason::Records))?;
            }
        }
        self.retire_delivered()
    }

    fn drop_aged(&mut self, age: Duration) -> Result<(), Error> {
        let files = self.files.clone();
        let Some(newest) = self.log.len().checked_sub(1) else { return Ok(()) };
        let age = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
        let oldest_kept = self.log.extent(&*files, newest)?.times.1.saturating_sub_unsigned(age);
        while self.log.len() > 1 && self.log.extent(&*files, 0)?.times.1 < oldest_kept {
            self.remove_oldest(Goes::Dropped(Reason::Age))?;
        }
        Ok(())
    }

    /// Drops all records below `number`, for all consumers. Segments that hold nothing else are removed, but for the newest.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn cut(&mut self, number: u64) -> Result<(), Error> {
        self.cut_telling(number, &mut |_, _| {})
    }

    /// As [`cut`](Self::cut): says how many segments have gone, and of how many.
    pub(crate) fn cut_telling(&mut self, number: u64, told: &mut dyn FnMut(usize, usize)) -> Result<(), Error> {
        let files = self.files.clone();
        let number = number.min(self.durable + 1);
        for reader in self.consumers.values_mut() {
            let skipped = self.log.count_from(&*files, reader.place.next)?;
            let left = self.log.count_from(&*files, number.max(reader.place.next))?;
            reader.drop_below(number, skipped - left, Reason::Cut)?;
        }
        let kept = self.log.count_from(&*files, self.floor)?;
        let left = self.log.count_from(&*files, number.max(self.floor))?;
        self.kept.dropped(Reason::Cut, kept - left);
        self.floor = self.floor.max(number);
        let all = self.log.locate(number).unwrap_or(0);
        while self.log.len() > 1 && self.log.extent(&*files, 0)?.last < number {
            self.remove_oldest(Goes::Dropped(Reason::Cut))?;
            told(all.saturating_sub(self.log.locate(number).unwrap_or(0)), all);
        }
        Ok(())
    }

    /// As [`cut`](Self::cut), but of whole segments only.
    pub(crate) fn cut_segments(&mut self, number: u64, told: &mut dyn FnMut(usize, usize)) -> Result<(), Error> {
        let begin = self.log.locate(number.min(self.durable + 1)).map(|index| self.log.segments[index].first);
        begin.map_or(Ok(()), |begin| self.cut_telling(begin, told))
    }

    /// Removes the oldest segment, after every position that depends on it is on the disk.
    fn remove_oldest(&mut self, goes: Goes) -> Result<(), Error> {
        let files = self.files.clone();
        let (first, extent) = (self.log.segments[0].first, self.log.extent(&*files, 0)?);
        for reader in self.consumers.values_mut() {
            if let Goes::Dropped(reason) = goes {
                let unread = (extent.last + 1).saturating_sub(reader.place.next.max(first));
                reader.drop_below(extent.last + 1, unread, reason)?;
                reader.pass(extent.last)?;
            }
            reader.position.sync(&*files, SyncPoint::Retire)?;
        }
        let records = (extent.last + 1).saturating_sub(first.max(self.floor.min(extent.last + 1)));
        self.unlink_oldest()?;
        match goes {
            Goes::Delivered => self.kept.delivered(records),
            Goes::Dropped(reason) => self.kept.dropped(reason, records),
        }
        Ok(())
    }

    /// Takes the name from the oldest segment. Its file becomes the spare one if there is none.
    fn unlink_oldest(&mut self) -> Result<(), Error> {
        let segment = &self.log.segments[0];
        let (first, disk) = (segment.first, segment.disk);
        let name = file_name(first);
        self.log.forget(first);
        let is_whole = disk == self.options.segment && self.uncut != Some(first);
        let is_kept = self.spare.is_none() && is_whole;
        let gone = if is_kept { self.files.rename(&name, SPARE) } else { remove(&*self.files, &name) };
        match gone {
            Ok(()) => self.spare = self.spare.take().or(is_kept.then_some(Spare { disk })),
            // Somebody else has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(format!("remove {name}"))(error)),
        }
        self.folder_dirty = true;
        self.log.remove(0);
        Ok(())
    }
}
