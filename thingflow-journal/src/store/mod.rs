//! [`Store`]: a journal without a thread. Each call does its work on the disk before it returns.

mod commit;
mod consume;
mod open;
mod range;
mod retire;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use crate::batch::Batch;
use crate::clocks::{self, BootClock};
use crate::counts::{Counts, Wear};
use crate::error::{Error, PushError};
use crate::files::{File, Files};
use crate::format::StoreId;
use crate::log::Log;
use crate::options::{Options, Policy};
use crate::report::Report;

use consume::Reader;
pub use consume::Start;
pub(crate) use open::Listing;
pub use range::Range;

/// A journal whose calls do their work on the disk before they return: for tools, for tests, and for whoever has a thread
/// for it. [`Journal`](crate::Journal) is this one behind a thread.
///
/// ```
/// use thingflow_journal::{CommitWindow, Folder, Options, Start, Store};
///
/// # let folder = tempfile::tempdir()?;
/// let options = Options::new(1 << 20, CommitWindow::default());
/// let mut store = Store::open(Folder::open(folder.path())?, options)?;
/// let first = store.push(1_700_000_000, b"21.5")?;
/// assert_eq!(store.durable(), 0);
/// assert_eq!(store.commit()?, first);                     // synced: now it may be acknowledged upstream
///
/// store.open_consumer("mqtt", Start::Oldest)?;
/// let records = store.next("mqtt", 4096)?;
/// assert_eq!(records[0].payload, b"21.5");
/// store.acknowledge("mqtt", records[0].number)?;
/// assert!(store.counts("mqtt")?.is_conserved());
/// store.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Store {
    files: Arc<dyn Files>,
    options: Options,
    log: Log,
    /// The segment that this process writes: always the newest, and never one that failed.
    active: Option<Box<dyn File>>,
    /// A segment that is no longer needed, to become the next one.
    spare: Option<Spare>,
    /// Whether a segment has lost its name, and the folder has not been synced since.
    folder_dirty: bool,
    /// The newest segment of an earlier process, as long as its unused end is still there.
    uncut: Option<u64>,
    consumers: BTreeMap<String, Reader>,
    /// What is kept, seen as a consumer that never acknowledges: what removes a record decides what it counts as.
    kept: Counts,
    /// Below it nothing is read; above the begin of the oldest segment only by a limit in records.
    floor: u64,
    batch: Batch,
    /// The number of the next record.
    next: u64,
    /// Highest number that is on the disk, or was dropped.
    durable: u64,
    /// Copies of damaged parts, and their bytes on the disk.
    quarantine: VecDeque<(String, u64)>,
    quarantined: u64,
    /// Damage that has been reported: first number of the segment, and offset.
    seen: BTreeSet<(u64, u64)>,
    reports: Reports,
    out: Vec<u8>,
    /// What is known of the wall clocks of boots, and whether it is on the disk.
    clocks: Vec<BootClock>,
    has_clocks: bool,
    wear: Wear,
    /// Whether the newest segment of this process ends in a mark.
    closed: bool,
    _lock: Box<dyn Send>,
}

#[derive(Debug)]
struct Spare {
    disk: u64,
}

/// A bounded queue of reports; what does not fit is counted.
#[derive(Debug, Default)]
struct Reports {
    queue: VecDeque<Report>,
    left_out: u64,
}

impl Reports {
    const MOST: usize = 64;

    fn push(&mut self, report: Report) {
        if self.queue.len() < Self::MOST {
            self.queue.push_back(report);
        } else {
            self.left_out += 1;
        }
    }
}

impl Store {
    /// Opens the journal in a folder, and makes one if there is none.
    ///
    /// It costs a listing of the folder and the newest segment, however long the backlog is.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`], [`Error::Version`] and [`Error::Foreign`], none of which touches a file; [`Error::Options`];
    /// [`Error::Io`].
    pub fn open(files: impl Files + 'static, options: Options) -> Result<Self, Error> {
        Self::open_shared(Arc::new(files), options)
    }

    pub(crate) fn open_shared(files: Arc<dyn Files>, options: Options) -> Result<Self, Error> {
        options.check()?;
        open::open(files, options)
    }

    /// What tells this journal's files from another's.
    pub fn id(&self) -> StoreId {
        self.log.id
    }

    /// Takes a record; it is on the disk after a [`commit`](Self::commit). Gives its number. `time` is in nanoseconds, since 1970
    /// UTC or since the boot.
    ///
    /// # Errors
    ///
    /// If there is no room, [`PushError::Full`] with [`Policy::Block`]: commit first, or acknowledge; with
    /// [`Policy::DropNewest`] [`PushError::Dropped`]. [`PushError::TooLong`].
    pub fn push(&mut self, time: i64, payload: &[u8]) -> Result<u64, PushError> {
        let limit = self.options.longest_payload();
        if payload.len() > limit {
            return Err(PushError::TooLong { limit });
        }
        match admit(&self.options, &mut self.batch, payload.len()) {
            Admitted::Yes { dropped } => {
                self.drop_pending(dropped);
                let number = self.next;
                self.batch.push(number, time, payload);
                self.next += 1;
                self.each_counts(|counts| counts.pushed(1));
                Ok(number)
            }
            Admitted::Dropped => {
                self.drop_unpushed(1);
                Err(PushError::Dropped)
            }
            Admitted::Refused => Err(PushError::Full),
        }
    }

