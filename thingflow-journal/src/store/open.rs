//! Opening: who has it, whose it is, where it ends, and what a crash has left.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::sync::Arc;

use super::{Reports, Spare, Store};
use crate::batch::Batch;
use crate::clocks::{self, BootClock, CLOCKS};
use crate::counts::Counts;
use crate::error::Error;
use crate::files::{Entry, Files, SyncPoint, read_up_to, remove, write_all};
use crate::format::{
    BLOCK_BYTES, Bad, Extent, FAR_NUMBER, Header, RECORD_BYTES, StoreId, claim, decode_identity, encode_identity,
};
use crate::log::{Log, file_name, first_of};
use crate::options::Options;
use crate::position::{self, consumer_of};
use crate::quarantine;
use crate::report::Report;

/// Locked while the journal is open, and keeps its identity.
pub(crate) const LOCK: &str = "lock";

/// How a spare segment is called.
pub(crate) const SPARE: &str = "spare.free";

/// The files of a journal, sorted by what they are.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) has_lock: bool,
    /// First numbers and bytes on the disk.
    pub(crate) segments: Vec<(u64, u64)>,
    /// File names.
    pub(crate) positions: Vec<String>,
    spare: Option<u64>,
    unfinished: Vec<String>,
    pub(crate) quarantine: Vec<(String, u64)>,
    pub(crate) has_clocks: bool,
}

impl Listing {
    pub(crate) fn read(files: &dyn Files) -> Result<Self, Error> {
        let mut listing = Self::default();
        let entries = files.list().map_err(Error::io(format!("list {}", files.describe())))?;
        for Entry { name, allocated } in entries {
            if let Some(first) = first_of(&name) {
                listing.segments.push((first, allocated));
            } else if consumer_of(&name).is_some() {
                listing.positions.push(name);
            } else if name == SPARE {
                listing.spare = Some(allocated);
            } else if position::is_unfinished(&name) {
                listing.unfinished.push(name);
            } else if quarantine::is_copy(&name) {
                listing.quarantine.push((name, allocated));
            } else {
                listing.has_lock |= name == LOCK;
                listing.has_clocks |= name == CLOCKS;
            }
        }
        listing.segments.sort_unstable();
        listing.positions.sort_unstable();
        listing.quarantine.sort_unstable();
        Ok(listing)
    }

    /// Whose files these are; refuses those of another journal or version. Looks at the oldest and the newest segment and
    /// at all positions; every other segment is looked at before it is read.
    pub(crate) fn identity(&self, files: &dyn Files) -> Result<Option<StoreId>, Error> {
        let mut known = None;
        if self.has_lock {
            self.settle(files, LOCK, &mut known, decode_identity)?;
        }
        if let Some((far, _)) = self.segments.last().filter(|(first, _)| *first > FAR_NUMBER) {
            return Err(Error::Foreign { file: file_name(*far) });
        }
        let ends = [self.segments.first(), self.segments.last()];
        for (first, _) in ends.into_iter().flatten() {
            self.settle(files, &file_name(*first), &mut known, |block| Header::decode(block).map(|header| header.id))?;
        }
        for name in &self.positions {
            let Some(file) = open_if_there(files, name)? else { continue };
            let slot = position::read(&*file).map_err(Error::io(format!("read {name}")))?;
            agree(name, slot.map(|(slot, _)| slot.id), &mut known)?;
        }
        if self.has_clocks {
            agree(CLOCKS, self.read_clocks(files)?.map(|(id, _)| id), &mut known)?;
        }
        Ok(known)
    }

    /// What is known of the wall clocks of boots: of none if there is no file.
    pub(crate) fn read_clocks(&self, files: &dyn Files) -> Result<Result<(StoreId, Vec<BootClock>), Bad>, Error> {
        if !self.has_clocks {
            return Ok(Err(Bad::Empty));
        }
        let Some(file) = open_if_there(files, CLOCKS)? else { return Ok(Err(Bad::Empty)) };
        clocks::read(&*file).map_err(Error::io(format!("read {CLOCKS}")))
    }

    fn settle(
        &self,
        files: &dyn Files,
        name: &str,
        known: &mut Option<StoreId>,
        decode: impl Fn(&[u8]) -> Result<StoreId, Bad>,
    ) -> Result<(), Error> {
        let Some(file) = open_if_there(files, name)? else { return Ok(()) };
        let mut block = [0; BLOCK_BYTES];
        read_up_to(&*file, &mut block, 0).map_err(Error::io(format!("read {name}")))?;
        agree(name, decode(&block), known)
    }
}

