//! Consumers: named readers with a position that survives.

use std::collections::VecDeque;

use super::Store;
use crate::counts::{Counts, Reason};
use crate::error::Error;
use crate::files::{Files, SyncPoint, write_all};
use crate::format::FAR_POSITION;
use crate::log::{Gap, Log, Place, Read, Window};
use crate::position::{self, POSITION_BYTES, Position};
use crate::quarantine;
use crate::record::Record;
use crate::report::Report;

/// Where a consumer begins that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record that is kept.
    Oldest,
    /// At the next record that is pushed.
    Newest,
}

/// What a consumer may have been given before its process was killed: any number.
const UNKNOWN: u64 = u64::MAX;

/// A consumer.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) position: Position,
    pub(super) place: Place,
    /// Handed out and not acknowledged: first and last numbers.
    outstanding: VecDeque<(u64, u64)>,
    /// Taken back, to be handed out again before anything else: first and last numbers.
    again: VecDeque<(u64, u64)>,
    pub(super) counts: Counts,
    /// Up to this number records may have been handed out by another process.
    marked: u64,
    /// The highest number handed out.
    handed: u64,
    /// Whether the disk knows that records are handed out.
    begun: bool,
}

impl Reader {
    fn new(position: Position, waiting: u64, marked: u64) -> Self {
        let place = Place::at(position.delivered() + 1);
        let mut counts = Counts::default();
        counts.pushed(waiting);
        let (handed, begun) = (position.delivered(), position.reach() == UNKNOWN);
        Self { position, place, outstanding: VecDeque::new(), again: VecDeque::new(), counts, marked, handed, begun }
    }

    /// Before the first record is handed out, the disk knows that some may have been.
    fn begin(&mut self, files: &dyn Files) -> Result<(), Error> {
        if !self.begun {
            self.position.set(self.position.delivered(), UNKNOWN)?;
            self.position.sync(files, SyncPoint::Reach)?;
            self.begun = true;
        }
        Ok(())
    }

    /// Reads what comes next.
    fn read_on(&mut self, log: &mut Log, files: &dyn Files, bytes: usize) -> Result<Read, Error> {
        let mut place = self.place;
        let mut read = log.read(files, &mut place, Window::ALL, bytes)?;
        if !read.records.is_empty() {
            self.begin(files)?;
        }
        self.place = place;
        self.hand_out(&mut read.records);
        read.gaps.iter().for_each(|gap| self.counts.lost(gap.missing));
        Ok(read)
    }

    /// Reads again what was taken back. What is gone by now was dropped to make room.
    fn read_again(
        &mut self,
        log: &mut Log,
        files: &dyn Files,
        (first, last): (u64, u64),
        bytes: usize,
    ) -> Result<Read, Error> {
        let mut place = Place::at(first);
        let mut read = log.read(files, &mut place, Window { last, ..Window::ALL }, bytes)?;
        let next = if read.at_end { last + 1 } else { place.next };
        let lost: u64 = read.gaps.iter().map(|gap| gap.missing).sum();
        let gone = (next.min(last + 1) - first).saturating_sub(read.records.len() as u64 + lost);
        self.counts.lost(lost);
        self.counts.dropped(Reason::Bytes, gone);
        self.again.pop_front();
        if next <= last {
            self.again.push_front((next, last));
        }
        self.hand_out(&mut read.records);
        read.at_end = false;
        Ok(read)
    }

    fn hand_out(&mut self, records: &mut [Record]) {
        for record in records {
            record.resent = record.number <= self.marked;
            match self.outstanding.back_mut() {
                Some((_, last)) if *last + 1 == record.number => *last += 1,
                _ => self.outstanding.push_back((record.number, record.number)),
            }
            self.handed = self.handed.max(record.number);
        }
    }

    /// Takes the acknowledged numbers off; gives how many there were.
    fn take_acknowledged(&mut self, number: u64) -> u64 {
        let mut count = 0;
        while let Some((first, last)) = self.outstanding.front_mut() {
            if number < *first {
                break;
            }
            let end = number.min(*last);
            count += end + 1 - *first;
            if end < *last {
                *first = end + 1;
                break;
            }
            self.outstanding.pop_front();
        }
        count
    }

    /// The number up to which nothing is to be done any more.
    fn done(&self) -> u64 {
        let held = [self.outstanding.front(), self.again.front()];
        held.into_iter().flatten().map(|(first, _)| *first).min().unwrap_or(self.place.next) - 1
    }

    fn write_position(&mut self) -> Result<(), Error> {
        let done = self.done().max(self.position.delivered());
        self.position.set(done, self.position.reach())
    }

    /// Leaves out `records` records below `next`, which have not been handed out.
    pub(super) fn drop_below(&mut self, next: u64, records: u64, reason: Reason) -> Result<(), Error> {
        self.place.raise(next);
        self.counts.dropped(reason, records);
        self.write_position()
    }

