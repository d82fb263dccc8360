//! `read(path)`: the lines of a file.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use thingflow_core::{Context, Failure, Flow, Source, StreamError};

use super::{LineError, LineFault};
use crate::FileError;
use crate::file_error::Doing;

/// Sends the lines of a file, one at each sampling, without their ends, and completes at its end.
///
/// A line that is no UTF-8 text, or longer than 1 MiB, is one failed sampling; the next one reads the next line.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("lux.txt");
/// # std::fs::write(&path, "20\r\n\n30")?;
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

/// A source of the lines that a reader gives. It blocks until a line has come: a pipe or a serial port belongs on an
/// edge thread.
pub struct Reader<R> {
    from: BufReader<R>,
    path: PathBuf,
    line: Vec<u8>,
    number: u64,
    max_len: usize,
}

impl<R: Read> Reader<R> {
    /// A source of the lines of `from`; `name` is what errors call it.
    pub fn new(name: impl Into<PathBuf>, from: R) -> Self {
        Self { from: BufReader::new(from), path: name.into(), line: Vec::new(), number: 0, max_len: 1 << 20 }
    }

    /// Refuses lines that are longer, in bytes, so that a sender that never ends its line cannot fill the memory.
    #[must_use]
    pub fn max_len(self, max_len: usize) -> Self {
        Self { max_len, ..self }
    }

    fn next_line(&mut self) -> Result<Option<String>, ReadError> {
        self.line.clear();
        let limit = (self.max_len as u64).saturating_add(2); // with the end of the line
        if self.from.by_ref().take(limit).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let ended = self.line.ends_with(b"\n");
        if ended {
            self.line.pop();
            self.line.pop_if(|last| *last == b'\r');
        } else if self.line.len() > self.max_len {
            skip_line(&mut self.from)?;
        }
        if self.line.len() > self.max_len {
            return Err(self.wrong(LineFault::TooLong(self.max_len)));
        }
        let text = std::str::from_utf8(&self.line).map(str::to_owned);
        text.map(Some).map_err(|error| self.wrong(LineFault::NotUtf8(error.valid_up_to() + 1)))
    }

    fn wrong(&self, why: LineFault) -> ReadError {
        ReadError::Line(LineError { path: self.path.clone(), line: self.number, why })
    }
}

/// Reads to the end of the line without keeping it.
fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = match from.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (used, done) = (end.map_or(bytes.len(), |at| at + 1), end.is_some() || bytes.is_empty());
        from.consume(used);
        if done {
            return Ok(());
        }
    }
}

enum ReadError {
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
        self.next_line().map_err(|error| match error {
            ReadError::Line(error) => StreamError::caused("a line is no text", error).into(),
            ReadError::Io(error) => cx.fatal(FileError::when(Doing::Read, &self.path)(error)).into(),
        })
    }
    fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or("lines")
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
        let seen = pull_all(Reader::new("in", "one\ntoo long by far\nfour\nfives".as_bytes()).max_len(4));
        let long = |line| {
            Err(format!("a line is no text: in, line {line}: expected at most 4 bytes, found more; see `max_len`"))
        };
        assert_eq!(seen, [Ok("one".into()), long(2), Ok("four".into()), long(4)]);
        let seen = pull_all(Reader::new("in", &b"l\xFC\nx\n"[..]));
        let text = "a line is no text: in, line 1: expected UTF-8 text, found another encoding from byte 2 on";
        assert_eq!(seen, [Err(text.into()), Ok("x".into())]);
    }

    #[test]
    fn a_line_may_have_exactly_the_limit() {
        for text in ["four\r\nnext", "four\nnext", "four"] {
            assert_eq!(pull_all(Reader::new("in", text.as_bytes()).max_len(4))[0], Ok("four".into()), "{text:?}");
        }
        assert_eq!(pull_all(Reader::new("in", "\n\r\n".as_bytes()).max_len(0)), [Ok(String::new()), Ok(String::new())]);
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
        fn reads_as_the_standard_library_does(text in "([a-zü]|\r|\n){0,40}") {
            let expected: Vec<_> = text.lines().map(|line| Ok(line.to_owned())).collect();
            prop_assert_eq!(pull_all(Reader::new("in", text.as_bytes())), expected);
        }
    }
}
