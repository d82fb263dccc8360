//! [`Log`]: the segments of a journal as a table, and what is known of each without reading its records.

mod read;

use std::collections::VecDeque;
use std::io;

use crate::error::Error;
use crate::files::{File, Files, Gone, read_around, read_up_to};
use crate::format::{BLOCK_BYTES, Bad, Extent, Header, Key, MAX_NUMBER, StoreId};
use crate::scan::{Survey, survey};

pub(crate) use read::{Gap, Place, Read, Window};

const ENDING: &str = ".seg";

/// Bytes of a segment beyond which nothing is looked at.
const MAX_SEGMENT: u64 = 1 << 30;

/// The file name of a segment.
pub(crate) fn file_name(first: u64) -> String {
    format!("{first:020}{ENDING}")
}

/// The first number of a segment, from its file name.
pub(crate) fn first_of(file: &str) -> Option<u64> {
    let digits = file.strip_suffix(ENDING).filter(|digits| digits.len() == 20)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|first| is_number && (1..=MAX_NUMBER).contains(first))
}

/// A segment, and what has been learnt about it so far.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    /// Bytes on the disk.
    pub(crate) disk: u64,
    extent: Option<Extent>,
    /// How many records were stored before it.
    before: Option<u64>,
}

/// All segments by rising first numbers.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) id: StoreId,
    pub(crate) segments: VecDeque<Segment>,
    /// The file that was read last.
    open: Option<(u64, Box<dyn File>)>,
    buffer: Vec<u8>,
}

