//! `write(path)`, `append(path)`: a line for each event.

use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thingflow_core::{Closed, Context, Demand, Receipt, Sink, StreamError, Visitor};

use crate::files::{Doing, FileError, GrowingFile, Syncing, Target, report_cut};

/// Writes each event as a line to a new file. A file of that name is emptied: for a program that is started again there is
/// [`append`].
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
/// If the file cannot be created, or another writer has it open.
pub fn write<T: Display>(path: impl AsRef<Path>) -> Result<Writer<T>, FileError> {
    let path = path.as_ref();
    let file = GrowingFile::create(path).map_err(FileError::when(Doing::Create, path))?;
    Ok(Writer::to(path, Target::Growing(file)))
}

/// As [`write()`], behind what the file holds already. A last line without its end, or zeros, are what a crash or a power
/// cut leaves: half a number would be taken for a number. They are cut off before the first line is written, what is more
/// than zeros is kept in a file `NAME.damaged`, and that is reported; see [`Context::report`].
///
/// # Errors
/// If the file cannot be opened, or another writer has it open.
pub fn append<T: Display>(path: impl AsRef<Path>) -> Result<Writer<T>, FileError> {
    let path = path.as_ref();
    let file = GrowingFile::append(path).map_err(FileError::when(Doing::Append, path))?;
    Ok(Writer::to(path, Target::Growing(file)))
}

/// A Thing that writes events as lines, each as soon as it comes, to a file or to any writer. A write that fails ends the
/// run.
///
/// An event whose text has line ends in it becomes several lines. A file may be moved or removed meanwhile, as `logrotate`
/// does: then a new one of the name is begun. While a writer has a file it holds a lock (`flock`) on it, so that no other
/// writer mixes its lines with these.
pub struct Writer<T, W = File> {
    to: Target<W>,
    path: PathBuf,
    line: Vec<u8>,
    line_end: String,
    syncing: Option<Syncing>,
    of: PhantomData<fn(&T)>,
}

impl<T> Writer<T> {
    /// Brings what has been written to the disk once in a while (`fdatasync`), and at the end: so a power cut loses no more
    /// than the lines of that time. Without it the system decides, as a rule within half a minute. A thread does it, so that
    /// nothing waits for a slow memory card but the end of the stream.
    #[must_use]
    pub fn sync_every(mut self, every: Duration) -> Self {
        let file = matches!(&self.to, Target::Growing(file) if file.is_regular());
        self.syncing = file.then(|| Syncing::new(every));
        self
    }
}

impl<T: Display, W: Write> Writer<T, W> {
    /// A writer to `to`, for example to `stdout()`; `name` is what errors call it.
    pub fn new(name: impl Into<PathBuf>, to: W) -> Self {
        Self::to(name, Target::Given(to))
    }

    fn to(path: impl Into<PathBuf>, to: Target<W>) -> Self {
        Self { to, path: path.into(), line: Vec::new(), line_end: "\n".to_owned(), syncing: None, of: PhantomData }
    }

    /// What stands behind each line, such as `"\r\n"` or `"\0"`, instead of `"\n"`.
    #[must_use]
    pub fn line_end(self, line_end: impl Into<String>) -> Self {
        Self { line_end: line_end.into(), ..self }
    }

    /// One system call for the whole line.
    fn write(&mut self, event: &T, cx: &mut Context<'_>) -> Result<(), FileError> {
        self.line.clear();
        let failed = |error| FileError::when(Doing::Write, &self.path)(error);
        write!(self.line, "{event}{}", self.line_end).map_err(failed)?;
        if let Target::Growing(file) = &mut self.to
            && file.follow_name().map_err(failed)?
        {
            let whole = whole_lines(file, self.line_end.as_bytes()).map_err(failed)?;
            if let Some(moved) = file.cut(whole).map_err(failed)? {
                report_cut(&self.path, &moved, cx);
            }
        }
        self.to.write_all(&self.line).and_then(|()| self.to.flush()).map_err(failed)?;
        self.sync(true, cx)
    }

