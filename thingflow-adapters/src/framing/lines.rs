//! [`Lines`]: a byte ends each message.

use super::{Buffer, FrameError, Framing};

/// Lines of UTF-8 text. Of one that ends by `\n` a `\r` before it is left out. What is there when a connection ends without an
/// end of line is none, since it may have been cut off: see [`allow_unterminated`](Self::allow_unterminated).
#[derive(Clone, Debug)]
pub struct Lines {
    delimiter: u8,
    max_len: usize,
    unterminated: bool,
    /// What comes next may have begun before.
    skips: bool,
    /// So many bytes at the front are known to hold no end.
    searched: usize,
}

impl Default for Lines {
    /// Lines that end by `\n`, of up to 64 KiB.
    fn default() -> Self {
        Self { delimiter: b'\n', max_len: 1 << 16, unterminated: false, skips: false, searched: 0 }
    }
}

impl Lines {
    /// What stands behind each line instead.
    #[must_use]
    pub fn delimiter(self, delimiter: u8) -> Self {
        Self { delimiter, ..self }
    }

    /// Refuses lines that are longer, in bytes, so that a sender that never ends its line cannot fill the memory.
    #[must_use]
    pub fn max_len(self, max_len: usize) -> Self {
        Self { max_len, ..self }
    }

    /// Takes a last line that has no end too.
    #[must_use]
    pub fn allow_unterminated(self) -> Self {
        Self { unterminated: true, ..self }
    }

    /// Drops what comes before the first end of a line: for a sender that was not waited for, such as a board that has been sending
    /// when its serial line is opened. Its first line may lack its beginning: `123.4` would come as `3.4`.
    #[must_use]
    pub fn after_first_end(self) -> Self {
        Self { skips: true, ..self }
    }

    /// Drops the rest of a line that has begun before. Whether that is over.
    fn is_in_step(&mut self, bytes: &mut Buffer) -> bool {
        if self.skips {
            let end = bytes.bytes().iter().position(|byte| *byte == self.delimiter);
            bytes.take(end.map_or(bytes.len(), |end| end + 1));
            self.skips = end.is_none();
        }
        !self.skips
    }

    /// The text of a line without its end.
    fn text(&self, line: &[u8]) -> Result<String, FrameError> {
        let line = if self.delimiter == b'\n' { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        if line.len() > self.max_len {
            return Err(FrameError::TooLong(self.max_len));
        }
        let text = str::from_utf8(line).map_err(|error| FrameError::NotUtf8(error.valid_up_to() + 1))?;
        Ok(text.to_owned())
    }
}

impl Framing for Lines {
    type Frame = String;

    fn decode(&mut self, bytes: &mut Buffer) -> Result<Option<String>, FrameError> {
        if !self.is_in_step(bytes) {
            return Ok(None);
        }
        let unsearched = bytes.bytes().get(self.searched..).unwrap_or_default();
        let Some(end) = unsearched.iter().position(|byte| *byte == self.delimiter) else {
            self.searched = bytes.len();
            let one_more = usize::from(self.delimiter == b'\n'); // for a `\r`
            let is_too_long = bytes.len() > self.max_len.saturating_add(one_more);
            return if is_too_long { Err(FrameError::TooLong(self.max_len)) } else { Ok(None) };
        };
        let line = bytes.take(self.searched + end + 1);
        self.searched = 0;
        self.text(&line[..line.len() - 1]).map(Some)
    }

    fn finish(&mut self, bytes: &mut Buffer) -> Result<Option<String>, FrameError> {
        self.searched = 0;
        if !self.is_in_step(bytes) {
            return Ok(None);
        }
        let line = bytes.take(bytes.len());
        if self.unterminated && !line.is_empty() { self.text(line).map(Some) } else { Ok(None) }
    }

    fn encode(&self, frame: &String, to: &mut Vec<u8>) {
        to.extend_from_slice(frame.as_bytes());
        to.push(self.delimiter);
    }
}
