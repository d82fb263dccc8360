//! [`Stored`]: what an event that comes out of an outbox carries beside its value.

use serde::de::DeserializeOwned;
use thingflow_core::tracking::Tracked;
use thingflow_core::{BootId, Instant, Moment, Timestamp, WallClock};
use thingflow_journal::{BootClock, Record};

use crate::journaling::code::{self, CodeError, Shift};

/// What an outbox attaches to each event that it sends: see [`Tracked::metadata`](thingflow_core::tracking::Tracked::metadata).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// The event's number in the outbox. It is the same each time the event is sent, and no other event has it: the key by
    /// which a store tells that it has the event already.
    pub number: u64,
    /// When the outbox took it, by the wall clock.
    ///
    /// If the clock had not been set by then, this is put right as soon as it is known what the clock should have shown:
    /// when it is set in the same boot, be it by another process or after the event was stored. See
    /// [`is_time_known`](Self::is_time_known).
    pub taken: Timestamp,
    /// Whether `taken` is right. False if the wall clock had not been set when the event was taken, and was not before it was
    /// sent, or not in that boot at all: then it is what the clock showed.
    pub is_time_known: bool,
    /// Whether it may have been sent before: by a process that ended before the event was acknowledged, or in this one, by a
    /// reader that has abandoned it.
    pub resent: bool,
    /// The encoded event, in case that it is to be sent again, or is a dead letter.
    pub(super) payload: Vec<u8>,
}

impl Stored {
    pub(super) fn new(number: u64, time: i64, resent: bool, payload: Vec<u8>) -> Self {
        let taken = Timestamp::from_nanos(time);
        // Of a dead letter that was fed back, the time may have been put right before.
        let is_time_known = code::stamp(&payload).is_none_or(|stamp| stamp.shown() != taken);
        Self { number, taken, is_time_known, resent, payload }
    }

    /// The number of an event that came out of an outbox, for the `key` of a writer to a database: `None` for an event that did
    /// not, the first number for one that was made of several.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// use thingflow_adapters::outbox::Stored;
    /// use thingflow_adapters::sqlite::Writer;
    /// use thingflow_core::{SensorEvent, tracking::Tracked};
    /// type Lux = SensorEvent<f64>;
    /// let writer = Writer::<Tracked<Lux, Stored>>::new("lux.db", "lux").create_table().key("roof", Stored::number_of);
    /// # }
    /// ```
    pub fn number_of<T>(event: &Tracked<T, Self>) -> Option<u64> {
        event.metadata().next().map(|stored| stored.number)
    }

    /// The boot in which it was taken, and the monotonic time of that boot, if the wall clock had not been set by then.
    pub fn stamp(&self) -> Option<(BootId, Instant)> {
        code::stamp(&self.payload).map(|moment| (moment.boot(), moment.at()))
    }

    /// A time that the event has of the clock which had not been set, put right as [`taken`](Self::taken) was. The time of a
    /// [`SensorEvent`](thingflow_core::SensorEvent) is right already.
    pub fn put_right(&self, time: Timestamp) -> Timestamp {
        let stamp = code::stamp(&self.payload).filter(|_| self.is_time_known);
        stamp.map_or(time, |stamp| {
            Timestamp::from_nanos(Shift::between(&stamp, &self.moment(stamp)).of(time.as_nanos()))
        })
    }

    /// The event, with its time put right if it is a sensor event.
    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, CodeError> {
        match code::stamp(&self.payload) {
            Some(stamp) => code::decode_settled(&self.payload, &self.moment(stamp)),
            None => code::decode(&self.payload),
        }
    }

    /// Whether its time may still become known, by this clock.
    pub(super) fn waits_for(&self, clock: &WallClock) -> bool {
        let stamp = code::stamp(&self.payload).filter(|_| !self.is_time_known && !clock.is_set);
        stamp.is_some_and(|stamp| stamp.boot().is_same_as(clock.boot))
    }

    /// The moment of a stamp with the wall time as far as it is known.
    pub(super) fn moment(&self, stamp: Moment) -> Moment {
        let mut clock = WallClock::unknown(stamp.at(), self.taken);
        (clock.boot, clock.is_set) = (stamp.boot(), self.is_time_known);
        Moment::of(&clock)
    }

    /// Puts the time right, if that is not done and can be.
    pub(super) fn settle(&mut self, clock: &WallClock, notes: &[BootClock]) {
        if self.is_time_known {
            return;
        }
        let Some(stamp) = code::stamp(&self.payload) else { return };
        if let Some(time) = code::settle(stamp, notes).settled(clock).time() {
            (self.taken, self.is_time_known) = (time, true);
        }
    }
}

impl From<Record> for Stored {
    fn from(record: Record) -> Self {
        Self::new(record.number, record.time, record.resent, record.payload)
    }
}
