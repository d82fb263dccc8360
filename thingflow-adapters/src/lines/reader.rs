//! `read(path)`: the lines of a file; `follow(path, every)`: also those that are still to come.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thingflow_core::{Context, Failure, Flow, Instant, Source, StreamError};

use super::{LineError, LineFault, Tail};
use crate::files::{Doing, FileError};

/// Sends the lines of a file, one at each sampling, without their ends, and completes at its end.
///
/// A line that is no UTF-8 text, or longer than 1 MiB, is one failed sampling. A periodic schedule has a policy for that
/// and goes on with the next line if told so; others end the stream by the error. [`Reader`] has
/// [`lossy`](Reader::lossy) and [`skip_bad_lines`](Reader::skip_bad_lines) for them. The same holds for a file that cannot
/// be read for a moment. A last line without an end is none: it may have been cut off, and half a number looks like a
/// number; see [`allow_unterminated`](Reader::allow_unterminated). A byte order mark is left out.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("lux.txt");
/// # std::fs::write(&path, "20\r\n\n30\n")?;
/// let lines = thingflow_adapters::lines::read(&path)?;
/// assert_eq!(lines.collect_now(), ["20", "", "30"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be opened.
pub fn read(path: impl AsRef<Path>) -> Result<Flow<Reader<File>>, FileError> {
    let path = path.as_ref();
    let file = File::open(path).map_err(FileError::when(Doing::Open, path))?;
    Ok(Flow::new(Reader::new(path, file)))
}

/// As [`read`], but never completes: looks for further lines each time when `every` has passed, as `tail -F` does. Give it
/// to [`schedule_recurring`](thingflow_core::Scheduler::schedule_recurring).
///
/// It begins with the lines that are there already; see [`Tail::at_end`]. A line counts once it has its end. If the file is
/// moved or emptied, the new one of the name goes on: see [`Tail`]. While it cannot be read, because its rights have been
/// changed for a moment, that is reported once, and it looks again.
///
/// ```
/// # use std::time::Duration;
/// # use thingflow_core::prelude::*;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("door.log");
/// # std::fs::write(&path, "open\nclo")?;
/// use thingflow_adapters::lines;
/// # let seen = thingflow_core::testing::Recorder::new();
/// let mut scheduler = Scheduler::virtual_time()?;
/// let door = lines::follow(&path, Duration::from_secs(1))?;
/// scheduler.schedule_recurring(door.connect(seen.clone()))?;
/// scheduler.run_for(Duration::from_secs(5))?;
/// assert_eq!(seen.events(), ["open"]);
/// std::fs::write(&path, "open\nclosed\n")?;
/// scheduler.run_for(Duration::from_secs(5))?;
/// assert_eq!(seen.events(), ["open", "closed"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be opened.
pub fn follow(path: impl AsRef<Path>, every: Duration) -> Result<Flow<Reader<Tail>>, FileError> {
    let path = path.as_ref();
    Ok(Reader::new(path, Tail::open(path)?).follow(every).flow())
}

/// A source of the lines that a reader gives. It blocks until a line has come: a pipe or a serial port belongs on an
/// edge thread.
pub struct Reader<R> {
    from: BufReader<R>,
    path: PathBuf,
    /// What has been read of the current line, up to one byte more than the limit.
    line: Vec<u8>,
    /// Bytes beyond that have been dropped.
    too_long: bool,
    number: u64,
    max_len: usize,
    delimiter: u8,
    unterminated: bool,
    lossy: bool,
    skips: bool,
    /// The last try to read has failed, which has been reported.
    failing: bool,
    /// How long to wait at the end; `None` if that is the end.
    every: Option<Duration>,
    look_at: Instant,
}

impl<R: Read> Reader<R> {
    /// A source of the lines of `from`; `name` is what errors call it.
    pub fn new(name: impl Into<PathBuf>, from: R) -> Self {
        Self {
            from: BufReader::new(from),
            path: name.into(),
            line: Vec::new(),
            too_long: false,
            number: 0,
            max_len: 1 << 20,
            delimiter: b'\n',
            unterminated: false,
            lossy: false,
            skips: false,
            failing: false,
            every: None,
            look_at: Instant::ZERO,
        }
    }

    /// Refuses lines that are longer, in bytes, so that a sender that never ends its line cannot fill the memory.
    #[must_use]
    pub fn max_len(self, max_len: usize) -> Self {
        Self { max_len, ..self }
    }

