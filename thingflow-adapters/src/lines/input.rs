//! [`Input`]: lines of a descriptor as they come, such as those of standard input.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, stdin as standard_input};
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use thingflow_core::{
    Context, Demand, Descriptor, EventThing, Failure, Interest, Port, PortRef, PortSource, Ports, Registry, StreamError,
};

use super::Reader;
use super::reader::ReadError;
use crate::files::{Doing, FileError};

/// A reader of the lines of standard input, for [`events`](Reader::events).
///
/// ```no_run
/// use thingflow_adapters::lines;
/// use thingflow_core::prelude::*;
/// let typed = lines::stdin()?.skip_bad_lines().events();
/// typed.port().filter_map(|line| line.parse::<f64>().ok()).running_avg(5).print();
/// let mut scheduler = Scheduler::new()?;
/// scheduler.schedule_on_main_event_loop(typed)?;
/// scheduler.run_forever()?; // until Ctrl-D
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If there is no standard input.
pub fn stdin() -> Result<Reader<File>, FileError> {
    // Not by way of `std::io::Stdin`, which reads ahead into a buffer of its own.
    let own = standard_input().as_fd().try_clone_to_owned();
    let file = own.map_err(FileError::when(Doing::Open, "standard input".as_ref()))?;
    Ok(Reader::new("standard input", File::from(file)))
}

impl<R: Read + AsFd> Reader<R> {
    /// The lines as they come: of a pipe, a terminal, a socket, of what another program writes. Nothing waits for them, and
    /// no thread is needed. The stream completes when there are no more.
    ///
    /// Connect to its [`port`](Input::port), then give it to `schedule_on_main_event_loop`. A line that is bad ends the
    /// stream, unless [`skip_bad_lines`](Reader::skip_bad_lines) says otherwise.
    ///
    /// ```
    /// use std::process::{Command, Stdio};
    /// use thingflow_adapters::lines::Reader;
    /// use thingflow_core::prelude::*;
    /// # use thingflow_core::testing::Recorder;
    /// let mut counter = Command::new("seq").arg("3").stdout(Stdio::piped()).spawn()?;
    /// let lines = Reader::new("seq", counter.stdout.take().ok_or("no output")?).events();
    /// # let seen = Recorder::new();
    /// lines.port().connect(seen.clone());
    /// let mut scheduler = Scheduler::new()?;
    /// scheduler.schedule_on_main_event_loop(lines)?;
    /// scheduler.run_forever()?;
    /// assert_eq!(seen.text(), r#""1" "2" "3" |"#);
    /// counter.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn events(self) -> Input<R> {
        let port = Port::new().named(self.label());
        Input { reader: self.over(Ready), port, watched: None }
    }
}

/// An event source of lines, made by [`Reader::events`].
pub struct Input<R> {
    reader: Reader<Ready<R>>,
    port: Port<String>,
    /// What the reactor waits for; nothing if it is a plain file.
    watched: Option<Descriptor<OwnedFd>>,
}

/// So many lines are sent before others have their turn.
const BATCH: usize = 64;

impl<R> Input<R> {
    /// The output port.
    pub fn port(&self) -> &Port<String> {
        &self.port
    }
}

impl<R: Read + AsFd> Input<R> {
    /// The next line that is there; an error of the kind `WouldBlock` if none is.
    fn next(&mut self, cx: &Context<'_>) -> Result<Option<String>, ReadError> {
        loop {
            match self.reader.next_line() {
                Err(ReadError::Line(error)) if self.reader.skips() => {
                    cx.report(self.reader.label(), &StreamError::caused("invalid line", error));
                }
                line => return line,
            }
        }
    }
}

