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
    /// None yet, although much has been read. There may be more: others have their turn first.
    Again,
    /// Nothing more now.
    Nothing,
    /// Nothing more at all; the error that ended it is told once.
    End(Option<std::io::Error>),
}

/// Bytes read by one call.
const BYTES: usize = 4096;
/// So many calls look for a frame, so that one without an end does not keep the thread.
const READS: usize = 4;

impl<R: Read, F: Framing> Framed<R, F> {
    pub(crate) fn new(stream: R, framing: F) -> Self {
        Self { stream, framing, read: Buffer::default(), is_over: false, fault: None }
    }

    /// The next frame that is there.
    pub(crate) fn next(&mut self) -> Piece<F::Frame> {
        for _ in 0..READS {
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
        Piece::Again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames that never end.
    #[derive(Clone)]
    struct Endless;

    impl Framing for Endless {
        type Frame = ();

        fn decode(&mut self, bytes: &mut Buffer) -> Result<Option<()>, FrameError> {
            bytes.take(bytes.len());
            Ok(None)
        }
        fn encode(&self, (): &(), _: &mut Vec<u8>) {}
    }

    #[test]
    fn a_frame_without_an_end_does_not_keep_the_thread() {
        let mut endless = Framed::new(std::io::repeat(b'x'), Endless);
        assert!((0..100).all(|_| matches!(endless.next(), Piece::Again)));
    }
}
