//! Reading records from a place on: in pieces, across segments, around damage.

use std::ops::RangeInclusive;

use super::{Log, file_name};
use crate::error::Error;
use crate::files::{Files, read_around};
use crate::format::{Extent, Frame, HEADER_BYTES, Key, WRITE_BYTES, claim};
use crate::record::Record;
use crate::scan::{budget, find, frame_at, unused};

/// Bytes that are read at once.
const CHUNK: u64 = 64 * 1024;

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The next number that is of interest.
    pub(crate) next: u64,
    /// A segment, an offset there, and the number of the record at it, not above `next`; if they are known.
    at: Option<(u64, u64, u64)>,
}

impl Place {
    pub(crate) fn at(next: u64) -> Self {
        Self { next: next.max(1), at: None }
    }

    /// Goes on at a higher number.
    pub(crate) fn raise(&mut self, next: u64) {
        self.next = self.next.max(next);
    }
}

/// Which records are of interest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) last: u64,
    pub(crate) times: (i64, i64),
}

impl Window {
    pub(crate) const ALL: Self = Self { last: u64::MAX, times: (i64::MIN, i64::MAX) };

    fn holds(&self, time: i64) -> bool {
        (self.times.0..=self.times.1).contains(&time)
    }

    fn touches(&self, extent: &Extent) -> bool {
        extent.times.0 <= self.times.1 && self.times.0 <= extent.times.1
    }
}

/// A damaged part of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The first number of the segment.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    /// What stands there.
    pub(crate) bytes: Vec<u8>,
    /// How many records of interest cannot be read.
    pub(crate) missing: u64,
}

/// What one call of [`Log::read`] found.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) records: Vec<Record>,
    pub(crate) gaps: Vec<Gap>,
    /// Whether there is nothing more at present.
    pub(crate) at_end: bool,
}

impl Log {
    /// Reads on from `place` until about `budget` bytes have been found, and moves it. Finds at least one record, if
    /// there is one.
    pub(crate) fn read(
        &mut self,
        files: &dyn Files,
        place: &mut Place,
        window: Window,
        budget: usize,
    ) -> Result<Read, Error> {
        let mut read = Read::default();
        let mut left = budget.max(1);
        while left > 0 && read.gaps.is_empty() {
            let Some(index) = self.enter(files, place, window)? else {
                read.at_end = true;
                break;
            };
            self.read_segment(files, index, place, window, &mut left, &mut read)?;
        }
        Ok(read)
    }

    /// The segment that `place` is in; goes on to the next where one is used up.
    fn enter(&mut self, files: &dyn Files, place: &mut Place, window: Window) -> Result<Option<usize>, Error> {
        if let Some(oldest) = self.segments.front() {
            place.raise(oldest.first);
        }
        loop {
            let Some(index) = self.locate(place.next) else { return Ok(None) };
            let extent = self.extent(files, index)?;
            if place.next > window.last {
                return Ok(None);
            }
            if place.next <= extent.last && window.touches(&extent) {
                return Ok(Some(index));
            }
            let Some(next) = self.segments.get(index + 1) else { return Ok(None) };
            place.raise(next.first);
        }
    }

    /// Reads inside of one segment, up to its end, the budget, or damage.
    fn read_segment(
        &mut self,
        files: &dyn Files,
        index: usize,
        place: &mut Place,
        window: Window,
        left: &mut usize,
        read: &mut Read,
    ) -> Result<(), Error> {
        let (extent, key) = (self.extent(files, index)?, self.key(index));
        let first = self.segments[index].first;
        let mut walk = Walk::new(place, first);
        while place.next <= extent.last && place.next <= window.last && *left > 0 {
            self.load(files, index, walk.offset, walk.offset.saturating_add(CHUNK).min(extent.end))?;
            let numbers = walk.expected..=extent.last;
            let before = walk.offset;
            walk.records(&self.buffer, key, numbers, place, window, left, read);
            if *left == 0 || walk.expected > extent.last || walk.expected > window.last {
                break;
            }
            if walk.offset > before {
                continue;
            }
            if self.load_record(files, index, &walk, key, &extent)? {
                let numbers = walk.expected..=extent.last;
                walk.records(&self.buffer, key, numbers, place, window, left, read);
            } else if !self.skip_unused(files, index, &mut walk, key, &extent)? {
                let gap = self.damage(files, index, &mut walk, place, &extent)?;
                read.gaps.extend(gap);
                break;
            }
        }
        place.at = Some((first, walk.offset, walk.expected));
        Ok(())
    }