/// Opens a file that was listed. Beside a running program it may have gone since.
fn open_if_there(files: &dyn Files, name: &str) -> Result<Option<Box<dyn crate::files::File>>, Error> {
    match files.open(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some).map_err(Error::io(format!("open {name}"))),
    }
}

fn open_file(files: &dyn Files, name: &str) -> Result<Box<dyn crate::files::File>, Error> {
    files.open(name).map_err(Error::io(format!("open {name}")))
}

fn agree(name: &str, found: Result<StoreId, Bad>, known: &mut Option<StoreId>) -> Result<(), Error> {
    match (found, &known) {
        (Err(Bad::Version(found)), _) => Err(Error::Version { file: name.into(), found }),
        (Ok(id), Some(other)) if id != *other => Err(Error::Foreign { file: name.into() }),
        (Ok(id), None) => {
            *known = Some(id);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An id that no other journal has.
fn new_id() -> StoreId {
    let half = || RandomState::new().build_hasher().finish().to_le_bytes();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&half());
    id[8..].copy_from_slice(&half());
    StoreId(id)
}

/// Opens the lock, and makes it where there is none. Whatever is refused is refused before.
fn lock(files: &dyn Files) -> Result<(Box<dyn Send>, Listing, StoreId), Error> {
    let listing = Listing::read(files)?;
    let is_new = !listing.has_lock;
    if is_new {
        listing.identity(files)?;
        match files.create(LOCK) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::io(format!("create {LOCK}"))(error));
            }
            _ => {}
        }
    }
    let guard = files.lock(LOCK).map_err(Error::io(format!("lock {LOCK}")))?;
    let Some(guard) = guard else { return Err(Error::InUse { folder: files.describe() }) };
    let listing = Listing::read(files)?;
    let known = listing.identity(files)?;
    let id = known.unwrap_or_else(new_id);
    // Only the holder of the lock writes its identity: of two programs that begin at once, the other would write a second one over it, and
    // the journal would be refused from then on.
    if is_new || known.is_none() {
        let file = open_file(files, LOCK)?;
        write_all(&*file, &encode_identity(id), 0).map_err(Error::io(format!("write {LOCK}")))?;
    }
    Ok((guard, listing, id))
}

pub(super) fn open(files: Arc<dyn Files>, options: Options) -> Result<Store, Error> {
    let (guard, listing, id) = lock(&*files)?;
    let log = Log::new(id, listing.segments.iter().copied());
    let mut store = Store {
        log,
        active: None,
        spare: listing.spare.map(|disk| Spare { disk }),
        folder_dirty: false,
        uncut: None,
        consumers: std::collections::BTreeMap::new(),
        kept: Counts::default(),
        floor: 1,
        batch: Batch::default(),
        next: 1,
        durable: 0,
        quarantine: listing.quarantine.iter().cloned().collect(),
        quarantined: listing.quarantine.len() as u64,
        seen: std::collections::BTreeSet::new(),
        reports: Reports::default(),
        out: Vec::new(),
        clocks: Vec::new(),
        has_clocks: listing.has_clocks,
        wear: crate::counts::Wear::default(),
        closed: false,
        _lock: guard,
        files,
        options,
    };
    store.recover(&listing)?;
    Ok(store)
}

impl Store {
    /// Brings back the state of the last process. Interrupted and done again it comes to the same.
    fn recover(&mut self, listing: &Listing) -> Result<(), Error> {
        for name in &listing.unfinished {
            self.files.remove(name).map_err(Error::io(format!("remove {name}")))?;
        }
        // After a power cut it may be a segment by another name.
        self.discard_spare()?;
        self.recover_end()?;
        if !(listing.segments.is_empty() && listing.positions.is_empty()) {
            let synced = self.files.sync_folder(SyncPoint::RecoverNames);
            synced.map_err(Error::io(format!("sync {}", self.files.describe())))?;
        }
        let files = self.files.clone();
        let total = self.log.total(&*files)?;
        let oldest = if self.log.segments.is_empty() { 0 } else { self.log.before(&*files, 0)? };
        self.kept.pushed(total.saturating_sub(oldest));
        for name in &listing.positions {
            self.recover_position(name)?;
        }
        if listing.has_clocks {
            match listing.read_clocks(&*files)? {
                Ok((_, clocks)) => self.clocks = clocks,
                Err(_) => self.report(Report::Clocks),
            }
        }
        self.durable = self.next - 1;
        self.retire_delivered()?;
        self.discard_spare()
    }

