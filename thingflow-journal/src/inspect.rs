//! Looking into a journal without the program that writes it: for a tool on the command line.
//!
//! [`list`], [`check`] and [`export`] change nothing and take no lock, so they also run beside the program, whose newest
//! records they may miss. [`cut`] takes the lock.
//!
//! ```
//! use thingflow_journal::{CommitWindow, Folder, Journal, Options, Range, inspect};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! # let journal = Journal::open(folder, Options::new(1 << 20, CommitWindow::default()))?;
//! # journal.writer().push(7, b"one")?;
//! # journal.writer().push(8, b"two")?;
//! # journal.close()?;
//! let files = Folder::open_existing(folder)?;
//! assert_eq!(inspect::list(&files)?.segments[0].last, 2);
//! assert!(inspect::check(&files, |_, _| {})?.is_sound());
//!
//! let mut lines = Vec::new();
//! inspect::export(&files, Range::all().times(8..), |record| lines.push(record.payload))?;
//! assert_eq!(lines, [b"two"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io;

use crate::clocks::{BootClock, CLOCKS};
use crate::error::Error;
use crate::files::Files;
use crate::format::{RECORD_BYTES, StoreId};
use crate::log::{Log, file_name};
use crate::options::{CommitWindow, Options};
use crate::position::{self, consumer_of};
use crate::record::Record;
use crate::scan::{self, survey_to};
use crate::store::{Listing, Range, Store};

/// What a journal consists of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Overview {
    /// What tells the journal from others; `None` if no file says it.
    pub id: Option<StoreId>,
    /// Its segments by rising numbers.
    pub segments: Vec<SegmentInfo>,
    /// Its consumers by name.
    pub consumers: Vec<ConsumerInfo>,
    /// Files that keep copies of damaged parts.
    pub quarantine: Vec<String>,
    /// What is known of the wall clocks of boots.
    pub clocks: Vec<BootClock>,
}

/// A segment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentInfo {
    /// The file.
    pub file: String,
    /// The first number.
    pub first: u64,
    /// The last number; one below the first if there is no record.
    pub last: u64,
    /// Bytes of header and records.
    pub bytes: u64,
    /// Bytes on the disk.
    pub disk: u64,
    /// The least and the greatest time, if there is a record.
    pub times: Option<(i64, i64)>,
}

/// A consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerInfo {
    /// Its name.
    pub name: String,
    /// The number up to which it has acknowledged everything; `None` if the position cannot be read.
    pub delivered: Option<u64>,
    /// How many records wait for it.
    pub waiting: u64,
}

/// What [`check`] has found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Check {
    /// Records that can be read.
    pub records: u64,
    /// Damaged parts.
    pub damage: Vec<DamageInfo>,
    /// Segments whose header cannot be read. Their records can be.
    pub headers: Vec<String>,
    /// The newest segment, if something has shortened it: how many records stood behind its last one is not known.
    pub short: Vec<String>,
    /// Positions that cannot be read, and the file `clocks` if that cannot be.
    pub positions: Vec<String>,
    /// Bytes behind the last record of the newest segment: unless the journal was closed, space for more.
    pub unused: u64,
}

impl Check {
    /// Whether nothing is damaged.
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty() && self.headers.is_empty() && self.short.is_empty() && self.positions.is_empty()
    }

    /// Records that cannot be read.
    pub fn lost(&self) -> u64 {
        self.damage.iter().map(|damage| damage.missing).sum()
    }
}

/// A damaged part of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DamageInfo {
    /// The file.
    pub file: String,
    /// Where the part begins.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// How many records are missing, from which number on.
    pub missing: u64,
    /// The first missing number.
    pub from: u64,
}

fn open(files: &dyn Files) -> Result<(Listing, Option<StoreId>, Log), Error> {
    let listing = Listing::read(files)?;
    let id = listing.identity(files)?;
    let log = Log::new(id.unwrap_or(StoreId([0; 16])), listing.segments.iter().copied());
    Ok((listing, id, log))
}

