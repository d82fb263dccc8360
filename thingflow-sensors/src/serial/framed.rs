//! [`Framed`]: a serial line as a sensor.

use core::error::Error;
use core::fmt;
use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use thingflow_core::{Clock, Instant, SampleError, Sensor, SensorId, SystemClock};

use super::reopening::is_lost;
use super::{Decode, FrameError, Reopening};

/// A sensor at the other end of a serial line: each sampling waits for the next frame.
///
/// It blocks for as long as the line is silent, so it belongs on an edge thread
/// (`schedule_periodic_on_separate_thread`, with a period shorter than that of the frames). A frame that gives no
/// reading fails that sampling only; a line that ends, ends the stream. A board that sends and never ends its frame fails the
/// sampling too: after [`timeout`](Self::timeout), or 64 KiB.
///
/// A device that may be unplugged wants [`opening`](Self::opening): there a line that ends or fails is opened anew.
pub struct Framed<R, D> {
    id: SensorId,
    line: R,
    decoder: D,
    limit: Duration,
    bytes: [u8; 256],
    /// What of the bytes has been decoded, and what has been read.
    at: usize,
    filled: usize,
}

const USUAL_LIMIT: Duration = Duration::from_secs(10);
/// No frame is longer.
const MOST_BYTES: usize = 1 << 16;

impl<R: Read, D: Decode> Framed<R, D> {
    /// A sensor that decodes what `line` brings.
    pub fn new(id: impl Into<SensorId>, line: R, decoder: D) -> Self {
        Self { id: id.into(), line, decoder, limit: USUAL_LIMIT, bytes: [0; 256], at: 0, filled: 0 }
    }

    /// How long a sampling waits for the end of a frame from the first byte on that has come; 10 s unless told otherwise.
    /// Then it fails by `TimedOut`; what has come of the frame counts for the next sampling. How long the line may be silent
    /// is up to the line.
    #[must_use]
    pub fn timeout(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Whether no frame may be expected any more.
    fn check_patience(&self, begun: Option<Instant>, read: usize) -> Result<(), FramedError> {
        if read > MOST_BYTES {
            return Err(FramedError::Frame(FrameError::TooLong));
        }
        match begun {
            Some(begun) if SystemClock.now().since(begun) >= self.limit => {
                let text = format!("no frame has ended for {:?}; check what the board sends", self.limit);
                Err(FramedError::Line(io::Error::new(ErrorKind::TimedOut, text)))
            }
            _ => Ok(()),
        }
    }

    /// Waits for bytes, unless the line has ended.
    fn fill(&mut self) -> Result<(), SampleError<FramedError>> {
        (self.at, self.filled) = (0, 0);
        match self.line.read(&mut self.bytes) {
            Ok(0) => return Err(SampleError::Ended),
            Ok(read) => self.filled = read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                if is_lost(&error) {
                    self.decoder.reset();
                }
                return Err(FramedError::Line(error).into());
            }
        }
        Ok(())
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

impl<F, R, E, D> Framed<Reopening<F, R>, D>
where
    F: FnMut() -> Result<R, E>,
    R: Read,
    E: Into<Box<dyn Error + Send + Sync>>,
    D: Decode,
{
    /// A sensor whose line `open` opens, at the first sampling and anew at the one after it was lost: a line that ends or
    /// fails is a sampling that failed, and the schedule's policy says when the next one comes. A frame that has begun when
    /// the line is opened is passed over.
    ///
    /// With the feature `tty`: `Framed::opening("board", || Tty::open("/dev/ttyACM0", 115_200), decoder)`.
    pub fn opening(id: impl Into<SensorId>, open: F, mut decoder: D) -> Self {
        decoder.reset();
        Self::new(id, Reopening::new(open), decoder)
    }
}

impl<R: Read, D: Decode> Sensor for Framed<R, D> {
    type Reading = D::Item;
    type Error = FramedError;

    fn id(&self) -> SensorId {
        self.id
    }
    fn sample(&mut self) -> Result<D::Item, SampleError<FramedError>> {
        let (mut begun, mut read) = (None, 0);
        loop {
            if let Some(frame) = self.decode() {
                return Ok(frame.map_err(FramedError::Frame)?);
            }
            self.check_patience(begun, read)?;
            self.fill()?;
            read += self.filled;
            begun = begun.or((self.filled > 0).then(|| SystemClock.now()));
        }
    }
}

impl<R, D> fmt::Debug for Framed<R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a serial line gave no reading.
#[non_exhaustive]
pub enum FramedError {
    /// The line could not be opened, has failed, or was silent for longer than its time limit.
    Line(io::Error),
    /// A frame gave no reading.
    Frame(FrameError),
}

impl fmt::Display for FramedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // It brings a sentence of its own.
            Self::Line(error) if error.get_ref().is_some() => write!(f, "the serial line cannot be read: {error}"),
            Self::Line(error) => {
                write!(f, "the serial line cannot be read: {error}; check that its device is plugged in")
            }
            Self::Frame(error) => error.fmt(f),
        }
    }
}

/// As `Display`.
impl fmt::Debug for FramedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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

    #[test]
    fn f44_a_board_that_never_ends_its_line_fails_each_sampling() {
        let mut sensor = Framed::new("board", io::repeat(b'7'), CsvLines::<1>::new());
        for _ in 0..3 {
            let error = sensor.sample().unwrap_err().to_string();
            assert!(error.starts_with("a frame is too long; check that the speed"), "{error}");
        }
    }

    #[test]
    fn f44_a_frame_that_takes_too_long_fails_the_sampling_and_counts_for_the_next() {
        let pieces = vec![Ok(&b"1"[..]), Ok(b"2\n"), Ok(b"3\n")];
        let mut sensor = Framed::new("board", Pieces(pieces), CsvLines::<1>::new()).timeout(Duration::ZERO);
        let error = sensor.sample().unwrap_err().to_string();
        let text = "the serial line cannot be read: no frame has ended for 0ns; check what the board sends";
        assert_eq!((error.as_str(), sensor.sample().unwrap()), (text, [12.0]));
    }

    #[test]
    fn a_line_that_is_lost_is_opened_anew() {
        let mut lines = vec![
            Ok(Pieces(vec![Ok(&b"7\n2"[..]), Err(ErrorKind::TimedOut.into()), Ok(b"5\n1")])),
            Err("there is none"),
            Ok(Pieces(vec![Ok(b"8\n3\n9"), Err(ErrorKind::BrokenPipe.into())])),
            Ok(Pieces(vec![Ok(b"4\n6\n")])),
        ];
        let mut sensor = Framed::opening("board", move || lines.remove(0), CsvLines::<1>::new());
        let seen: Vec<_> =
            (0..8).map(|_| sensor.sample().map_or_else(|error| error.to_string(), |[n]| n.to_string())).collect();
        assert_eq!(
            seen,
            [
                "the serial line cannot be read: timed out; check that its device is plugged in",
                "25", // the 7 may have been the end of 17
                "the serial line cannot be read: it has ended; it is opened anew at the next reading",
                "the serial line cannot be read: there is none",
                "3",
                "the serial line cannot be read: broken pipe; check that its device is plugged in",
                "6", // neither 9 nor 94
                "the serial line cannot be read: it has ended; it is opened anew at the next reading",
            ]
        );
    }
}
