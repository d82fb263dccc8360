//! [`Tail`]: a file that others write to, by its name.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf, absolute};

use crate::files::{Doing, FileError, is_same};

/// A file that others write to. It is read to its end, and on from there when more has come.
///
/// If the name has come to stand for another file, as after `logrotate`, that is read from its beginning, once the old one
/// has been read to its end. A file that has become shorter, or whose end is not the one that was read, has been emptied or rewritten,
/// and is read from its beginning too. In both
/// cases a last line without an end is an error of the kind `UnexpectedEof`, which a [`Reader`](super::Reader) takes for a
/// line that was cut off, and reports. While there is no file of the name, there is nothing to read.
///
/// What came and went between two looks is not seen: look more often than the file is rotated.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: File,
    /// The last bytes that were read of this file, by which one that was rewritten is known.
    known: Vec<u8>,
    /// Its end has been seen: before more is read, whether it is the same still.
    rests: bool,
    /// The file of the name by now, when the end of this one has been seen.
    next: Option<File>,
}

/// So many bytes are remembered.
const KNOWN: usize = 256;
/// A line that has begun is looked for in so many bytes.
const LONGEST_LINE: u64 = 64 * 1024;

impl Tail {
    /// The file, from its beginning.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let open = || Ok((absolute(path)?, File::open(path)?));
        let (path, file) = open().map_err(FileError::when(Doing::Open, path))?;
        Ok(Self { path, file, known: Vec::new(), rests: false, next: None })
    }

    /// Only what comes from now on: the first line is the one that has no end yet, if the file ends in the middle of one, and it comes
    /// whole, unless it is longer than 64 KiB.
    ///
    /// # Errors
    /// If the file has no end, as a pipe.
    pub fn at_end(mut self) -> Result<Self, FileError> {
        self.skip_lines().map_err(FileError::when(Doing::Read, &self.path))?;
        Ok(self)
    }

    fn skip_lines(&mut self) -> io::Result<()> {
        let end = self.file.seek(SeekFrom::End(0))?;
        let from = end.saturating_sub(LONGEST_LINE);
        self.file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&self.file).take(end - from).read_to_end(&mut bytes)?;
        let begun = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => at + 1,
            None if from == 0 => 0,
            None => bytes.len(),
        };
        self.know(&bytes[..begun]);
        self.file.seek(SeekFrom::Start(from + begun as u64))?;
        Ok(())
    }

    fn know(&mut self, bytes: &[u8]) {
        self.known.extend_from_slice(&bytes[bytes.len().saturating_sub(KNOWN)..]);
        self.known.drain(..self.known.len().saturating_sub(KNOWN));
    }

    /// Whether what has been read is not in the file any more.
    fn is_rewritten(&mut self) -> io::Result<bool> {
        let mut bytes = [0; KNOWN];
        let bytes = &mut bytes[..self.known.len()];
        let Some(from) = self.file.stream_position()?.checked_sub(bytes.len() as u64) else { return Ok(false) };
        match self.file.read_exact_at(bytes, from) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(true), // it has become shorter
            Err(error) => Err(error),
            Ok(()) => Ok(*bytes != self.known),
        }
    }

    /// At the end of the file: whether to read on, in another one or at the beginning.
    fn goes_on(&mut self) -> io::Result<bool> {
        if let Some(next) = self.next.take() {
            self.file = next;
            return Ok(true);
        }
        let own = self.file.metadata()?;
        if !own.is_file() {
            return Ok(false);
        }
        if self.is_rewritten()? {
            self.file.seek(SeekFrom::Start(0))?;
            return Ok(true);
        }
        self.rests = true;
        match fs::metadata(&self.path) {
            Ok(named) if named.is_file() && !is_same(&own, &named) => {}
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => return Ok(false),
        }
        // Once more to the end of this one: it may have been written to before it was moved.
        self.next = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None, // it is gone again
            opened => Some(opened?),
        };
        Ok(false)
    }

    /// Forgets the file that was read. An error if it ended in the middle of a line.
    fn begin_anew(&mut self) -> io::Result<()> {
        self.rests = false;
        let last = self.known.pop();
        self.known.clear();
        if last.is_some_and(|last| last != b'\n') { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

impl Read for Tail {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        if self.rests && self.is_rewritten()? {
            self.file.seek(SeekFrom::Start(0))?;
            self.begin_anew()?;
        }
        loop {
            let read = self.file.read(into)?;
            if read > 0 {
                self.rests = false;
                self.know(&into[..read]);
                return Ok(read);
            }
            if !self.goes_on()? {
                return Ok(0);
            }
            self.begin_anew()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::{Reader, append, follow};
    use std::fs::OpenOptions;
    use std::os::unix::ffi::OsStrExt;
    use std::time::Duration;
    use thingflow_core::prelude::*;
    use thingflow_core::testing::Recorder;

    const SECOND: Duration = Duration::from_secs(1);

    /// What comes of a file that is changed in a second each.
    fn followed(path: &Path, changes: &[&dyn Fn()]) -> Vec<String> {
        fs::write(path, "").unwrap();
        let seen = Recorder::new();
        let mut scheduler = Scheduler::virtual_time().unwrap();
        scheduler.schedule_recurring(follow(path, SECOND).unwrap().connect(seen.clone())).unwrap();
        for change in changes {
            change();
            scheduler.run_for(3 * SECOND).unwrap();
        }
        seen.events()
    }

    fn add(path: &Path, text: &str) {
        use std::io::Write;
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn a_growing_file_gives_its_whole_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let changes: [&dyn Fn(); 3] = [&|| add(&path, "one\ntw"), &|| add(&path, "o"), &|| add(&path, "\n\nfour\nfi")];
        assert_eq!(followed(&path, &changes), ["one", "two", "", "four"]);
    }

    #[test]
    fn a_file_that_is_moved_is_read_to_its_end_and_the_new_one_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("log"), dir.path().join("log.1"));
        let changes: [&dyn Fn(); 5] = [
            &|| add(&path, "one\n"),
            &|| {
                add(&path, "two\n");
                fs::rename(&path, &moved).unwrap();
                add(&moved, "late\ncut off");
            },
            &|| add(&path, "three\n"),
            &|| {
                fs::remove_file(&path).unwrap();
                add(&path, "four\n");
            },
            &|| fs::remove_file(&path).unwrap(),
        ];
        assert_eq!(followed(&path, &changes), ["one", "two", "late", "three", "four"]);
    }

    #[test]
    fn a_file_that_is_emptied_is_read_from_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let changes: [&dyn Fn(); 2] = [&|| add(&path, "one\ntwo\nhalf"), &|| fs::write(&path, "three\n").unwrap()];
        assert_eq!(followed(&path, &changes), ["one", "two", "three"], "half a line is none");
    }

    /// As `copytruncate` of `logrotate` does it, when as much or more has been written before the next look.
    #[test]
    fn a_file_that_is_rewritten_to_the_same_length_or_a_longer_one_is_read_from_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let changes: [&dyn Fn(); 5] = [
            &|| add(&path, "one\ntwo\n"),
            &|| fs::write(&path, "six\nten\n").unwrap(),
            &|| fs::write(&path, "eleven\ntwelve\nhalf").unwrap(),
            &|| fs::write(&path, "thirteen and more than it was\n").unwrap(),
            &|| add(&path, "fourteen\n"),
        ];
        let read = ["one", "two", "six", "ten", "eleven", "twelve", "thirteen and more than it was", "fourteen"];
        assert_eq!(followed(&path, &changes), read);
    }

    #[test]
    fn a_file_that_is_replaced_by_a_rename_is_read_and_one_in_between_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(std::ffi::OsStr::from_bytes(b"l\xffg")); // a name that is no UTF-8
        let replace = |text: &str| {
            add(&dir.path().join("new"), text);
            fs::rename(dir.path().join("new"), &path).unwrap();
        };
        let changes: [&dyn Fn(); 3] = [&|| add(&path, "one\n"), &|| replace("two\n"), &|| {
            ["between two looks\n", "three\n"].into_iter().for_each(replace);
        }];
        assert_eq!(followed(&path, &changes), ["one", "two", "three"]);
    }

    #[test]
    fn a_line_that_has_begun_before_is_new_and_comes_whole() {
        let dir = tempfile::tempdir().unwrap();
        for (before, after, new) in [
            ("old\n12", "34\nnew\n", ["1234", "new"]),
            ("12", "34\nnew\n", ["1234", "new"]),
            ("", "34\nnew\n", ["34", "new"]),
            ("old\n", "34\nnew\n", ["34", "new"]),
        ] {
            let path = dir.path().join("log");
            fs::write(&path, before).unwrap();
            let mut reader = Reader::new("log", Tail::open(&path).unwrap().at_end().unwrap()).follow(SECOND);
            let cx = &mut Context::detached(Instant::ZERO);
            assert!(matches!(reader.pull(cx), Err(Failure::NotYet)), "{before}");
            add(&path, after);
            assert_eq!(new.map(|_| reader.pull(cx).unwrap().unwrap()), new, "{before}");
        }
    }

    #[test]
    fn what_a_writer_of_this_crate_writes_is_followed_through_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let writer = std::cell::RefCell::new(append(&path).unwrap());
        let write = |n: i32| {
            let cx = &mut Context::detached(Instant::ZERO);
            let _ = writer.borrow_mut().next(n, cx).unwrap();
        };
        let changes: [&dyn Fn(); 3] =
            [&|| write(1), &|| fs::rename(&path, dir.path().join("log.1")).unwrap(), &|| (2..=3).for_each(write)];
        assert_eq!(followed(&path, &changes), ["1", "2", "3"]);
    }

    #[test]
    fn f53_a_file_that_cannot_be_read_for_a_moment_is_looked_at_again() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("log"), dir.path().join("log.1"));
        let away = &|| {
            fs::rename(&path, &moved).unwrap();
            std::os::unix::fs::symlink("log", &path).unwrap(); // it leads to itself: nobody can open that
        };
        let back = &|| {
            fs::remove_file(&path).unwrap();
            add(&path, "two\n");
        };
        let reports = Recorder::new();
        fs::write(&path, "one\n").unwrap();
        let seen = Recorder::new();
        let mut scheduler = Scheduler::virtual_time().unwrap();
        scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
        scheduler.schedule_recurring(follow(&path, SECOND).unwrap().connect(seen.clone())).unwrap();
        for change in [&|| (), away as &dyn Fn(), back] {
            change();
            scheduler.run_for(10 * SECOND).unwrap();
        }
        assert_eq!(seen.events(), ["one", "two"]);
        assert!(!seen.is_completed() && seen.error().is_none());
        let reports = reports.events();
        assert!(reports.len() == 1 && reports[0].starts_with("no line: cannot read "), "{reports:?}");
    }

    #[test]
    fn only_what_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        add(&path, "old\n");
        let mut reader = Reader::new("log", Tail::open(&path).unwrap().at_end().unwrap()).follow(SECOND);
        let cx = &mut Context::detached(Instant::ZERO);
        assert!(matches!(reader.pull(cx), Err(Failure::NotYet)));
        add(&path, "new\n");
        assert_eq!(reader.pull(cx).unwrap(), Some("new".into()));
        assert!(Tail::open("/no/such/log").unwrap_err().to_string().contains("check the name"));
    }
}