/// Says what there is.
///
/// # Errors
///
/// [`Error::Version`], [`Error::Foreign`], [`Error::Io`].
pub fn list(files: &dyn Files) -> Result<Overview, Error> {
    let (listing, id, mut log) = open(files)?;
    let mut segments = Vec::new();
    for index in 0..log.len() {
        let extent = log.extent(files, index)?;
        let (first, disk) = (log.segments[index].first, log.segments[index].disk);
        if !is_there(files, first)? {
            continue;
        }
        let times = Some(extent.times).filter(|(least, greatest)| least <= greatest);
        let (file, last, bytes) = (file_name(first), extent.last, extent.end);
        segments.push(SegmentInfo { file, first, last, bytes, disk, times });
    }
    let mut consumers = Vec::new();
    for file in &listing.positions {
        let delivered = read_position(files, file)?;
        let waiting = log.count_from(files, delivered.unwrap_or(0) + 1)?;
        consumers.push(ConsumerInfo { name: consumer_of(file).unwrap_or(file).into(), delivered, waiting });
    }
    let clocks = listing.read_clocks(files)?.map_or_else(|_| Vec::new(), |(_, clocks)| clocks);
    let quarantine = listing.quarantine.into_iter().map(|(name, _)| name).collect();
    Ok(Overview { id, segments, consumers, quarantine, clocks })
}

/// Whether a segment is there. A running program removes what has been delivered.
fn is_there(files: &dyn Files, first: u64) -> Result<bool, Error> {
    let name = file_name(first);
    match files.open(&name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        opened => opened.map(|_| true).map_err(Error::io(format!("open {name}"))),
    }
}

fn read_position(files: &dyn Files, name: &str) -> Result<Option<u64>, Error> {
    let file = match files.open(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(Error::io(format!("open {name}")))?,
    };
    let slot = position::read(&*file).map_err(Error::io(format!("read {name}")))?;
    Ok(slot.ok().map(|(slot, _)| slot.delivered))
}

/// Reads every record and every checksum. `progress` is told after each segment how many of how many are done.
///
/// # Errors
///
/// As [`list`]. Damage is a result, no error.
pub fn check(files: &dyn Files, mut progress: impl FnMut(usize, usize)) -> Result<Check, Error> {
    let (listing, _, mut log) = open(files)?;
    let mut check = Check::default();
    for index in 0..log.len() {
        check_surely(files, &mut log, index, &mut check)?;
        progress(index + 1, log.len());
    }
    if listing.has_clocks && listing.read_clocks(files)?.is_err() {
        check.positions.push(CLOCKS.into());
    }
    for file in listing.positions {
        if read_position(files, &file)?.is_none() && files.open(&file).is_ok() {
            check.positions.push(file);
        }
    }
    Ok(check)
}

/// A program may write to a segment, or let go of it, while it is being read: what looks damaged is looked at again.
fn check_surely(files: &dyn Files, log: &mut Log, index: usize, check: &mut Check) -> Result<(), Error> {
    const LOOKS: usize = 3;
    for look in 1..=LOOKS {
        let mut found = Check::default();
        check_segment(files, log, index, &mut found)?;
        if !found.is_sound() && !is_there(files, log.segments[index].first)? {
            return Ok(());
        }
        if found.is_sound() || look == LOOKS {
            check.records += found.records;
            check.damage.append(&mut found.damage);
            check.headers.append(&mut found.headers);
            check.short.append(&mut found.short);
            check.unused = found.unused;
            return Ok(());
        }
        log.look_again(index);
    }
    Ok(())
}

