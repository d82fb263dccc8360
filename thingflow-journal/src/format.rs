//! Format 1 as bytes: headers, records, closing marks, slots of positions, the identity. No file is touched here.
#![doc = include_str!("../FORMAT.md")]

use crate::bytes::{Cursor, Writer};
use crate::clocks::{BootClock, MOST_BOOTS};

/// The number of the format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// Bytes of the header at the begin of a segment.
pub const HEADER_BYTES: u64 = 4096;

/// Bytes of a record before its payload.
pub const RECORD_BYTES: u64 = 24;

/// What a disk writes at once: a commit that touches fewer of them wears it less.
pub(crate) const WRITE_BYTES: u64 = 4096;

/// Bytes of one of the two slots in the file of a position.
pub(crate) const SLOT_BYTES: u64 = 4096;

/// Bytes of a header, a slot or an identity that say something; the rest of the block is zero. One sector, so that a
/// power cut leaves the old or the new one.
pub(crate) const BLOCK_BYTES: usize = 128;

const SEGMENT: &[u8; 8] = b"TFLOWSEG";
const POSITION: &[u8; 8] = b"TFLOWPOS";
const IDENTITY: &[u8; 8] = b"TFLOWJNL";
const CLOCKS: &[u8; 8] = b"TFLOWCLK";

/// Bytes of the entries of all boots in the file of the clocks, and of that file up to its checksum.
const BOOTS_BYTES: usize = 40 * MOST_BOOTS;
pub(crate) const CLOCKS_BYTES: usize = 32 + BOOTS_BYTES + 4;

/// The highest number of a record, far from where a sum could overflow.
pub(crate) const MAX_NUMBER: u64 = 1 << 62;

/// No journal ever comes so far: a file that says so is not one of its own.
pub(crate) const FAR_NUMBER: u64 = MAX_NUMBER / 2;

/// What a position may say when a journal is opened, so that what follows is not [far](FAR_NUMBER).
pub(crate) const FAR_POSITION: u64 = FAR_NUMBER / 2;

/// What tells one journal's files from another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreId(pub(crate) [u8; 16]);

impl std::fmt::Display for StoreId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a block cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// All bytes are zero: nothing was written yet.
    Empty,
    /// The checksum or the magic is wrong.
    Damaged,
    /// Another version wrote it.
    Version(u32),
}

/// The start of every block, the same in every version: magic, version, and the checksum of both.
fn begin(magic: &[u8; 8], id: StoreId) -> Writer {
    let mut block = Writer::default();
    block.bytes(magic);
    block.u32(FORMAT);
    let sum = crc32c::crc32c(&block.0);
    block.u32(sum);
    block.bytes(&id.0);
    block
}

/// Closes a block with the checksum of what follows the start.
fn finish(block: Writer) -> [u8; BLOCK_BYTES] {
    let mut bytes = [0; BLOCK_BYTES];
    let block = close(block);
    bytes[..block.len()].copy_from_slice(&block);
    bytes
}

fn close(mut block: Writer) -> Vec<u8> {
    let sum = crc32c::crc32c(&block.0[16..]);
    block.u32(sum);
    block.0
}

/// Checks the start and the checksum over `len` bytes of fields; gives the id and the fields.
fn enter<'a>(block: &'a [u8], magic: &[u8; 8], len: usize) -> Result<(StoreId, Cursor<'a>), Bad> {
    if block.iter().all(|byte| *byte == 0) {
        return Err(Bad::Empty);
    }
    let mut start = Cursor(block);
    let (found, version, sum) = (start.array::<8>(), start.u32(), start.u32());
    if found.as_ref() != Some(magic) || sum != block.get(..12).map(crc32c::crc32c) {
        return Err(Bad::Damaged);
    }
    match version {
        Some(FORMAT) => {}
        Some(other) => return Err(Bad::Version(other)),
        None => return Err(Bad::Damaged),
    }
    let end = 32 + len;
    let sum = block.get(end..).and_then(|rest| Cursor(rest).u32());
    if sum.is_none() || sum != block.get(16..end).map(crc32c::crc32c) {
        return Err(Bad::Damaged);
    }
    let id = StoreId(start.array().ok_or(Bad::Damaged)?);
    Ok((id, start))
}