    /// Moves the position behind a segment that goes, although records of it are still out.
    pub(super) fn pass(&mut self, last: u64) -> Result<(), Error> {
        self.position.set(last.max(self.position.delivered()), self.position.reach())
    }

    /// At the end of what is on the disk, only what is out and what is in memory can be waiting. More was lost unseen.
    fn reconcile(&mut self, buffered: u64) {
        let out: u64 = self.outstanding.iter().chain(&self.again).map(|(first, last)| last + 1 - first).sum();
        self.counts.lost(self.counts.waiting.saturating_sub(out + buffered));
    }
}

impl Store {
    /// Opens a consumer: where it was, or at `start` if it is new. Segments stay until all consumers have acknowledged
    /// them; a consumer counts from its first opening on, open or not.
    ///
    /// # Errors
    ///
    /// [`Error::Name`]; [`Error::Io`] if its file cannot be made.
    pub fn open_consumer(&mut self, name: &str, start: Start) -> Result<(), Error> {
        let file = position::file_name(name)?;
        if self.consumers.contains_key(name) {
            return Ok(());
        }
        let files = self.files.clone();
        let oldest = self.log.segments.front().map_or(self.next, |segment| segment.first).max(self.floor);
        let delivered = match start {
            Start::Oldest => oldest - 1,
            Start::Newest => self.next - 1,
        };
        let waiting = match start {
            Start::Oldest => self.log.count_from(&*files, oldest)? + self.batch.len(),
            Start::Newest => 0,
        };
        let limit = self.disk_bytes()? + POSITION_BYTES;
        if limit > self.options.limit {
            return Err(Error::Full(crate::Full::Bytes));
        }
        let position = Position::create(&*files, self.log.id, &file, delivered, delivered)?;
        self.consumers.insert(name.into(), Reader::new(position, waiting, 0));
        Ok(())
    }

    /// Takes over a consumer of an earlier process.
    pub(super) fn recover_position(&mut self, file: &str) -> Result<(), Error> {
        let Some(name) = position::consumer_of(file) else { return Ok(()) };
        let files = self.files.clone();
        let open = files.open(file).map_err(Error::io(format!("open {file}")))?;
        let slot = position::read(&*open).map_err(Error::io(format!("read {file}")))?;
        let newest = self.next - 1;
        let (position, marked) = match slot {
            // It may be beyond all records, which somebody has removed; but not so far that no number is left for others.
            Ok((slot, index)) if slot.delivered <= newest.max(FAR_POSITION) => {
                self.next = self.next.max(slot.delivered + 1);
                let position = if slot.counter > FAR_POSITION {
                    Position::create(&*files, self.log.id, file, slot.delivered, slot.reach)? // it counts from 1 again
                } else {
                    Position::recover(file, open, slot, index)?
                };
                (position, slot.reach.min(newest))
            }
            _ => {
                self.report(Report::Position { consumer: name.into() });
                let oldest = self.log.segments.front().map_or(self.next, |segment| segment.first);
                (Position::create(&*files, self.log.id, file, oldest - 1, UNKNOWN)?, newest)
            }
        };
        let waiting = self.log.count_from(&*files, position.delivered() + 1)?;
        self.consumers.insert(name.into(), Reader::new(position, waiting, marked));
        Ok(())
    }

    /// Gives the next records of a consumer, about `bytes` of them; none if there are no more at present. Only what is on
    /// the disk is given.
    ///
    /// # Errors
    ///
    /// [`Error::NoConsumer`]; [`Error::Io`] if reading fails. Damage is no error: it is left out, counted and reported.
    pub fn next(&mut self, consumer: &str, bytes: usize) -> Result<Vec<Record>, Error> {
        let files = self.files.clone();
        loop {
            let buffered = self.batch.len();
            let reader = self.consumers.get_mut(consumer).ok_or_else(|| Error::NoConsumer(consumer.into()))?;
            let mut read = match reader.again.front().copied() {
                Some(range) => reader.read_again(&mut self.log, &*files, range, bytes)?,
                None => reader.read_on(&mut self.log, &*files, bytes)?,
            };
            if read.at_end {
                reader.reconcile(buffered);
            }
            let records = std::mem::take(&mut read.records);
            for gap in &read.gaps {
                self.quarantine(gap);
            }
            if !records.is_empty() || read.at_end {
                return Ok(records);
            }
        }
    }

    /// Says that a consumer has dealt with all its records up to `number`, which it will not get again. The position is
    /// written, and on the disk after [`sync_positions`](Self::sync_positions). Segments that nobody needs any more go.
    ///
    /// # Errors
    ///
    /// [`Error::NoConsumer`]; [`Error::Io`]: it is acknowledged in memory, and written at the next call.
    pub fn acknowledge(&mut self, consumer: &str, number: u64) -> Result<(), Error> {
        let reader = self.consumers.get_mut(consumer).ok_or_else(|| Error::NoConsumer(consumer.into()))?;
        let count = reader.take_acknowledged(number);
        reader.counts.delivered(count);
        reader.write_position()?;
        self.retire_delivered()
    }