impl Log {
    /// `segments` are first numbers and bytes on the disk, by rising numbers.
    pub(crate) fn new(id: StoreId, segments: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let segment = |(first, disk)| Segment { first, disk, extent: None, before: None };
        Self { id, segments: segments.into_iter().map(segment).collect(), open: None, buffer: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    pub(crate) fn key(&self, index: usize) -> Key {
        Key::new(self.id, self.segments[index].first)
    }

    /// Adds a segment that has just been written.
    pub(crate) fn push(&mut self, first: u64, disk: u64, extent: Extent, before: u64) {
        self.segments.push_back(Segment { first, disk, extent: Some(extent), before: Some(before) });
    }

    /// Takes the segment out, and lets go of its file.
    pub(crate) fn remove(&mut self, index: usize) -> Option<Segment> {
        let segment = self.segments.remove(index)?;
        self.forget(segment.first);
        Some(segment)
    }

    /// Lets go of a file that is about to become another.
    pub(crate) fn forget(&mut self, first: u64) {
        self.open.take_if(|(open, _)| *open == first);
    }

    /// Forgets what was learnt about a segment, which may have grown since.
    pub(crate) fn look_again(&mut self, index: usize) {
        self.segments[index].extent = None;
        self.forget(self.segments[index].first);
    }

    /// Says how far the segment reaches.
    pub(crate) fn set_extent(&mut self, index: usize, extent: Extent) {
        self.segments[index].extent = Some(extent);
    }

    /// The segment that holds the number, or would: the last one that begins at or below it.
    pub(crate) fn locate(&self, number: u64) -> Option<usize> {
        self.segments.partition_point(|segment| segment.first <= number).checked_sub(1)
    }

    /// The open file of a segment. One that somebody has removed is as an empty one: its records are lost.
    fn file(&mut self, files: &dyn Files, index: usize) -> Result<&dyn File, Error> {
        let first = self.segments[index].first;
        if self.open.as_ref().is_none_or(|(open, _)| *open != first) {
            let name = file_name(first);
            let file = match files.open(&name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Box::new(Gone),
                opened => opened.map_err(Error::io(format!("open {name}")))?,
            };
            self.open = Some((first, file));
        }
        let (_, file) = self.open.as_ref().expect("it was opened above");
        Ok(&**file)
    }

    /// The header of a segment. What is not ours is an error, what cannot be read is not.
    pub(crate) fn header(&mut self, files: &dyn Files, index: usize) -> Result<Result<Header, Bad>, Error> {
        let (id, first) = (self.id, self.segments[index].first);
        let mut block = [0; BLOCK_BYTES];
        read_up_to(self.file(files, index)?, &mut block, 0).map_err(Error::io(format!("read {}", file_name(first))))?;
        match Header::decode(&block) {
            Ok(header) if header.id != id => Err(Error::Foreign { file: file_name(first) }),
            Err(Bad::Version(found)) => Err(Error::Version { file: file_name(first), found }),
            other => Ok(other),
        }
    }

    /// The whole file of a segment.
    pub(crate) fn whole(&mut self, files: &dyn Files, index: usize) -> Result<Vec<u8>, Error> {
        let name = file_name(self.segments[index].first);
        let file = self.file(files, index)?;
        let read = |file: &dyn File| -> io::Result<Vec<u8>> {
            let len = file.len()?.min(MAX_SEGMENT) as usize;
            let mut bytes = vec![0; len];
            let count = read_around(file, &mut bytes, 0)?;
            bytes.truncate(count);
            Ok(bytes)
        };
        read(file).map_err(Error::io(format!("read {name}")))
    }

    /// Looks through a segment, whatever others say about it.
    pub(crate) fn survey(&mut self, files: &dyn Files, index: usize) -> Result<(Survey, u64), Error> {
        let (key, first) = (self.key(index), self.segments[index].first);
        let bytes = self.whole(files, index)?;
        Ok((survey(&bytes, key, first), bytes.len() as u64))
    }

    /// What the header of the next segment says about this one, if it does.
    fn told(&mut self, files: &dyn Files, index: usize) -> Result<Option<(Extent, u64)>, Error> {
        let (first, next) = (self.segments[index].first, self.segments.get(index + 1).map(|next| next.first));
        let Some(next) = next else { return Ok(None) };
        let Ok(header) = self.header(files, index + 1)? else { return Ok(None) };
        if header.first != next || header.previous.first != first || header.previous.extent.last >= next {
            return Ok(None);
        }
        let extent = header.previous.extent;
        Ok(header.before.checked_sub((extent.last + 1).saturating_sub(first)).map(|before| (extent, before)))
    }

    /// How far a segment reaches.
    pub(crate) fn extent(&mut self, files: &dyn Files, index: usize) -> Result<Extent, Error> {
        if let Some(extent) = self.segments[index].extent {
            return Ok(extent);
        }
        let extent = if let Some((extent, before)) = self.told(files, index)? {
            self.segments[index].before = Some(before);
            extent
        } else {
            let next = self.segments.get(index + 1).map_or(u64::MAX, |next| next.first);
            let mut extent = self.survey(files, index)?.0.extent;
            extent.last = extent.last.min(next - 1);
            extent
        };
        self.segments[index].extent = Some(extent);
        Ok(extent)
    }

    /// How many records a segment holds, unreadable ones included.
    pub(crate) fn count(&mut self, files: &dyn Files, index: usize) -> Result<u64, Error> {
        let extent = self.extent(files, index)?;
        Ok((extent.last + 1).saturating_sub(self.segments[index].first))
    }

    /// How many records were stored before a segment, since the journal began. With damaged headers it is counted from
    /// the nearest that is whole.
    pub(crate) fn before(&mut self, files: &dyn Files, index: usize) -> Result<u64, Error> {
        let mut known = index;
        let base = loop {
            if let Some(before) = self.segments[known].before {
                break before;
            }
            if let Some((_, before)) = self.told(files, known)? {
                break before;
            }
            let first = self.segments[known].first;
            match self.header(files, known)? {
                Ok(header) if header.first == first => break header.before,
                _ if known == 0 => break 0,
                _ => known -= 1,
            }
        };
        self.segments[known].before = Some(base);
        for at in known..index {
            let count = self.count(files, at)?;
            self.segments[at + 1].before = self.segments[at].before.map(|before| before + count);
        }
        Ok(self.segments[index].before.unwrap_or_default())
    }

    /// How many records have been stored since the journal began.
    pub(crate) fn total(&mut self, files: &dyn Files) -> Result<u64, Error> {
        match self.len().checked_sub(1) {
            Some(newest) => Ok(self.before(files, newest)? + self.count(files, newest)?),
            None => Ok(0),
        }
    }

    /// How many records there are from a number on.
    pub(crate) fn count_from(&mut self, files: &dyn Files, number: u64) -> Result<u64, Error> {
        if self.segments.is_empty() {
            return Ok(0);
        }
        let below = match self.locate(number) {
            None => self.before(files, 0)?,
            Some(at) => {
                let count = self.count(files, at)?;
                self.before(files, at)? + (number - self.segments[at].first).min(count)
            }
        };
        Ok(self.total(files)?.saturating_sub(below))
    }

    /// The number that comes `records` records after `number`.
    pub(crate) fn skip(&mut self, files: &dyn Files, number: u64, records: u64) -> Result<u64, Error> {
        let (mut number, mut left) = (number.max(self.segments.front().map_or(1, |segment| segment.first)), records);
        while left > 0 {
            let Some(at) = self.locate(number) else { break };
            let last = self.extent(files, at)?.last;
            let step = (last + 1).saturating_sub(number).min(left);
            number += step;
            left -= step;
            if number > last {
                let Some(next) = self.segments.get(at + 1) else { break };
                number = next.first;
            }
        }
        Ok(number)
    }
}
