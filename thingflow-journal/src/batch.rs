//! [`Batch`]: records that wait in memory for a commit, in runs of numbers without a gap.

use std::collections::VecDeque;

use crate::format::{Key, RECORD_BYTES};

#[derive(Clone, Copy, Debug)]
struct Item {
    number: u64,
    time: i64,
    len: usize,
}

/// Records with rising numbers.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    items: VecDeque<Item>,
    payloads: VecDeque<u8>,
}

/// What of a batch has been encoded: how many records, and the time of each.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    pub(crate) records: Vec<(u64, u64, i64)>,
}

impl Batch {
    pub(crate) fn push(&mut self, number: u64, time: i64, payload: &[u8]) {
        self.items.push_back(Item { number, time, len: payload.len() });
        self.payloads.extend(payload);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn len(&self) -> u64 {
        self.items.len() as u64
    }

    /// Bytes in memory, records' fields included.
    pub(crate) fn bytes(&self) -> usize {
        self.payloads.len() + self.items.len() * RECORD_BYTES as usize
    }

    pub(crate) fn first(&self) -> Option<u64> {
        self.items.front().map(|item| item.number)
    }

    /// Bytes of the first record on disk.
    pub(crate) fn first_bytes(&self) -> u64 {
        self.items.front().map_or(0, |item| RECORD_BYTES + item.len as u64)
    }

    /// Drops the oldest records until `bytes` more fit below `limit`; gives how many were dropped.
    pub(crate) fn drop_oldest(&mut self, bytes: usize, limit: usize) -> u64 {
        let before = self.len();
        while !self.is_empty() && self.bytes() + bytes > limit {
            self.pop(1);
        }
        before - self.len()
    }

    /// Encodes the first records without a gap, at most `records` of them and `bytes` on disk.
    pub(crate) fn encode(&mut self, key: Key, bytes: u64, records: u64, out: &mut Vec<u8>) -> Encoded {
        let mut encoded = Encoded::default();
        let payloads = self.payloads.make_contiguous();
        let (mut start, mut left) = (0, bytes);
        for item in self.items.iter().take(usize::try_from(records).unwrap_or(usize::MAX)) {
            let whole = RECORD_BYTES + item.len as u64;
            let follows = encoded.records.last().is_none_or(|(number, ..)| number + 1 == item.number);
            if whole > left || !follows {
                break;
            }
            key.encode(item.number, item.time, &payloads[start..start + item.len], out);
            encoded.records.push((item.number, whole, item.time));
            start += item.len;
            left -= whole;
        }
        encoded
    }

    /// Lets go of the first `count` records.
    pub(crate) fn pop(&mut self, count: usize) {
        let bytes: usize = self.items.drain(..count).map(|item| item.len).sum();
        self.payloads.drain(..bytes);
    }

    /// Takes all records of another, whose numbers are higher.
    pub(crate) fn append(&mut self, other: &mut Self) {
        if self.is_empty() {
            std::mem::swap(self, other);
        } else {
            self.items.append(&mut other.items);
            self.payloads.append(&mut other.payloads);
        }
    }
}
