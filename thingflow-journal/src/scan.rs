//! Finding records in the bytes of a segment, beyond damage too.

use std::ops::RangeInclusive;

use crate::format::{Extent, Frame, HEADER_BYTES, Key, RECORD_BYTES, WRITE_BYTES, claim};

/// A part of a segment that holds no record that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    /// Where it begins, from the begin of the file.
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    /// The first number that is missing, and how many are.
    pub(crate) from: u64,
    pub(crate) missing: u64,
}

/// What a whole segment was found to hold.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    pub(crate) extent: Extent,
    pub(crate) holes: Vec<Hole>,
    /// Whether anything in it was readable, a closing mark included.
    pub(crate) readable: bool,
    /// Whether it ends with a closing mark.
    pub(crate) closed: bool,
}

impl Survey {
    /// Whether something has shortened the newest segment, which is `len` bytes long. One that was closed ends with a mark or is full, and
    /// one that was not is as long as was reserved: whole blocks, of which one holds records. A power cut in the middle of a close leaves
    /// zeros in the place of the mark.
    pub(crate) fn is_cut_short(&self, len: u64) -> bool {
        let is_reserved = len.is_multiple_of(WRITE_BYTES) && len > HEADER_BYTES;
        !self.closed && !is_reserved && len != self.extent.end + RECORD_BYTES
    }
}

/// Looks through a segment whose end is not known. `bytes` is the whole file.
pub(crate) fn survey(bytes: &[u8], key: Key, first: u64) -> Survey {
    let capacity = bytes.len() as u64 / RECORD_BYTES;
    survey_to(bytes, key, first, first.saturating_add(capacity))
}

/// Looks through a segment in which no number is above `max`.
pub(crate) fn survey_to(bytes: &[u8], key: Key, first: u64, max: u64) -> Survey {
    let mut survey = Survey { extent: Extent::empty(first), holes: Vec::new(), readable: false, closed: false };
    let mut budget = budget(bytes);
    let mut at = HEADER_BYTES as usize;
    while at < bytes.len() {
        let expected = survey.extent.last + 1;
        let mut found = Some(at);
        if frame_at(bytes, at, key, expected..=max).is_none() {
            at += unused(bytes, at, at as u64, key, expected);
            found = find(bytes, at, key, expected..=max, &mut budget);
        }
        let Some(found) = found else { break };
        let frame = frame_at(bytes, found, key, expected..=max);
        let Some(frame) = frame else { break };
        if found > at || frame.number() > expected {
            let missing = frame.number() - expected;
            survey.holes.push(Hole { offset: at as u64, bytes: (found - at) as u64, from: expected, missing });
        }
        survey.readable = true;
        survey.extent.end = found as u64;
        match frame {
            Frame::Record { number, time, .. } => survey.extent.grow(number, frame.len() as u64, time),
            Frame::Mark { next } => {
                survey.extent.last = next - 1;
                survey.closed = true;
                break;
            }
        }
        at = found + frame.len();
    }
    survey
}

/// How many bytes from `at` on, where no record is and which is `offset` in the file, were left out because a commit began at the next
/// multiple of 4 KiB: none unless the record that is expected stands there.
pub(crate) fn unused(bytes: &[u8], at: usize, offset: u64, key: Key, expected: u64) -> usize {
    let rest = (offset.next_multiple_of(WRITE_BYTES) - offset) as usize;
    let is_there = rest > 0 && frame_at(bytes, at.saturating_add(rest), key, expected..=expected).is_some();
    if is_there { rest } else { 0 }
}

/// How many bytes may be summed up in search of records: damage made on purpose must not cost more than a few passes.
pub(crate) fn budget(bytes: &[u8]) -> usize {
    8 * bytes.len() + 65_536
}

/// Where the first frame from `at` on begins whose number is possible.
pub(crate) fn find(
    bytes: &[u8],
    at: usize,
    key: Key,
    numbers: RangeInclusive<u64>,
    budget: &mut usize,
) -> Option<usize> {
    let good = |at: usize| frame_at(bytes, at, key, numbers.clone()).is_some();
    if good(at) {
        return Some(at);
    }
    // Most damage leaves the length as it was.
    let hinted = claim(bytes.get(at..)?).map(|(length, _)| at.saturating_add(length as usize));
    if let Some(next) = hinted.filter(|next| *next > at && good(*next)) {
        return Some(next);
    }
    (at + 1..bytes.len().saturating_sub(RECORD_BYTES as usize - 1)).find(|&at| {
        let Some((length, number)) = claim(&bytes[at..]) else { return false };
        let length = (length as usize).max(RECORD_BYTES as usize);
        if !numbers.contains(&number) || length > bytes.len() - at || *budget < length {
            return false;
        }
        *budget -= length;
        good(at)
    })
}

/// The frame that begins at `at`, if its checksum is right and its number possible.
pub(crate) fn frame_at(bytes: &[u8], at: usize, key: Key, numbers: RangeInclusive<u64>) -> Option<Frame<'_>> {
    key.decode(bytes.get(at..)?).filter(|frame| numbers.contains(&frame.number()))
}