/// What the header of a segment says about the segment before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// The first number of the segment before; zero if there was none.
    pub(crate) first: u64,
    pub(crate) extent: Extent,
}

/// How far the records of a segment reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The number of the last record; one below the first number if there is none.
    pub(crate) last: u64,
    /// Where the last record ends, in bytes from the begin of the file.
    pub(crate) end: u64,
    /// The least and greatest time, with the greater one first if there is no record.
    pub(crate) times: (i64, i64),
}

impl Extent {
    /// Of a segment without records.
    pub(crate) fn empty(first: u64) -> Self {
        Self { last: first - 1, end: HEADER_BYTES, times: (i64::MAX, i64::MIN) }
    }

    /// Takes in one more record.
    pub(crate) fn grow(&mut self, number: u64, bytes: u64, time: i64) {
        self.last = number;
        self.end += bytes;
        self.times = (self.times.0.min(time), self.times.1.max(time));
    }
}

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) id: StoreId,
    pub(crate) first: u64,
    /// How many records were stored before this segment, since the journal began.
    pub(crate) before: u64,
    pub(crate) previous: Summary,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; BLOCK_BYTES] {
        let mut block = begin(SEGMENT, self.id);
        let Summary { first, extent } = self.previous;
        for field in [self.first, self.before, first, extent.last, extent.end] {
            block.u64(field);
        }
        block.i64(extent.times.0);
        block.i64(extent.times.1);
        finish(block)
    }

    pub(crate) fn decode(block: &[u8]) -> Result<Self, Bad> {
        let (id, mut fields) = enter(block, SEGMENT, 56)?;
        let mut next = || fields.u64().ok_or(Bad::Damaged);
        let (first, before, previous, last, end) = (next()?, next()?, next()?, next()?, next()?);
        let (least, greatest) = (next()?.cast_signed(), next()?.cast_signed());
        // Those before have lower numbers, each another one.
        if before >= first || [first, previous, last, end].iter().any(|field| *field > MAX_NUMBER) {
            return Err(Bad::Damaged);
        }
        let extent = Extent { last, end, times: (least, greatest) };
        Ok(Self { id, first, before, previous: Summary { first: previous, extent } })
    }
}

/// One of the two slots of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) id: StoreId,
    /// The slot with the greater counter is the valid one.
    pub(crate) counter: u64,
    /// The number up to which all records have been acknowledged, or dropped.
    pub(crate) delivered: u64,
    /// The number up to which records may have been handed out.
    pub(crate) reach: u64,
}

impl Slot {
    pub(crate) fn encode(&self) -> [u8; BLOCK_BYTES] {
        let mut block = begin(POSITION, self.id);
        for field in [self.counter, self.delivered, self.reach] {
            block.u64(field);
        }
        finish(block)
    }

    pub(crate) fn decode(block: &[u8]) -> Result<Self, Bad> {
        let (id, mut fields) = enter(block, POSITION, 24)?;
        let mut next = || fields.u64().ok_or(Bad::Damaged);
        let (counter, delivered, reach) = (next()?, next()?, next()?);
        if counter > FAR_NUMBER || delivered > FAR_NUMBER {
            return Err(Bad::Damaged);
        }
        Ok(Self { id, counter, delivered, reach })
    }
}

/// The contents of the file `lock`.
pub(crate) fn encode_identity(id: StoreId) -> [u8; BLOCK_BYTES] {
    finish(begin(IDENTITY, id))
}

pub(crate) fn decode_identity(block: &[u8]) -> Result<StoreId, Bad> {
    enter(block, IDENTITY, 0).map(|(id, _)| id)
}

