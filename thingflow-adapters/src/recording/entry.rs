//! [`Entry`]: a record of a recording, byte by byte.
//!
//! | bytes | |
//! | --- | --- |
//! | 1 | 3, which tells it from the records of an outbox |
//! | 1 | what it is, see [`What`] |
//! | 8 | when, in nanoseconds since the run began, little endian |
//! | 1 | how many bytes the name of the stream has |
//! | | the name |
//! | | an event as an outbox stores it; the text of an error; a watermark in nanoseconds, 8 bytes |

use std::time::Duration;

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
}

impl What {
    const ALL: [Self; 6] = [Self::Began, Self::Event, Self::Completed, Self::Error, Self::Watermark, Self::Flushed];

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
        let (&[tag, what], rest) = bytes.split_first_chunk()?;
        let what = What::ALL.into_iter().find(|known| known.code() == what).filter(|_| tag == RECORDED)?;
        let (at, rest) = rest.split_first_chunk()?;
        let (&[length], rest) = rest.split_first_chunk()?;
        let (stream, contents) = rest.split_at_checked(usize::from(length))?;
        let at = Duration::from_nanos(u64::from_le_bytes(*at));
        Some(Self { what, at, stream: std::str::from_utf8(stream).ok()?, contents })
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