    /// Fills the buffer with a part of a segment.
    fn load(&mut self, files: &dyn Files, index: usize, from: u64, to: u64) -> Result<(), Error> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let name = file_name(self.segments[index].first);
        let file = self.file(files, index)?;
        let read = file.len().and_then(|len| {
            buffer.resize(usize::try_from(to.min(len).saturating_sub(from)).unwrap_or(0), 0);
            read_around(file, &mut buffer, from)
        });
        buffer.truncate(*read.as_ref().unwrap_or(&0));
        self.buffer = buffer;
        read.map(drop).map_err(Error::io(format!("read {name}")))
    }

    /// Loads one record that is longer than a chunk; `false` if there is none.
    fn load_record(
        &mut self,
        files: &dyn Files,
        index: usize,
        walk: &Walk,
        key: Key,
        extent: &Extent,
    ) -> Result<bool, Error> {
        let Some((length, _)) = claim(&self.buffer) else { return Ok(false) };
        let end = walk.offset.saturating_add(u64::from(length));
        if length == 0 || end > extent.end || u64::from(length) <= self.buffer.len() as u64 {
            return Ok(false);
        }
        self.load(files, index, walk.offset, end)?;
        Ok(frame_at(&self.buffer, 0, key, walk.expected..=extent.last).is_some())
    }

    /// Goes on at the next multiple of 4 KiB if the next commit began there.
    fn skip_unused(
        &mut self,
        files: &dyn Files,
        index: usize,
        walk: &mut Walk,
        key: Key,
        extent: &Extent,
    ) -> Result<bool, Error> {
        let ahead = Walk { offset: walk.offset.next_multiple_of(WRITE_BYTES), expected: walk.expected };
        if ahead.offset == walk.offset || ahead.offset >= extent.end {
            return Ok(false);
        }
        self.load(files, index, ahead.offset, ahead.offset.saturating_add(CHUNK).min(extent.end))?;
        let is_there = frame_at(&self.buffer, 0, key, ahead.expected..=ahead.expected).is_some()
            || self.load_record(files, index, &ahead, key, extent)?;
        if is_there {
            *walk = ahead;
        }
        Ok(is_there)
    }

    /// Goes on behind damage: at the next record that can be read, or at the end of the segment.
    fn damage(
        &mut self,
        files: &dyn Files,
        index: usize,
        walk: &mut Walk,
        place: &mut Place,
        extent: &Extent,
    ) -> Result<Option<Gap>, Error> {
        self.load(files, index, walk.offset, extent.end)?;
        let (key, segment) = (self.key(index), self.segments[index].first);
        let numbers = walk.expected..=extent.last;
        let found = find(&self.buffer, 0, key, numbers.clone(), &mut budget(&self.buffer));
        let frame = found.and_then(|at| frame_at(&self.buffer, at, key, numbers));
        let (length, next) = match (found, frame) {
            (Some(at), Some(Frame::Record { number, .. })) => (at, number),
            _ => (self.buffer.len(), extent.last + 1), // behind a closing mark nothing is a record
        };
        let missing = next.saturating_sub(place.next.max(walk.expected));
        let bytes = self.buffer[..length].to_vec();
        let gap = Gap { segment, offset: walk.offset, bytes, missing };
        walk.offset += length as u64;
        walk.expected = next;
        place.next = place.next.max(next);
        Ok(Some(gap).filter(|gap| gap.missing > 0))
    }
}

/// A way through a segment, which may begin before what is of interest.
#[derive(Debug)]
struct Walk {
    offset: u64,
    /// The number of the record at the offset.
    expected: u64,
}

impl Walk {
    fn new(place: &Place, first: u64) -> Self {
        match place.at {
            Some((segment, offset, expected)) if segment == first => Self { offset, expected },
            _ => Self { offset: HEADER_BYTES, expected: first },
        }
    }

    /// Takes the whole records of a chunk that begins at the offset, as long as they follow each other.
    #[expect(clippy::too_many_arguments, reason = "the inside of one loop")]
    fn records(
        &mut self,
        chunk: &[u8],
        key: Key,
        numbers: RangeInclusive<u64>,
        place: &mut Place,
        window: Window,
        left: &mut usize,
        read: &mut Read,
    ) {
        let mut at = 0;
        let last = *numbers.end();
        while *left > 0 && self.expected <= last.min(window.last) {
            let Some(Frame::Record { number, time, payload }) = frame_at(chunk, at, key, self.expected..=self.expected)
            else {
                let skipped = unused(chunk, at, self.offset, key, self.expected);
                if skipped == 0 {
                    break;
                }
                at += skipped;
                self.offset += skipped as u64;
                continue;
            };
            let length = payload.len() + crate::format::RECORD_BYTES as usize;
            at += length;
            self.offset += length as u64;
            self.expected = number + 1;
            if number < place.next {
                continue;
            }
            place.next = number + 1;
            if window.holds(time) {
                read.records.push(Record { number, time, resent: false, payload: payload.to_vec() });
                *left = left.saturating_sub(length);
            }
        }
    }
}