    /// Takes over records that were numbered elsewhere, from [`next_number`](Self::next_number) on.
    pub(crate) fn take(&mut self, batch: &mut Batch, next: u64) {
        let records = batch.len();
        self.batch.append(batch);
        self.next = next;
        self.each_counts(|counts| counts.pushed(records));
    }

    /// Counts records that were dropped before they got a number, or before they came here.
    pub(crate) fn drop_unpushed(&mut self, records: u64) {
        self.each_counts(|counts| {
            counts.pushed += records;
            counts.dropped.buffer += records;
        });
    }

    fn drop_pending(&mut self, records: u64) {
        self.each_counts(|counts| {
            counts.waiting -= records.min(counts.waiting);
            counts.dropped.buffer += records;
        });
    }

    fn each_counts(&mut self, mut change: impl FnMut(&mut Counts)) {
        change(&mut self.kept);
        self.consumers.values_mut().for_each(|reader| change(&mut reader.counts));
    }

    /// The number that the next record gets.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// The number up to which every record is on the disk; those that the policy has dropped before count as well.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// Records that wait in memory for a commit.
    pub fn buffered(&self) -> u64 {
        self.batch.len()
    }

    /// What the journal keeps, as if it were a consumer: `waiting` is what is on the disk and in memory, `delivered` what
    /// was removed because all consumers had acknowledged it.
    pub fn kept(&self) -> Counts {
        self.kept
    }

    /// Damaged parts of segments that were found, copies of them kept or not.
    pub fn quarantined(&self) -> u64 {
        self.quarantined
    }

    /// Takes what was reported since the last call, and how many reports did not fit in between.
    pub fn take_reports(&mut self) -> (Vec<Report>, u64) {
        (self.reports.queue.drain(..).collect(), std::mem::take(&mut self.reports.left_out))
    }

    /// What the disk was given for what is stored, since the journal was opened.
    pub fn wear(&mut self) -> Wear {
        for reader in self.consumers.values_mut() {
            for _ in 0..reader.position.take_synced() {
                self.wear.wrote(0, crate::format::SLOT_BYTES);
            }
        }
        self.wear
    }

    /// What is known of the wall clocks of the latest 16 boots that were noted, the latest last.
    pub fn clocks(&self) -> &[BootClock] {
        &self.clocks
    }

    /// Notes what is known of the wall clock of a boot, and returns when that is on the disk. Nothing is written if it is
    /// known already.
    ///
    /// ```
    /// use thingflow_journal::{BootClock, CommitWindow, Folder, Options, Store};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let mut store = Store::open(Folder::open(folder.path())?, Options::new(1 << 20, CommitWindow::default()))?;
    /// store.note_clock(BootClock { boot: 7, monotonic: 20, time: None })?;        // records of boot 7 have no wall time yet
    /// store.note_clock(BootClock { boot: 7, monotonic: 50, time: Some(1_050) })?; // the network has set the clock
    /// assert_eq!(store.clocks()[0].time_at(20), Some(1_020));
    /// # store.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Full`] if there is no room for the file, which takes 4 KiB; [`Error::Io`].
    pub fn note_clock(&mut self, note: BootClock) -> Result<(), Error> {
        let mut noted = self.clocks.clone();
        if !clocks::add(&mut noted, note) {
            return Ok(());
        }
        if !self.has_clocks && self.disk_bytes()? + clocks::FILE_BYTES > self.options.limit {
            return Err(Error::Full(crate::Full::Bytes));
        }
        clocks::write(&*self.files, self.log.id, &noted)?;
        self.wear.wrote(0, clocks::FILE_BYTES);
        (self.clocks, self.has_clocks) = (noted, true);
        Ok(())
    }

    pub(crate) fn report(&mut self, report: Report) {
        self.reports.push(report);
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, next, durable, kept, .. } = self;
        f.debug_struct("Store")
            .field("files", files)
            .field("next", next)
            .field("durable", durable)
            .field("kept", kept)
            .finish_non_exhaustive()
    }
}

/// Whether another record may wait for a commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// It may, after `dropped` older ones have given way.
    Yes { dropped: u64 },
    /// It is the one that gives way.
    Dropped,
    /// Not now.
    Refused,
}

/// Applies the policy to the memory for records that wait for a commit.
pub(crate) fn admit(options: &Options, batch: &mut Batch, payload: usize) -> Admitted {
    let bytes = payload + crate::format::RECORD_BYTES as usize;
    if batch.is_empty() || batch.bytes() + bytes <= options.buffer {
        return Admitted::Yes { dropped: 0 };
    }
    match options.policy {
        Policy::Block => Admitted::Refused,
        Policy::DropNewest => Admitted::Dropped,
        Policy::DropOldest => Admitted::Yes { dropped: batch.drop_oldest(bytes, options.buffer) },
    }
}