impl<R> Ports for Input<R> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl<R: Read + AsFd> PortSource for Input<R> {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        for _ in 0..BATCH {
            let line = match self.next(cx) {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.port.complete(cx)?;
                    return Ok(Demand::Done);
                }
                Err(ReadError::Io(error)) if error.kind() == ErrorKind::WouldBlock => return Ok(Demand::More),
                Err(ReadError::Io(error)) => {
                    return Err(StreamError::caused("no line", self.reader.failed(error)).into());
                }
                Err(ReadError::Line(error)) => return Err(StreamError::caused("invalid line", error).into()),
            };
            let demand = self.port.emit(line, cx)?;
            if demand != Demand::More {
                return Ok(demand);
            }
        }
        cx.call_again();
        Ok(Demand::More)
    }
    fn name(&self) -> &str {
        self.reader.label()
    }
}

impl<R: Read + AsFd> EventThing for Input<R> {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        // A second descriptor of the same file: the reader has the first in its hands.
        let mut watched = Descriptor::shared(self.reader.get_ref().0.as_fd().try_clone_to_owned()?);
        match registry.register(&mut watched, 0, Interest::READABLE) {
            // A plain file, for which nobody can wait: it is always ready, and the first call reads it.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            registered => {
                registered?;
                self.watched = Some(watched);
            }
        }
        Ok(())
    }
}

impl<R> fmt::Debug for Input<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("reader", &self.reader).finish_non_exhaustive()
    }
}

/// Reads only what is there, without a change to the descriptor, which other programs may share.
#[derive(Debug)]
pub(super) struct Ready<R>(R);

impl<R: Read + AsFd> Read for Ready<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut waited = [PollFd::new(&self.0, PollFlags::IN)];
        if poll(&mut waited, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.0.read(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use thingflow_core::prelude::*;
    use thingflow_core::testing::Recorder;

    fn run<R: Read + AsFd + 'static>(reader: Reader<R>) -> String {
        let (lines, seen) = (reader.events(), Recorder::new());
        lines.port().connect(seen.clone());
        let mut scheduler = Scheduler::new().unwrap();
        scheduler.schedule_on_main_event_loop(lines).unwrap();
        scheduler.run_forever().unwrap();
        seen.text()
    }

    #[test]
    fn f85_lines_of_a_pipe_come_as_they_are_written() {
        let (reader, mut writer) = io::pipe().unwrap();
        let (lines, seen) = (Reader::new("pipe", reader).events(), Recorder::new());
        lines.port().connect(seen.clone());
        let mut scheduler = Scheduler::virtual_time().unwrap();
        scheduler.schedule_on_main_event_loop(lines).unwrap();
        for part in ["one\ntw", "o\nthree", "\n"] {
            writer.write_all(part.as_bytes()).unwrap();
            scheduler.run_for(std::time::Duration::from_secs(1)).unwrap();
        }
        assert_eq!(seen.events(), ["one", "two", "three"]);
    }

    #[test]
    fn f85_a_plain_file_in_the_place_of_a_pipe_is_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        let lines: String = (0..1000).map(|n| format!("{n}\n")).collect();
        std::fs::write(&path, &lines).unwrap();
        let text = run(Reader::new("file", File::open(&path).unwrap()).skip_bad_lines());
        assert_eq!(text.split(' ').count(), 1001);
        assert!(text.ends_with("\"999\" |"));
        assert_eq!(run(Reader::new("null", File::open("/dev/null").unwrap())), "|");
    }

    #[test]
    fn a_bad_line_ends_the_stream_unless_it_is_skipped() {
        let piped = || {
            let (reader, mut writer) = io::pipe().unwrap();
            writer.write_all(b"1\n\xFF\n2\n3").unwrap();
            Reader::new("pipe", reader)
        };
        assert!(run(piped()).starts_with("\"1\" ! invalid line: pipe, line 2: expected UTF-8 text"));
        assert_eq!(run(piped().skip_bad_lines()), "\"1\" \"2\" |");
        assert_eq!(run(piped().lossy().allow_unterminated()), "\"1\" \"\u{FFFD}\" \"2\" \"3\" |");
    }
}