/// The contents of the file `clocks`.
pub(crate) fn encode_clocks(id: StoreId, clocks: &[BootClock]) -> Vec<u8> {
    let mut block = begin(CLOCKS, id);
    for clock in clocks.iter().take(MOST_BOOTS) {
        block.bytes(&clock.boot.to_le_bytes());
        block.u64(clock.monotonic);
        block.u64(clock.time.is_some().into());
        block.i64(clock.time.unwrap_or(0));
    }
    block.0.resize(32 + BOOTS_BYTES, 0);
    close(block)
}

pub(crate) fn decode_clocks(bytes: &[u8]) -> Result<(StoreId, Vec<BootClock>), Bad> {
    let (id, mut fields) = enter(bytes, CLOCKS, BOOTS_BYTES)?;
    let mut clocks = Vec::new();
    for _ in 0..MOST_BOOTS {
        let boot = fields.array().map(u128::from_le_bytes).ok_or(Bad::Damaged)?;
        let (monotonic, known) = (fields.u64().ok_or(Bad::Damaged)?, fields.u64().ok_or(Bad::Damaged)?);
        let time = fields.i64().ok_or(Bad::Damaged)?;
        if boot != 0 {
            clocks.push(BootClock { boot, monotonic, time: (known == 1).then_some(time) });
        }
    }
    Ok((id, clocks))
}

/// The checksum that all records of one segment begin with: what belongs to another segment, or is older than the reuse
/// of the file, never fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    seed: u32,
}

impl Key {
    pub(crate) fn new(id: StoreId, first: u64) -> Self {
        Self { seed: crc32c::crc32c_append(crc32c::crc32c(&id.0), &first.to_le_bytes()) }
    }

    fn sum(self, length: u32, rest: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c_append(self.seed, &length.to_le_bytes()), rest)
    }

    /// Appends one record to `out`.
    pub(crate) fn encode(self, number: u64, time: i64, payload: &[u8], out: &mut Vec<u8>) {
        let length = u32::try_from(RECORD_BYTES as usize + payload.len()).expect("a payload is shorter than a segment");
        self.frame(length, number, time, payload, out);
    }

    /// Appends the mark of a segment that was closed, with the number that would come next.
    pub(crate) fn encode_mark(self, next: u64, out: &mut Vec<u8>) {
        self.frame(0, next, 0, &[], out);
    }

    fn frame(self, length: u32, number: u64, time: i64, payload: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&time.to_le_bytes());
        out.extend_from_slice(payload);
        let sum = self.sum(length, &out[start + 8..]);
        out[start + 4..start + 8].copy_from_slice(&sum.to_le_bytes());
    }

    /// What stands at the begin of `bytes`, if its checksum is right.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Frame<'_>> {
        let mut fields = Cursor(bytes);
        let (length, sum, number, time) = (fields.u32()?, fields.u32()?, fields.u64()?, fields.i64()?);
        let whole = if length == 0 { RECORD_BYTES as usize } else { length as usize };
        let rest = bytes.get(8..whole).filter(|rest| rest.len() >= 16)?;
        (self.sum(length, rest) == sum).then(|| match length {
            0 => Frame::Mark { next: number },
            _ => Frame::Record { number, time, payload: &rest[16..] },
        })
    }
}

/// What a checksum vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Record { number: u64, time: i64, payload: &'a [u8] },
    Mark { next: u64 },
}

impl Frame<'_> {
    pub(crate) fn number(&self) -> u64 {
        match self {
            Self::Record { number, .. } => *number,
            Self::Mark { next } => *next,
        }
    }

    /// Bytes of it in the file.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Record { payload, .. } => RECORD_BYTES as usize + payload.len(),
            Self::Mark { .. } => RECORD_BYTES as usize,
        }
    }
}

/// The length and the number that a record claims to have, without a look at its checksum.
pub(crate) fn claim(bytes: &[u8]) -> Option<(u32, u64)> {
    let mut fields = Cursor(bytes);
    let (length, _, number) = (fields.u32()?, fields.u32()?, fields.u64()?);
    Some((length, number))
}
