//! `write(path)`: a line for each event.

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use thingflow_core::{Closed, Context, Demand, Receipt, Sink, StreamError, Visitor};

use crate::file_error::{Doing, FileError};
use crate::log_file::{Form, LogFile, Unfit};

/// Writes each event as a line to a new file. A file of that name is replaced; see [`append`].
///
/// ```
/// # use thingflow_core::prelude::*;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("lux.txt");
/// pipe::<f64>().to(thingflow_adapters::lines::write(&path)?).feed([20.0, 30.5])?;
/// assert_eq!(std::fs::read_to_string(&path)?, "20\n30.5\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be created.
pub fn write<T: Display>(path: impl AsRef<Path>) -> Result<Writer<T, LogFile>, FileError> {
    let path = path.as_ref();
    let file = LogFile::create(path, Form::Lines).map_err(FileError::when(Doing::Create, path))?;
    Ok(Writer::new(path, file))
}

/// As [`write()`], behind what the file holds already. A last line that was cut off, by a crash or a full disk, gets its
/// end.
///
/// # Errors
/// If the file cannot be opened.
pub fn append<T: Display>(path: impl AsRef<Path>) -> Result<Writer<T, LogFile>, FileError> {
    let path = path.as_ref();
    let file = LogFile::append(path, Form::Lines).map_err(Unfit::into_io);
    Ok(Writer::new(path, file.map_err(FileError::when(Doing::Create, path))?))
}

/// A Thing that writes events as lines, each as soon as it comes. A write that fails ends the run.
///
/// An event whose text has line ends in it becomes several lines. The file may be moved or removed meanwhile, as
/// `logrotate` does: see [`LogFile`].
pub struct Writer<T, W> {
    to: W,
    events: PhantomData<fn(T)>,
    path: PathBuf,
    line: Vec<u8>,
}

impl<T: Display, W: Write> Writer<T, W> {
    /// A writer to `to`, for example to `stdout()`; `name` is what errors call it.
    pub fn new(name: impl Into<PathBuf>, to: W) -> Self {
        Self { to, events: PhantomData, path: name.into(), line: Vec::new() }
    }

    /// One system call for the whole line, so that those of several writers to one file do not mix.
    fn write(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        self.line.clear();
        let written = writeln!(self.line, "{event}").and_then(|()| self.to.write_all(&self.line));
        self.check(written, cx)?;
        self.flush(cx)?;
        Ok(Demand::More)
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Closed {
        let flushed = self.to.flush();
        self.check(flushed, cx)
    }

    fn check(&self, done: io::Result<()>, cx: &mut Context<'_>) -> Closed {
        done.map_err(|error| cx.fatal(FileError::when(Doing::Write, &self.path)(error)))
    }
}

impl<T: Display, W: Write> Sink for Writer<T, W> {
    type Event = T;
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.write(&event, cx)
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        self.write(event, cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.flush(cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("line writer", &error);
        self.flush(cx)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink("lines::write");
    }
}

impl<T, W> fmt::Debug for Writer<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow_core::{InputThing, pipe};

    #[test]
    fn appends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.txt");
        for n in 1..=2 {
            pipe::<i32>().to(append(&path).unwrap()).feed([n]).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n2\n");
    }

    #[test]
    fn a_line_that_was_cut_off_gets_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.txt");
        for (before, after) in [("", "3\n"), ("1\n", "1\n3\n"), ("1\n2", "1\n2\n3\n"), ("\n", "\n3\n")] {
            std::fs::write(&path, before).unwrap();
            pipe::<i32>().to(append(&path).unwrap()).feed([3]).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
        }
    }

    #[test]
    fn a_file_that_is_moved_emptied_or_removed_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("log.txt"), dir.path().join("log.txt.1"));
        let cx = &mut Context::detached(thingflow_core::Instant::ZERO);
        for mut writer in [append(&path).unwrap(), write(&path).unwrap()] {
            let mut line = |n: i32| writer.next(n, cx).map(drop).unwrap();
            line(1);
            std::fs::rename(&path, &moved).unwrap();
            line(2);
            assert_eq!(std::fs::read_to_string(&moved).unwrap(), "1\n");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "2\n");
            std::fs::write(&path, "").unwrap();
            line(3);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "3\n");
            std::fs::remove_file(&path).unwrap();
            line(4);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "4\n");
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_full_disk_ends_the_run_with_advice() {
        let error = pipe::<i32>().to(write("/dev/full").unwrap()).feed([1]).unwrap_err().to_string();
        assert!(error.starts_with("cannot write to /dev/full: No space left on device"), "{error}");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = write::<u8>("/no/such/log.txt").unwrap_err().to_string();
        assert!(error.ends_with("create the directory: mkdir -p /no/such"), "{error}");
    }
}