    /// Finds where the newest segment ends. It is never written to again; its unused end is cut off when the next segment
    /// is on the disk, whose number says how many numbers may have been used in it.
    fn recover_end(&mut self) -> Result<(), Error> {
        while let Some(newest) = self.log.len().checked_sub(1) {
            let first = self.log.segments[newest].first;
            let header = self.log.header(&*self.files, newest)?;
            let (survey, len) = self.log.survey(&*self.files, newest)?;
            let is_born = header.is_ok_and(|header| header.first == first);
            if !is_born && !survey.readable {
                self.put_aside(newest, header)?;
                // It was never finished, or its begin is gone: then numbers have been used in it.
                self.next = self.next.max(first + len.max(self.options.segment).div_ceil(RECORD_BYTES));
                continue;
            }
            // The one before may have been cut, and not synced, right before a kill.
            for segment in self.log.segments.range(newest.saturating_sub(1)..) {
                let name = file_name(segment.first);
                let file = open_file(&*self.files, &name)?;
                file.sync_data(SyncPoint::Recover).map_err(Error::io(format!("sync {name}")))?;
            }
            let rest = len.saturating_sub(survey.extent.end);
            let cut = if survey.closed { 0 } else { rest };
            let room = if survey.closed { 0 } else { len.max(self.options.segment).saturating_sub(survey.extent.end) };
            let unused = survey.extent.last + 1 + room.div_ceil(RECORD_BYTES);
            self.next = self.next.max(unused).max(first + 1); // the next segment needs a name of its own
            self.uncut = (cut > 0).then_some(first);
            self.log.set_extent(newest, survey.extent);
            if !self.tell_torn(newest, &survey.extent, cut)? && survey.is_cut_short(len) {
                self.report(Report::Short { file: file_name(first), last: survey.extent.last });
            }
            break;
        }
        Ok(())
    }

    /// Says so if the unused end begins with something that was written there, and gives whether it does. What a reused file held before
    /// has numbers of before.
    fn tell_torn(&mut self, newest: usize, extent: &Extent, cut: u64) -> Result<bool, Error> {
        let first = self.log.segments[newest].first;
        let mut head = [0; RECORD_BYTES as usize];
        let file = open_file(&*self.files, &file_name(first))?;
        let count =
            read_up_to(&*file, &mut head, extent.end).map_err(Error::io(format!("read {}", file_name(first))))?;
        let number = claim(&head).map_or(0, |(_, number)| number);
        let is_ours = count < head.len() || number == 0 || (first..=extent.last + cut).contains(&number);
        let is_torn = cut > 0 && is_ours && head.iter().any(|byte| *byte != 0);
        if is_torn {
            self.report(Report::Torn { file: file_name(first), bytes: cut });
        }
        Ok(is_torn)
    }

    /// Removes a segment that was never finished, or keeps it if it holds something that cannot be read.
    fn put_aside(&mut self, index: usize, header: Result<Header, Bad>) -> Result<(), Error> {
        let Some(segment) = self.log.remove(index) else { return Ok(()) };
        let file = file_name(segment.first);
        let kept = matches!(header, Err(Bad::Damaged)).then(|| quarantine::name(segment.first, 0));
        let done = match &kept {
            Some(kept) => self.files.rename(&file, kept),
            None => self.files.remove(&file),
        };
        done.map_err(Error::io(format!("remove {file}")))?;
        self.folder_dirty = true;
        if let Some(kept) = &kept {
            self.quarantine.push_back((kept.clone(), segment.disk));
            self.quarantined += 1;
        }
        self.report(Report::Unfinished { file, kept });
        Ok(())
    }

    pub(super) fn discard_spare(&mut self) -> Result<(), Error> {
        if self.spare.take().is_some() {
            remove(&*self.files, SPARE).map_err(Error::io(format!("remove {SPARE}")))?;
            self.folder_dirty = true;
        }
        Ok(())
    }
}
