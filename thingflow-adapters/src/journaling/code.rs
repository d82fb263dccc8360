//! Events to bytes and back, byte by byte.
//!
//! An event that was taken while the wall clock was set:
//!
//! | bytes | |
//! | --- | --- |
//! | 1 | 1: the encoding, [`MESSAGE_PACK`] |
//! | | the event |
//!
//! One that was taken before it was set has a [`stamp`] in front, all numbers little endian:
//!
//! | bytes | |
//! | --- | --- |
//! | 1 | 4: [`STAMPED`] |
//! | 16 | the boot id, 0 if it is not known |
//! | 8 | the monotonic time in nanoseconds |
//! | 8 | what the wall clock showed, in nanoseconds since 1970, signed |
//! | | an event as above |
//!
//! First bytes 2 and 3 are those of [dead letters](crate::outbox::DeadLetterRecord) and of entries of recordings. A stamp costs 33 bytes,
//! so events have none once the clock is set: the time of their record is right then.

use std::fmt;

use rmp_serde::{decode, encode};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use thingflow_core::{BootId, Instant, Moment, Timestamp, WallClock};
use thingflow_journal::BootClock;

/// The encoding of this version: MessagePack, structs with the names of their fields. So a later version of a program may
/// add fields that have a default, and a tool reads events without knowing their type.
pub const MESSAGE_PACK: u8 = 1;

/// The first byte of an event that was taken before the wall clock had been set.
pub const STAMPED: u8 = 4;

/// Bytes of a stamp.
const STAMP_BYTES: usize = 33;

/// Why bytes are no event.
#[non_exhaustive]
pub enum CodeError {
    /// The event cannot be encoded.
    Encode(encode::Error),
    /// The bytes are no event of this type.
    Decode(decode::Error),
    /// The bytes are in an encoding that this version does not know.
    Encoding(u8),
    /// There are no bytes.
    Empty,
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => write!(f, "cannot encode the event: {error}"),
            Self::Decode(error) => write!(
                f,
                "cannot decode the event: {error}; is it of another type, or of another version of the program?"
            ),
            Self::Encoding(found) => {
                write!(f, "invalid encoding {found}: this version reads {MESSAGE_PACK}; use the version that wrote it")
            }
            Self::Empty => f.write_str("invalid record: it is empty"),
        }
    }
}

impl fmt::Debug for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for CodeError {}

/// Appends an event to `bytes`, as an outbox stores it.
///
/// # Errors
/// [`CodeError::Encode`].
pub fn encode<T: Serialize + ?Sized>(event: &T, bytes: &mut Vec<u8>) -> Result<(), CodeError> {
    bytes.push(MESSAGE_PACK);
    encode::write_named(bytes, event).map_err(CodeError::Encode)
}

/// Appends the stamp of a moment whose wall time is not known; nothing for one whose wall time is.
pub(crate) fn encode_stamp(moment: &Moment, bytes: &mut Vec<u8>) {
    if moment.is_known() {
        return;
    }
    bytes.push(STAMPED);
    bytes.extend(moment.boot().as_u128().to_le_bytes());
    bytes.extend(moment.at().as_nanos().to_le_bytes());
    bytes.extend(moment.shown().as_nanos().to_le_bytes());
}

/// The moment at which an event was taken if the wall clock had not been set by then. `None` if it had.
pub fn stamp(bytes: &[u8]) -> Option<Moment> {
    let (&[tag], rest) = bytes.split_first_chunk()?;
    let (boot, rest) = rest.split_first_chunk()?;
    let (at, rest) = rest.split_first_chunk()?;
    let (shown, _) = rest.split_first_chunk()?;
    let at = Instant::from_nanos(u64::from_le_bytes(*at));
    let mut clock = WallClock::unknown(at, Timestamp::from_nanos(i64::from_le_bytes(*shown)));
    clock.boot = BootId::from_u128(u128::from_le_bytes(*boot));
    (tag == STAMPED).then(|| Moment::of(&clock))
}

/// A moment with its wall time, if the journal [knows](thingflow_journal::inspect::Overview::clocks) the clock of its boot: else as
/// it is.
pub fn settle(moment: Moment, clocks: &[BootClock]) -> Moment {
    let noted = clocks.iter().find(|noted| noted.boot == moment.boot().as_u128());
    let Some(time) = noted.and_then(|noted| noted.time_at(moment.at().as_nanos())) else { return moment };
    let mut clock = WallClock::unknown(moment.at(), Timestamp::from_nanos(time));
    (clock.boot, clock.is_set) = (moment.boot(), true);
    moment.settled(&clock)
}

/// The event that an outbox has stored as `bytes`, as it was, with or without a stamp.
///
/// # Errors
/// [`CodeError::Decode`], [`CodeError::Encoding`], [`CodeError::Empty`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodeError> {
    let bytes = if stamp(bytes).is_some() { &bytes[STAMP_BYTES..] } else { bytes };
    match bytes.split_first() {
        None => Err(CodeError::Empty),
        Some((&MESSAGE_PACK, event)) => decode::from_slice(event).map_err(CodeError::Decode),
        Some((&encoding, _)) => Err(CodeError::Encoding(encoding)),
    }
}

/// As [`decode()`]; if the event is a [`SensorEvent`](thingflow_core::SensorEvent), or another record of its three fields, and has a
/// [`stamp`], its time is put right: by as much as the clock was wrong when the event was taken. `settled` is the moment of the
/// stamp, with its wall time.
///
/// # Errors
/// As [`decode()`].
pub fn decode_settled<T: DeserializeOwned>(bytes: &[u8], settled: &Moment) -> Result<T, CodeError> {
    let by = stamp(bytes).filter(|_| settled.is_known()).map(|stamp| Shift::between(&stamp, settled));
    match by.and_then(|by| with_time_shifted(&bytes[STAMP_BYTES..], by)) {
        Some(event) => decode(&event),
        None => decode(bytes),
    }
}

/// By how much a clock was wrong.
#[derive(Clone, Copy)]
pub(crate) struct Shift(i128);

impl Shift {
    pub(crate) fn between(stamp: &Moment, settled: &Moment) -> Self {
        Self(i128::from(settled.shown().as_nanos()) - i128::from(stamp.shown().as_nanos()))
    }

    pub(crate) fn of(self, time: i64) -> i64 {
        let time = i128::from(time) + self.0;
        i64::try_from(time).unwrap_or(if time > 0 { i64::MAX } else { i64::MIN })
    }
}

/// An encoded event of the fields `sensor_id`, `ts` and `val`, with another `ts`; `None` if it is another one.
fn with_time_shifted(event: &[u8], by: Shift) -> Option<Vec<u8>> {
    let mut rest = event.strip_prefix(&[MESSAGE_PACK, 0x83])?; // a map of three
    is_next(&mut rest, "sensor_id")?;
    read::<IgnoredAny>(&mut rest)?;
    is_next(&mut rest, "ts")?;
    let head = event.len() - rest.len();
    let time = read::<i64>(&mut rest)?;
    let mut shifted = event[..head].to_vec();
    encode::write(&mut shifted, &by.of(time)).ok()?;
    shifted.extend_from_slice(rest);
    is_next(&mut rest, "val").map(|()| shifted)
}

fn is_next(rest: &mut &[u8], name: &str) -> Option<()> {
    (read::<String>(rest)? == name).then_some(())
}

fn read<T: for<'de> Deserialize<'de>>(rest: &mut &[u8]) -> Option<T> {
    T::deserialize(&mut rmp_serde::Deserializer::new(rest)).ok()
}
