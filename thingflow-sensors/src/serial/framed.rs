//! [`Framed`]: a serial line as a sensor.

use core::error::Error;
use core::fmt;
use std::io::{ErrorKind, Read};

use thingflow_core::{SampleError, Sensor, SensorId};

use super::{Decode, FrameError};

/// A sensor at the other end of a serial line: each sampling waits for the next frame.
///
/// It blocks for as long as the line is silent, so it belongs on an edge thread
/// (`schedule_periodic_on_separate_thread`, with a period shorter than that of the frames). A frame that gives no
/// reading fails that sampling only; a line that ends, ends the stream.
pub struct Framed<R, D> {
    id: SensorId,
    line: R,
    decoder: D,
    bytes: [u8; 256],
    /// What of the bytes has been decoded, and what has been read.
    at: usize,
    filled: usize,
}

impl<R: Read, D: Decode> Framed<R, D> {
    /// A sensor that decodes what `line` brings.
    pub fn new(id: impl Into<SensorId>, line: R, decoder: D) -> Self {
        Self { id: id.into(), line, decoder, bytes: [0; 256], at: 0, filled: 0 }
    }

    /// Decodes what has been read, up to the end of a frame.
    fn decode(&mut self) -> Option<Result<D::Item, FrameError>> {
        for byte in self.bytes.get(self.at..self.filled)? {
            self.at += 1;
            if let Some(frame) = self.decoder.push(*byte) {
                return Some(frame);
            }
        }
        None
    }
}

impl<R: Read, D: Decode> Sensor for Framed<R, D> {
    type Reading = D::Item;
    type Error = FramedError;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<D::Item, SampleError<FramedError>> {
        loop {
            if let Some(frame) = self.decode() {
                return Ok(frame.map_err(FramedError::Frame)?);
            }
            (self.at, self.filled) = (0, 0);
            match self.line.read(&mut self.bytes) {
                Ok(0) => return Err(SampleError::Ended),
                Ok(read) => self.filled = read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(FramedError::Line(error).into()),
            }
        }
    }
}

impl<R, D> fmt::Debug for Framed<R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a serial line gave no reading.
#[derive(Debug)]
pub enum FramedError {
    /// The line failed, or was silent for longer than its time limit.
    Line(std::io::Error),
    /// A frame gave no reading.
    Frame(FrameError),
}

impl fmt::Display for FramedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(error) => {
                write!(f, "the serial line cannot be read: {error}; check that its device is plugged in")
            }
            Self::Frame(error) => error.fmt(f),
        }
    }
}

impl Error for FramedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Line(error) => Some(error),
            Self::Frame(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::CsvLines;
    use super::*;
    use std::io;

    /// A line that brings what it is told, a piece at each reading.
    struct Pieces(Vec<io::Result<&'static [u8]>>);

    impl Read for Pieces {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let mut piece = self.0.remove(0)?;
            piece.read(into)
        }
    }

    #[test]
    fn goes_on_after_an_interruption_and_a_failure_and_ends_with_the_line() {
        let pieces = vec![
            Ok(&b"1"[..]),
            Err(ErrorKind::Interrupted.into()),
            Ok(b"2\n3\n4"),
            Err(ErrorKind::TimedOut.into()),
            Ok(b"5\n6"),
        ];
        let mut sensor = Framed::new("board", Pieces(pieces), CsvLines::<1>::new());
        assert_eq!(sensor.sample().unwrap(), [12.0]);
        assert_eq!(sensor.sample().unwrap(), [3.0]);
        assert!(sensor.sample().unwrap_err().to_string().starts_with("the serial line cannot be read: timed out"));
        assert_eq!(sensor.sample().unwrap(), [45.0]);
        assert!(matches!(sensor.sample(), Err(SampleError::Ended)));
    }
}
