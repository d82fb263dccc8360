//! One line of the terminal that shows where things stand: [`line()`].

use std::fmt::{self, Display, Write as _};
use std::io::{self, IsTerminal, Write};
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};

use thingflow_core::{Closed, Context, Demand, Receipt, Sink, StreamError, Visitor};

/// A sink that shows the last event on one line of the terminal, in the place of the one before. The line is cut to the
/// width of the terminal. It stays when the stream has ended, and what is printed then begins on the next line.
///
/// It is shown on the standard error stream, so that standard output can go to a file; if that is no terminal, nothing is.
/// What `logging` writes goes above it. For events that come fast put a `sample_every` before it.
///
/// ```
/// use thingflow_adapters::status;
/// use thingflow_core::prelude::*;
/// let load = from_iter([12.5, 80.25]).map(|load| format!("load {load:5.1} %"));
/// let shown = load.connect(status::line());
/// # drop(shown);
/// ```
pub fn line<T: Display>() -> StatusLine<T> {
    let to = io::stderr().is_terminal().then_some(To::Terminal);
    StatusLine { to, text: String::new(), of: PhantomData }
}

/// Made by [`line()`].
pub struct StatusLine<T> {
    /// None if there is no terminal.
    to: Option<To>,
    text: String,
    of: PhantomData<fn(T)>,
}

enum To {
    Terminal,
    Given(Box<dyn Write>),
}

impl<T: Display> StatusLine<T> {
    /// Shows it on a terminal of your choice, without asking whether it is one.
    #[must_use]
    pub fn to(mut self, terminal: impl Write + 'static) -> Self {
        self.to = Some(To::Given(Box::new(terminal)));
        self
    }

    fn show(&mut self, event: &T) -> io::Result<()> {
        let Some(to) = &mut self.to else { return Ok(()) };
        self.text.clear();
        write!(self.text, "{event}").map_err(io::Error::other)?;
        let width = if matches!(to, To::Terminal) { width() } else { WIDTH };
        // Control characters would leave the line; the last column would wrap.
        let shown: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(width - 1).collect();
        match to {
            To::Terminal => status().draw(shown),
            To::Given(terminal) => draw(terminal, &shown),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        match self.to.take() {
            None => Ok(()),
            Some(To::Terminal) => status().leave(),
            Some(To::Given(mut terminal)) => terminal.write_all(b"\n").and_then(|()| terminal.flush()),
        }
    }
}

/// Of a terminal that does not say.
const WIDTH: usize = 80;

fn width() -> usize {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(io::stderr())
        && size.ws_col > 1
    {
        return size.ws_col.into();
    }
    WIDTH
}

fn draw(terminal: &mut impl Write, text: &str) -> io::Result<()> {
    write!(terminal, "\r{text}\u{1b}[K").and_then(|()| terminal.flush())
}

/// A terminal that is gone ends nothing: there is nobody who would look.
impl<T: Display> Sink for StatusLine<T> {
    type Event = T;
    fn on_next(&mut self, event: T, _: &mut Context<'_>) -> Receipt {
        Ok(if self.show(&event).is_ok() { Demand::More } else { Demand::Done })
    }
    fn on_next_ref(&mut self, event: &T, _: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        Ok(if self.show(event).is_ok() { Demand::More } else { Demand::Done })
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        let _ = self.end();
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        let _ = self.end();
        cx.report("status::line", &error);
        Ok(())
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink("status::line");
    }
}

/// For a graph that is let go of before its end, as it is after Ctrl-C.
impl<T> Drop for StatusLine<T> {
    fn drop(&mut self) {
        if let Some(To::Terminal) = self.to {
            let _ = status().leave();
        }
    }
}

impl<T> fmt::Debug for StatusLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusLine").field("shown", &self.to.is_some()).finish_non_exhaustive()
    }
}

/// What stands on the status line of the standard error stream.
struct Status(String);

fn status() -> MutexGuard<'static, Status> {
    static STATUS: Mutex<Status> = Mutex::new(Status(String::new()));
    STATUS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Status {
    fn draw(&mut self, text: String) -> io::Result<()> {
        self.0 = text;
        draw(&mut io::stderr(), &self.0)
    }

    fn leave(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.0).is_empty() { Ok(()) } else { io::stderr().write_all(b"\n") }
    }

    /// Writes whole lines above the status line.
    #[cfg(feature = "log")]
    fn above(&self, lines: &[u8], terminal: &mut impl Write) -> io::Result<()> {
        if self.0.is_empty() {
            return terminal.write_all(lines);
        }
        terminal.write_all(b"\r\x1b[K").and_then(|()| terminal.write_all(lines))?;
        draw(terminal, &self.0)
    }
}

/// The standard error stream for those who write whole lines.
#[cfg(feature = "log")]
pub(crate) struct Above;

#[cfg(feature = "log")]
impl Write for Above {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        status().above(lines, &mut io::stderr()).map(|()| lines.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;
    use thingflow_core::pipe;

    #[derive(Clone, Default)]
    struct Screen(Rc<RefCell<Vec<u8>>>);
    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn f85_the_last_event_stands_on_the_line() {
        let screen = Screen::default();
        pipe::<String>()
            .to(line().to(screen.clone()))
            .feed(["load 1".to_owned(), "two\nlines".to_owned(), "x".repeat(100)])
            .unwrap();
        let expected = format!("\rload 1\u{1b}[K\rtwo lines\u{1b}[K\r{}\u{1b}[K\n", "x".repeat(79));
        assert_eq!(String::from_utf8_lossy(&screen.0.borrow()), expected);
    }

    #[test]
    fn a_terminal_that_is_gone_wants_no_more() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let cx = &mut Context::detached(thingflow_core::Instant::ZERO);
        assert_eq!(line().to(Gone).on_next(1, cx).unwrap(), Demand::Done);
    }

    #[cfg(feature = "log")]
    #[test]
    fn f81_the_log_goes_above_the_line() {
        let mut screen = Vec::new();
        Status("load 1".into()).above(b"a warning\n", &mut screen).unwrap();
        assert_eq!(screen, b"\r\x1b[Ka warning\n\rload 1\x1b[K");
        screen.clear();
        Status(String::new()).above(b"a warning\n", &mut screen).unwrap();
        assert_eq!(screen, b"a warning\n");
    }
}