fn check_segment(files: &dyn Files, log: &mut Log, index: usize, check: &mut Check) -> Result<(), Error> {
    let (first, key) = (log.segments[index].first, log.key(index));
    let file = file_name(first);
    let is_whole = log.header(files, index)?.is_ok_and(|header| header.first == first);
    if !is_whole {
        check.headers.push(file.clone());
    }
    let extent = log.extent(files, index)?;
    let bytes = log.whole(files, index)?;
    let end = usize::try_from(extent.end).unwrap_or(usize::MAX).min(bytes.len());
    let survey = survey_to(&bytes[..end], key, first, extent.last);
    let missing: u64 = survey.holes.iter().map(|hole| hole.missing).sum();
    check.records += (survey.extent.last + 1 - first).saturating_sub(missing);
    for hole in survey.holes {
        let (offset, bytes, missing, from) = (hole.offset, hole.bytes, hole.missing, hole.from);
        check.damage.push(DamageInfo { file: file.clone(), offset, bytes, missing, from });
    }
    let missing = extent.last.saturating_sub(survey.extent.last);
    if missing > 0 {
        let (offset, from) = (survey.extent.end, survey.extent.last + 1);
        let bytes = extent.end.saturating_sub(offset);
        check.damage.push(DamageInfo { file: file.clone(), offset, bytes, missing, from });
    }
    if index + 1 == log.len() {
        check.short.extend(scan::survey(&bytes, key, first).is_cut_short(bytes.len() as u64).then_some(file));
        let rest = (bytes.len() - end) as u64;
        check.unused = if rest > RECORD_BYTES { rest } else { 0 };
    }
    Ok(())
}

/// Gives every record of a range to `each`, oldest first; gives how many there were.
///
/// # Errors
///
/// As [`list`]. Damaged records are left out.
pub fn export(files: &dyn Files, mut range: Range, mut each: impl FnMut(Record)) -> Result<u64, Error> {
    const AT_ONCE: usize = 256 * 1024;
    let (_, _, mut log) = open(files)?;
    let mut count = 0;
    loop {
        let read = log.read(files, &mut range.place, range.window, AT_ONCE)?;
        let is_done = read.records.is_empty() && read.at_end;
        count += read.records.len() as u64;
        read.records.into_iter().for_each(&mut each);
        if is_done {
            return Ok(count);
        }
    }
}

/// Reads the records of a range piece by piece, oldest first, without the journal's lock.
#[derive(Debug)]
pub struct Reader {
    files: Box<dyn Files>,
    log: Log,
    range: Range,
}

impl Reader {
    /// Looks into a journal.
    ///
    /// # Errors
    ///
    /// As [`list`].
    pub fn open(files: impl Files + 'static, range: Range) -> Result<Self, Error> {
        let (_, _, log) = open(&files)?;
        Ok(Self { files: Box::new(files), log, range })
    }

    /// The next records, about `bytes` of them; none at the end. Damaged ones are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn next(&mut self, bytes: usize) -> Result<Vec<Record>, Error> {
        loop {
            let read = self.log.read(&*self.files, &mut self.range.place, self.range.window, bytes)?;
            if !read.records.is_empty() || read.at_end {
                return Ok(read.records);
            }
        }
    }
}

/// Drops all records below `number`, for all consumers, and gives how many those are: of several consumers, for the one that had
/// most before it. Segments that hold nothing else are removed, but for the newest.
///
/// In a journal without consumers nothing says where in a segment the records begin that stay, so only whole segments go. `progress`
/// gets the number of segments that have gone, and of how many.
///
/// # Errors
///
/// As [`Store::open`]; [`Error::Io`].
pub fn cut(files: impl Files + 'static, number: u64, mut progress: impl FnMut(usize, usize)) -> Result<u64, Error> {
    let mut store = Store::open(files, Options::new(u64::MAX, CommitWindow::default()))?;
    let consumers: Vec<String> = store.consumers().map(Into::into).collect();
    if consumers.is_empty() {
        store.cut_segments(number, &mut progress)?;
    } else {
        store.cut_telling(number, &mut progress)?;
    }
    let counts = consumers.iter().filter_map(|consumer| store.counts(consumer).ok());
    let cut = counts.map(|counts| counts.dropped.cut).max().unwrap_or(store.kept().dropped.cut);
    store.close()?;
    Ok(cut)
}
