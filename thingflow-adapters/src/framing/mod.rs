//! Frames in a stream of bytes: where one message ends and the next begins, on sockets, serial ports and pipes.
//!
//! [`Lines`] ends each message by a byte, [`LengthPrefixed`] says before each how long it is. A protocol of your own implements
//! [`Framing`].

mod buffer;
mod error;
#[cfg(any(feature = "process", feature = "tcp"))]
mod framed;
mod length_prefixed;
mod lines;

pub use buffer::Buffer;
pub use error::FrameError;
#[cfg(any(feature = "process", feature = "tcp"))]
pub(crate) use framed::{Framed, Piece};
pub use length_prefixed::LengthPrefixed;
pub use lines::Lines;

/// Cuts a stream of bytes into frames, and makes bytes of frames. Each connection has a clone of its own.
///
/// ```
/// use thingflow_adapters::framing::{Buffer, Framing, Lines};
/// let mut lines = Lines::default();
/// let mut bytes = Buffer::default();
/// bytes.extend(b"21.5\r\n21.");
/// assert_eq!(lines.decode(&mut bytes)?, Some("21.5".to_owned()));
/// assert_eq!(lines.decode(&mut bytes)?, None); // more is to come
/// let mut sent = Vec::new();
/// lines.encode(&"on".to_owned(), &mut sent);
/// assert_eq!(sent, b"on\n");
/// # Ok::<(), thingflow_adapters::framing::FrameError>(())
/// ```
pub trait Framing: Clone {
    /// A message.
    type Frame: Clone + 'static;

    /// Takes the next frame from the front of what has been read; `None` if it is not complete.
    ///
    /// # Errors
    /// If there is something that is no frame. Of an error that is not [fatal](FrameError::is_fatal) the frame has been taken
    /// away, and the next can be read.
    fn decode(&mut self, bytes: &mut Buffer) -> Result<Option<Self::Frame>, FrameError>;

    /// What is left when the stream has ended, if that is a frame. By default it is none: it may have been cut off.
    ///
    /// # Errors
    /// If it is none, and that is wrong.
    fn finish(&mut self, bytes: &mut Buffer) -> Result<Option<Self::Frame>, FrameError> {
        bytes.take(bytes.len());
        Ok(None)
    }

    /// Appends the bytes of a frame.
    fn encode(&self, frame: &Self::Frame, to: &mut Vec<u8>);
}
