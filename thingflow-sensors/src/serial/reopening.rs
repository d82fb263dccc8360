//! [`Reopening`]: a line that is opened anew after it was lost.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Read};

/// A line that is opened when it is first read, and once more at the reading after it was lost: when it has ended, as that
/// of an unplugged device does, or has failed in any other way than by being silent or interrupted. Either is an error of
/// that reading, and so is an opening that fails.
///
/// [`Framed::opening`](super::Framed::opening) reads from one.
pub struct Reopening<F, R> {
    open: F,
    line: Option<R>,
}

impl<F, R> Reopening<F, R> {
    /// A line that `open` opens.
    pub fn new<E>(open: F) -> Self
    where
        F: FnMut() -> Result<R, E>,
    {
        Self { open, line: None }
    }
}

impl<F, R, E> Read for Reopening<F, R>
where
    F: FnMut() -> Result<R, E>,
    R: Read,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let line = match &mut self.line {
            Some(line) => line,
            none => none.insert((self.open)().map_err(io::Error::other)?),
        };
        let outcome = match line.read(into) {
            Ok(0) if !into.is_empty() => {
                Err(io::Error::new(ErrorKind::UnexpectedEof, "it has ended; it is opened anew at the next reading"))
            }
            outcome => outcome,
        };
        if outcome.as_ref().is_err_and(is_lost) {
            self.line = None;
        }
        outcome
    }
}

/// Whether bytes may be missing from now on.
pub(super) fn is_lost(error: &io::Error) -> bool {
    !matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

impl<F, R> fmt::Debug for Reopening<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reopening").field("is_open", &self.line.is_some()).finish_non_exhaustive()
    }
}
