//! [`Stored`]: what an event that comes out of an outbox carries beside its value.

use thingflow_core::Timestamp;
use thingflow_journal::Record;

/// What an outbox attaches to each event that it sends: see [`Tracked::metadata`](thingflow_core::tracking::Tracked::metadata).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// The event's number in the outbox. It is the same each time the event is sent, and no other event has it: the key by
    /// which a store tells that it has the event already.
    pub number: u64,
    /// When the outbox took it.
    pub taken: Timestamp,
    /// Whether it may have been sent before: by a process that ended before the event was acknowledged, or in this one, by a
    /// reader that has abandoned it.
    pub resent: bool,
    /// The encoded event, in case that it is to be sent again, or is a dead letter.
    pub(super) payload: Vec<u8>,
}

impl From<Record> for Stored {
    fn from(record: Record) -> Self {
        let Record { number, time, resent, payload } = record;
        Self { number, taken: Timestamp::from_nanos(time), resent, payload }
    }
}