    fn sync(&mut self, wrote: bool, cx: &mut Context<'_>) -> Result<(), FileError> {
        if let (Some(syncing), Target::Growing(file)) = (&mut self.syncing, &self.to) {
            syncing.written(file.file(), wrote, cx).map_err(FileError::when(Doing::Sync, &self.path))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), FileError> {
        self.to.flush().map_err(FileError::when(Doing::Write, &self.path))?;
        if let (Some(syncing), Target::Growing(file)) = (&mut self.syncing, &self.to) {
            syncing.finish(file.file()).map_err(FileError::when(Doing::Sync, &self.path))?;
        }
        Ok(())
    }
}

/// How many bytes of a file are whole lines.
fn whole_lines(file: &mut GrowingFile, line_end: &[u8]) -> io::Result<u64> {
    let len = file.file().metadata()?.len();
    let Some(mut from) = file.contents()? else { return Ok(len) };
    let Some(last) = line_end.last() else { return Ok(len) };
    let (mut whole, mut at, mut recent) = (0, 0, Vec::new());
    loop {
        let read = match from.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        if read.is_empty() {
            return Ok(whole);
        }
        // The end of a line may lie across two pieces.
        for byte in read {
            at += 1;
            if recent.len() == line_end.len() {
                recent.remove(0);
            }
            recent.push(*byte);
            if byte == last && recent == line_end {
                whole = at;
            }
        }
        let read = read.len();
        from.consume(read);
    }
}

impl<T: Display, W: Write> Sink for Writer<T, W> {
    type Event = T;
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.write(&event, cx).map(|()| Demand::More).map_err(|error| cx.fatal(error))
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        self.write(event, cx).map(|()| Demand::More).map_err(|error| cx.fatal(error))
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.sync(false, cx).map(|()| Demand::More).map_err(|error| cx.fatal(error))
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.finish().map_err(|error| cx.fatal(error))
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("lines::write", &error);
        self.finish().map_err(|error| cx.fatal(error))
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
    use thingflow_core::pipe;

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
    fn f42_a_line_that_was_cut_off_is_not_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.txt");
        for (before, after) in [
            ("", "3\n"),
            ("1\n", "1\n3\n"),
            ("1\n2", "1\n3\n"),
            ("1\n2\0\0", "1\n3\n"),
            ("\0\0", "3\n"),
            ("\n", "\n3\n"),
        ] {
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
        for anew in [false, true] {
            let mut writer = if anew { write(&path).unwrap() } else { append(&path).unwrap() };
            let mut line = |n: i32| writer.on_next(n, cx).map(drop).unwrap();
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
    fn f57_a_file_has_one_writer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.txt");
        let first = append::<i32>(&path).unwrap();
        for second in [append::<i32>(&path), write(&path)] {
            assert!(second.unwrap_err().to_string().contains("another writer has locked it"));
        }
        drop(first);
        append::<i32>(&path).unwrap();
    }

    #[test]
    fn f99_lines_may_end_otherwise() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.txt");
        for n in 1..=2 {
            pipe::<i32>().to(append(&path).unwrap().line_end("\r\n")).feed([n]).unwrap();
            std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"half\r").unwrap();
        }
        pipe::<i32>().to(append(&path).unwrap().line_end("\r\n")).feed([3]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\r\n2\r\n3\r\n");
    }

    #[test]
    fn a_full_disk_ends_the_run_with_advice() {
        let error = pipe::<i32>().to(write("/dev/full").unwrap()).feed([1]).unwrap_err().to_string();
        assert!(error.starts_with("cannot write to /dev/full: No space left on device"), "{error}");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = write::<i32>("/no/such/log.txt").unwrap_err().to_string();
        assert!(error.ends_with("create the directory: mkdir -p /no/such"), "{error}");
    }
}