    /// Takes back what a consumer was given above `number`. Up to `seen` it counts as handed out, and comes again with a
    /// mark.
    pub(crate) fn hand_back(&mut self, consumer: &str, number: u64, seen: u64) {
        let Some(reader) = self.consumers.get_mut(consumer) else { return };
        while let Some((first, last)) = reader.outstanding.pop_back() {
            if last <= number {
                reader.outstanding.push_back((first, last));
                break;
            }
            reader.again.push_front((first.max(number + 1), last));
            if first <= number {
                reader.outstanding.push_back((first, number));
            }
        }
        reader.handed = reader.handed.min(seen);
        reader.marked = reader.marked.max(reader.handed);
    }

    /// What a consumer is given up to `number` after the journal has been opened again has a mark.
    pub(crate) fn mark(&mut self, consumer: &str, number: u64) {
        if let Some(reader) = self.consumers.get_mut(consumer) {
            reader.marked = reader.marked.max(number);
        }
    }

    /// Whether a position has changed since it was synced. It should be synced within a second.
    pub fn has_unsynced_positions(&self) -> bool {
        self.consumers.values().any(|reader| reader.position.is_dirty())
    }

    /// Returns when all positions are on the disk. Does nothing if none changed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; the next call tries again.
    pub fn sync_positions(&mut self) -> Result<(), Error> {
        let files = self.files.clone();
        let each = self.consumers.values_mut().map(|reader| {
            reader.write_position()?;
            reader.position.sync(&*files, SyncPoint::Position)
        });
        each.fold(Ok(()), Result::and)
    }

    /// At a clean end it is known what was handed out.
    pub(super) fn close_consumers(&mut self) -> Result<(), Error> {
        let files = self.files.clone();
        let each = self.consumers.values_mut().map(|reader| {
            let done = reader.done().max(reader.position.delivered());
            reader.position.set(done, reader.handed.max(reader.marked))?;
            reader.position.sync(&*files, SyncPoint::Position)
        });
        each.fold(Ok(()), Result::and)
    }

    /// Forgets a consumer: it holds no segment any more.
    ///
    /// # Errors
    ///
    /// [`Error::NoConsumer`]; [`Error::Io`].
    pub fn remove_consumer(&mut self, consumer: &str) -> Result<(), Error> {
        if self.consumers.remove(consumer).is_none() {
            return Err(Error::NoConsumer(consumer.into()));
        }
        let file = position::file_name(consumer)?;
        self.files.remove(&file).map_err(Error::io(format!("remove {file}")))?;
        let synced = self.files.sync_folder(SyncPoint::PositionName);
        synced.map_err(Error::io(format!("sync {}", self.files.describe())))?;
        self.retire_delivered()
    }

    /// The names of all consumers.
    pub fn consumers(&self) -> impl Iterator<Item = &str> {
        self.consumers.keys().map(String::as_str)
    }

    /// Where the records are that a consumer is to get.
    ///
    /// # Errors
    ///
    /// [`Error::NoConsumer`].
    pub fn counts(&self, consumer: &str) -> Result<Counts, Error> {
        self.consumers.get(consumer).map(|reader| reader.counts).ok_or_else(|| Error::NoConsumer(consumer.into()))
    }

    /// Keeps a copy of a damaged part if there is room, and reports it once.
    pub(super) fn quarantine(&mut self, gap: &Gap) {
        let name = quarantine::name(gap.segment, gap.offset);
        if self.quarantine.iter().any(|(known, _)| *known == name) || !self.seen.insert((gap.segment, gap.offset)) {
            return;
        }
        self.quarantined += 1;
        let bytes = gap.bytes.len() as u64;
        let kept = self.keep_copy(&name, &gap.bytes).then_some(name);
        let file = crate::log::file_name(gap.segment);
        self.report(Report::Damage { file, offset: gap.offset, bytes, missing: gap.missing, kept });
    }

    /// All copies together take no more than a segment. A copy that cannot be written is none: the damage was counted.
    fn keep_copy(&mut self, name: &str, bytes: &[u8]) -> bool {
        let disk = (bytes.len() as u64).next_multiple_of(4096);
        let all: u64 = self.quarantine.iter().map(|(_, disk)| disk).sum();
        let used = self.disk_bytes().unwrap_or(u64::MAX);
        if bytes.is_empty() || all + disk > self.options.segment || used.saturating_add(disk) > self.options.limit {
            return false;
        }
        let written = self.files.create(name).and_then(|file| write_all(&*file, bytes, 0));
        if written.is_err() {
            let _ = self.files.remove(name);
            return false;
        }
        self.quarantine.push_back((name.into(), disk));
        true
    }
}