    /// What stands behind each line, such as `b'\0'` or `b';'`, instead of an end of line. Then a `\r` before it belongs to
    /// the line.
    #[must_use]
    pub fn delimiter(self, delimiter: u8) -> Self {
        Self { delimiter, ..self }
    }

    /// Takes a last line that has no end too: for files that are known to be whole, as some editors write them.
    #[must_use]
    pub fn allow_unterminated(self) -> Self {
        Self { unterminated: true, ..self }
    }

    /// Takes what is no UTF-8 text as well, with `\u{FFFD}` for what cannot be read.
    #[must_use]
    pub fn lossy(self) -> Self {
        Self { lossy: true, ..self }
    }

    /// Goes on with the next line behind one that is too long or no text. Each is reported, with the file and the line;
    /// see [`Context::report`].
    #[must_use]
    pub fn skip_bad_lines(self) -> Self {
        Self { skips: true, ..self }
    }

    /// Does not complete when there is nothing more to read, but looks again each time when `every` has passed.
    #[must_use]
    pub fn follow(self, every: Duration) -> Self {
        Self { every: Some(every), ..self }
    }

    /// The flow of the lines.
    pub fn flow(self) -> Flow<Self> {
        Flow::new(self)
    }

    /// The next line; `None` if there is none, or only the beginning of one that is still to come.
    pub(super) fn next_line(&mut self) -> Result<Option<String>, ReadError> {
        let end = self.read_line()?;
        let begun = !self.line.is_empty() || self.too_long;
        if end == End::Ahead && (self.every.is_some() || !begun) {
            return Ok(None);
        }
        let ended = end == End::Here;
        self.number += 1;
        let (mut line, mut too_long) = (std::mem::take(&mut self.line), std::mem::take(&mut self.too_long));
        if ended && !too_long && self.delimiter == b'\n' {
            line.pop_if(|last| *last == b'\r');
        }
        too_long |= line.len() > self.max_len;
        if too_long {
            return Err(self.wrong(LineFault::TooLong(self.max_len)));
        }
        if !ended && !self.unterminated {
            return Err(self.wrong(LineFault::Unterminated));
        }
        if self.delimiter != 0
            && let Some(at) = line.iter().position(|byte| *byte == 0)
        {
            return Err(self.wrong(LineFault::Zeros(at + 1)));
        }
        match String::from_utf8(line) {
            Ok(text) => Ok(Some(unmarked(text))),
            Err(error) if self.lossy => Ok(Some(unmarked(String::from_utf8_lossy(error.as_bytes()).into_owned()))),
            Err(error) => Err(self.wrong(LineFault::NotUtf8(error.utf8_error().valid_up_to() + 1))),
        }
    }

    /// Reads on in the current line: whether its end has come. What is too long is not kept.
    fn read_line(&mut self) -> io::Result<End> {
        loop {
            let bytes = match self.from.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    if !self.line.is_empty() || self.too_long {
                        return Ok(End::Missing);
                    }
                    if self.every.is_some() {
                        continue; // another file goes on
                    }
                    return Err(error);
                }
                bytes => bytes?,
            };
            if bytes.is_empty() {
                return Ok(End::Ahead);
            }
            let end = bytes.iter().position(|byte| *byte == self.delimiter);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let room = self.max_len.saturating_add(1) - self.line.len(); // one more for the end of a line of two bytes
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            self.too_long |= part.len() > room;
            let used = part.len() + usize::from(end.is_some());
            self.from.consume(used);
            if end.is_some() {
                return Ok(End::Here);
            }
        }
    }

    fn wrong(&self, why: LineFault) -> ReadError {
        ReadError::Line(LineError { path: self.path.clone(), line: self.number, why })
    }
}

/// For [`Input`](super::Input).
#[cfg(unix)]
impl<R> Reader<R> {
    /// The same before anything has been read, by another way to read.
    pub(super) fn over<S: Read>(self, way: impl FnOnce(R) -> S) -> Reader<S> {
        let Self { from, path, line, too_long, number, max_len, delimiter, unterminated, lossy, skips, .. } = self;
        let from = BufReader::new(way(from.into_inner()));
        let (failing, every, look_at) = (false, None, Instant::ZERO);
        Reader {
            from,
            path,
            line,
            too_long,
            number,
            max_len,
            delimiter,
            unterminated,
            lossy,
            skips,
            failing,
            every,
            look_at,
        }
    }

    pub(super) fn get_ref(&self) -> &R {
        self.from.get_ref()
    }

    pub(super) fn skips(&self) -> bool {
        self.skips
    }
}

impl<R> Reader<R> {
    /// What it is called in drawings and reports.
    pub(super) fn label(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or("lines")
    }

