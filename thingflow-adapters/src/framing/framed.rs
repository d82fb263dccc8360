//! [`Framed`]: the frames of something that is read.

use std::io::{ErrorKind, Read};

use super::{Buffer, FrameError, Framing};

/// Cuts what is read without waiting into frames.
pub(crate) struct Framed<R, F> {
    pub(crate) stream: R,
    framing: F,
    read: Buffer,
    /// Nothing more is to be read.
    is_over: bool,
    /// What ended it, if that was no end.
    fault: Option<std::io::Error>,
}

/// What is there.
pub(crate) enum Piece<T> {
    Frame(T),
    /// A frame that is left out; behind one that is fatal comes the end.
    Bad(FrameError),
    /// Nothing more now.
    Nothing,
    /// Nothing more at all; the error that ended it is told once.
    End(Option<std::io::Error>),
}

/// Bytes read by one call.
const BYTES: usize = 4096;

impl<R: Read, F: Framing> Framed<R, F> {
    pub(crate) fn new(stream: R, framing: F) -> Self {
        Self { stream, framing, read: Buffer::default(), is_over: false, fault: None }
    }

    /// The next frame that is there.
    pub(crate) fn next(&mut self) -> Piece<F::Frame> {
        loop {
            match self.framing.decode(&mut self.read) {
                Ok(Some(frame)) => return Piece::Frame(frame),
                Err(error) => {
                    if error.is_fatal() {
                        (self.is_over, self.read) = (true, Buffer::default());
                    }
                    return Piece::Bad(error);
                }
                Ok(None) => {}
            }
            if self.is_over {
                return match self.framing.finish(&mut self.read) {
                    Ok(frame) => frame.map_or_else(|| Piece::End(self.fault.take()), Piece::Frame),
                    Err(error) => Piece::Bad(error),
                };
            }
            let mut piece = [0; BYTES];
            match self.stream.read(&mut piece) {
                Ok(0) => self.is_over = true,
                Ok(n) => self.read.extend(&piece[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Piece::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => (self.is_over, self.fault) = (true, Some(error)),
            }
        }
    }
}
