//! [`Entry`]: a record of a recording, byte by byte.
//!
//! | bytes | |
//! | --- | --- |
//! | 1 | 3, which tells it from the records of an outbox |
//! | 1 | what it is, see [`What`] |
//! | 8 | when, in nanoseconds since the run began, little endian |
//! | 1 | how many bytes the name of the stream has |
//! | | the name |
//! | | an event as an outbox stores it; the text of an error; a watermark in nanoseconds, 8 bytes; a moment |
//!
//! A moment, of a begin and of a change of the wall clock, has 33 bytes:
//!
//! | bytes | |
//! | --- | --- |
//! | 1 | 1 if the wall clock was set, 0 if not; 2 if it was set to another time since the entry before |
//! | 16 | the boot id, 0 if it is not known |
//! | 8 | the monotonic time in nanoseconds |
//! | 8 | what the wall clock showed, in nanoseconds since 1970, signed |

use std::time::Duration;

use thingflow_core::{BootId, Instant, Moment, Timestamp, WallClock};

/// The first byte.
const RECORDED: u8 = 3;

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A run began. It has no stream.
    Began,
    /// An event.
    Event,
    /// The stream completed.
    Completed,
    /// The stream ended by an error, whose text this is.
    Error,
    /// A watermark.
    Watermark,
    /// The run is about to stop: what was being collected was sent. It has no stream.
    Flushed,
    /// The wall clock was set, or has become known to be right. It has no stream.
    Clock,
}

impl What {
    const ALL: [Self; 7] =
        [Self::Began, Self::Event, Self::Completed, Self::Error, Self::Watermark, Self::Flushed, Self::Clock];

    fn code(self) -> u8 {
        self as u8
    }
}

/// A record of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// What came.
    pub what: What,
    /// When, since the run began.
    pub at: Duration,
    /// By which stream.
    pub stream: &'a str,
    /// What belongs to it: the event, as [`code`](super::code) decodes it.
    pub contents: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Reads the payload of a record of a journal; `None` if that is no recording.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (what, at) = Self::decode_head(bytes)?;
        let (&[length], rest) = bytes[10..].split_first_chunk()?;
        let (stream, contents) = rest.split_at_checked(usize::from(length))?;
        Some(Self { what, at, stream: std::str::from_utf8(stream).ok()?, contents })
    }

    /// What it is and when it came, as [`decode`](Self::decode) says.
    pub(super) fn decode_head(bytes: &[u8]) -> Option<(What, Duration)> {
        let (&[tag, what], rest) = bytes.split_first_chunk()?;
        let what = What::ALL.into_iter().find(|known| known.code() == what).filter(|_| tag == RECORDED)?;
        let (at, _) = rest.split_first_chunk()?;
        Some((what, Duration::from_nanos(u64::from_le_bytes(*at))))
    }

    /// What was known of the wall clock when a run began or the clock changed, and whether it was stepped then; `None` for other
    /// entries, and for those of a version that did not record it.
    pub fn moment(&self) -> Option<(Moment, bool)> {
        let (&[state], rest) = self.contents.split_first_chunk()?;
        let (boot, rest) = rest.split_first_chunk()?;
        let (at, rest) = rest.split_first_chunk()?;
        let shown: &[u8; 8] = rest.try_into().ok().filter(|_| matches!(self.what, What::Began | What::Clock))?;
        let at = Instant::from_nanos(u64::from_le_bytes(*at));
        let mut clock = WallClock::unknown(at, Timestamp::from_nanos(i64::from_le_bytes(*shown)));
        (clock.boot, clock.is_set) = (BootId::from_u128(u128::from_le_bytes(*boot)), state > 0);
        Some((Moment::of(&clock), state == 2))
    }

    /// Appends what [`moment`](Self::moment) reads.
    pub(super) fn encode_moment(moment: &Moment, stepped: bool, bytes: &mut Vec<u8>) {
        bytes.push(if stepped { 2 } else { moment.is_known().into() });
        bytes.extend(moment.boot().as_u128().to_le_bytes());
        bytes.extend(moment.at().as_nanos().to_le_bytes());
        bytes.extend(moment.shown().as_nanos().to_le_bytes());
    }

    /// Appends all but the contents. Of the name at most 255 bytes are kept.
    pub(super) fn encode_head(what: What, at: Duration, stream: &str, bytes: &mut Vec<u8>) {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        bytes.extend([RECORDED, what.code()]);
        bytes.extend(nanos.to_le_bytes());
        let length = u8::try_from(stream.len()).unwrap_or(0);
        bytes.push(length);
        bytes.extend(&stream.as_bytes()[..usize::from(length)]);
    }
}