    pub(super) fn failed(&self, error: io::Error) -> FileError {
        FileError::when(Doing::Read, &self.path)(error)
    }
}

/// Files that others begin with a byte order mark may have been put together, so it may stand before any line.
fn unmarked(mut line: String) -> String {
    if line.starts_with('\u{FEFF}') {
        line.drain(..'\u{FEFF}'.len_utf8());
    }
    line
}

/// Where a line ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Here,
    /// It has not been seen yet.
    Ahead,
    /// There will be none.
    Missing,
}

pub(super) enum ReadError {
    Line(LineError),
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<R: Read> Source for Reader<R> {
    type Item = String;

    fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<String>, Failure> {
        loop {
            match (self.next_line(), self.every) {
                (Ok(None), Some(every)) => {
                    self.failing = false;
                    self.look_at = cx.now() + every;
                    return Err(Failure::NotYet);
                }
                (Ok(line), _) => {
                    self.failing = false;
                    return Ok(line);
                }
                (Err(ReadError::Io(error)), every) => {
                    let error = StreamError::caused("no line", self.failed(error));
                    let Some(every) = every else { return Err(error.into()) };
                    if !std::mem::replace(&mut self.failing, true) {
                        cx.report(self.name(), &error);
                    }
                    self.look_at = cx.now() + every;
                    return Err(Failure::NotYet);
                }
                (Err(ReadError::Line(error)), every) => {
                    // What was torn off by a rotation must not end what is to go on for ever.
                    let skips = self.skips || every.is_some() && error.why == LineFault::Unterminated;
                    let error = StreamError::caused("invalid line", error);
                    if !skips {
                        return Err(error.into());
                    }
                    cx.report(self.name(), &error);
                }
            }
        }
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        Some(self.look_at).filter(|at| *at > cx.now())
    }
    fn name(&self) -> &str {
        self.label()
    }
}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).field("line", &self.number).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thingflow_core::Instant;

    fn pull_all(mut reader: Reader<&[u8]>) -> Vec<Result<String, String>> {
        let cx = &mut Context::detached(Instant::ZERO);
        let mut seen = Vec::new();
        while let Some(line) = match reader.pull(cx) {
            Ok(line) => line.map(Ok),
            Err(Failure::Sample(error)) => Some(Err(error.to_string())),
            Err(Failure::NotYet) => panic!("a file has its lines at once"),
            Err(Failure::Fatal(error)) => panic!("{}", cx.take_error(error)),
        } {
            seen.push(line);
        }
        seen
    }

    #[test]
    fn a_bad_line_costs_that_line_only() {
        let seen = pull_all(Reader::new("in", "one\ntoo long by far\nfour\nfives\n".as_bytes()).max_len(4));
        let long =
            |line| Err(format!("invalid line: in, line {line}: expected at most 4 bytes, found more; see `max_len`"));
        assert_eq!(seen, [Ok("one".into()), long(2), Ok("four".into()), long(4)]);
        let seen = pull_all(Reader::new("in", &b"l\xFC\nx\n"[..]));
        let text = "invalid line: in, line 1: expected UTF-8 text, found another encoding from byte 2 on";
        assert_eq!(seen, [Err(text.into()), Ok("x".into())]);
    }

    #[test]
    fn a_line_may_have_exactly_the_limit() {
        for text in ["four\r\nnext\n", "four\nnext\n", "four\n"] {
            assert_eq!(pull_all(Reader::new("in", text.as_bytes()).max_len(4))[0], Ok("four".into()), "{text:?}");
        }
        assert_eq!(pull_all(Reader::new("in", "\n\r\n".as_bytes()).max_len(0)), [Ok(String::new()), Ok(String::new())]);
    }

    #[test]
    fn bad_lines_can_be_skipped_or_taken_as_they_are() {
        let bytes = &b"l\xFC\nlonger\nx\n"[..];
        assert_eq!(pull_all(Reader::new("in", bytes).max_len(4).skip_bad_lines()), [Ok("x".into())]);
        let seen = pull_all(Reader::new("in", bytes).lossy().max_len(4).skip_bad_lines());
        assert_eq!(seen, [Ok("l\u{FFFD}".into()), Ok("x".into())]);
    }

    #[test]
    fn a_carriage_return_at_the_limit_is_no_end_of_line() {
        assert!(pull_all(Reader::new("in", "four\rx\n".as_bytes()).max_len(4))[0].is_err());
        assert!(pull_all(Reader::new("in", "four\r\r\n".as_bytes()).max_len(4))[0].is_err());
    }

    /// Gives each part by itself, with an end of what is there behind it.
    struct Parts<'a>(Vec<&'a [u8]>);
    impl Read for Parts<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let part = self.0.remove(0);
            into[..part.len()].copy_from_slice(part);
            Ok(part.len())
        }
    }

    #[test]
    fn f42_a_last_line_without_an_end_is_none() {
        let seen = pull_all(Reader::new("in", "1234\n12".as_bytes()));
        let error = "invalid line: in, line 2: expected an end of line (or else `allow_unterminated`), found the end of the file";
        assert_eq!(seen, [Ok("1234".into()), Err(error.into())]);
        assert_eq!(pull_all(Reader::new("in", "1234\n12".as_bytes()).allow_unterminated())[1], Ok("12".into()));
        let zeros = pull_all(Reader::new("in", "1\n\0\0\n2\n12\0\n".as_bytes()));
        assert!(
            zeros[1].as_ref().unwrap_err().contains("line 2: expected text, found zeros from byte 1 on"),
            "{zeros:?}"
        );
        assert!(zeros[3].is_err() && zeros[2] == Ok("2".into()));
    }

    #[test]
    fn f51_a_byte_order_mark_is_no_part_of_a_line() {
        assert_eq!(pull_all(Reader::new("in", "\u{FEFF}1\n\u{FEFF}2\n".as_bytes())), [Ok("1".into()), Ok("2".into())]);
    }

    #[test]
    fn f99_lines_may_end_otherwise() {
        let seen = pull_all(Reader::new("in", "a;b\r\n;c".as_bytes()).delimiter(b';'));
        assert_eq!(seen[..2], [Ok("a".into()), Ok("b\r\n".into())]);
        assert_eq!(pull_all(Reader::new("in", "a\0\0".as_bytes()).delimiter(0)), [Ok("a".into()), Ok(String::new())]);
    }

    /// Fails before each piece.
    struct Troubled<'a>(&'a [u8], bool);
    impl Read for Troubled<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            let most = into.len().min(3);
            if self.1 { Err(ErrorKind::PermissionDenied.into()) } else { self.0.read(&mut into[..most]) }
        }
    }

    #[test]
    fn f53_a_passing_fault_is_a_failed_sampling() {
        let mut reader = Reader::new("in", Troubled(b"one\ntwo\n", false));
        let cx = &mut Context::detached(Instant::ZERO);
        let mut seen = Vec::new();
        loop {
            match reader.pull(cx) {
                Ok(Some(line)) => seen.push(line),
                Ok(None) => break,
                Err(Failure::Sample(error)) => {
                    assert!(error.to_string().starts_with("no line: cannot read in: "), "{error}");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(seen, ["one", "two"]);
    }

    #[test]
    fn a_directory_is_no_file() {
        let error = read("/").unwrap().try_collect_now().1.unwrap().to_string();
        assert!(error.contains("cannot read /: Is a directory"), "{error}");
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_to_the_limit(bytes: Vec<u8>, max_len in 0_usize..40) {
            for line in pull_all(Reader::new("in", bytes.as_slice()).max_len(max_len)).into_iter().flatten() {
                prop_assert!(line.len() <= max_len);
            }
        }

        #[test]
        fn what_comes_in_parts_gives_the_same_lines(
            parts in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"ab\xFC\r\n"[..]), 0..6), 0..8),
            max_len in 0_usize..6,
        ) {
            let mut whole = parts.concat();
            whole.truncate(whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
            let expected = pull_all(Reader::new("in", whole.as_slice()).max_len(max_len));

            let cx = &mut Context::detached(Instant::ZERO);
            let from = Parts(parts.iter().map(Vec::as_slice).collect());
            let mut reader = Reader::new("in", from).max_len(max_len).follow(Duration::from_secs(1));
            let mut seen = Vec::new();
            while !reader.from.get_ref().0.is_empty() || !reader.from.buffer().is_empty() {
                match reader.pull(cx) {
                    Ok(Some(line)) => seen.push(Ok(line)),
                    Err(Failure::Sample(error)) => seen.push(Err(error.to_string())),
                    Err(Failure::NotYet) => prop_assert_eq!(reader.due(cx), Some(Instant::ZERO + Duration::from_secs(1))),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn reads_as_the_standard_library_does(text in "([a-zü]|\r|\n){0,40}") {
            let expected: Vec<_> = text.lines().map(|line| Ok(line.to_owned())).collect();
            prop_assert_eq!(pull_all(Reader::new("in", text.as_bytes()).allow_unterminated()), expected);
        }
    }
}
