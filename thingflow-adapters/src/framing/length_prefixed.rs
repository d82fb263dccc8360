//! [`LengthPrefixed`]: each message says first how long it is.

use super::{Buffer, FrameError, Framing};

/// Messages of any bytes, each behind its length as four bytes, the most significant first (big endian).
///
/// ```
/// use thingflow_adapters::framing::{Framing, LengthPrefixed};
/// let mut sent = Vec::new();
/// LengthPrefixed::default().encode(&vec![7, 8, 9], &mut sent);
/// assert_eq!(sent, [0, 0, 0, 3, 7, 8, 9]);
/// ```
#[derive(Clone, Debug)]
pub struct LengthPrefixed {
    max_len: usize,
}

const PREFIX: usize = 4;

impl Default for LengthPrefixed {
    /// Messages of up to 64 KiB.
    fn default() -> Self {
        Self { max_len: 1 << 16 }
    }
}

impl LengthPrefixed {
    /// Refuses messages that are longer, in bytes, before anything of them is kept. A frame to be sent that is longer than a
    /// prefix can say is cut off there.
    #[must_use]
    pub fn max_len(self, max_len: usize) -> Self {
        Self { max_len }
    }
}

impl Framing for LengthPrefixed {
    type Frame = Vec<u8>;

    fn decode(&mut self, bytes: &mut Buffer) -> Result<Option<Vec<u8>>, FrameError> {
        let Some(prefix) = bytes.bytes().first_chunk::<PREFIX>() else { return Ok(None) };
        let len = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
        if len > self.max_len {
            return Err(FrameError::TooLong(self.max_len));
        }
        if bytes.len() - PREFIX < len {
            return Ok(None);
        }
        bytes.take(PREFIX);
        Ok(Some(bytes.take(len).to_vec()))
    }

    fn encode(&self, frame: &Vec<u8>, to: &mut Vec<u8>) {
        let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        to.extend_from_slice(&len.to_be_bytes());
        to.extend(frame.iter().take(len as usize));
    }
}
