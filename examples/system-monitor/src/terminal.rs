//! [`Terminal`]: a screen of its own, which gives the old one back when it is dropped.

use std::io::{self, IsTerminal, Write, stdout};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// The terminal's other screen, without a cursor, and without an echo of what is typed.
#[derive(Debug)]
pub(crate) struct Terminal {
    before: Option<Termios>,
}

/// In characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) lines: usize,
}

impl Terminal {
    /// None if the output is no terminal.
    pub(crate) fn open() -> io::Result<Option<Self>> {
        if !stdout().is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_modes -= LocalModes::ECHO;
            tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
        }
        let terminal = Self { before };
        write!(stdout(), "\x1b[?1049h\x1b[?25l\x1b[2J")?;
        Ok(Some(terminal))
    }

    pub(crate) fn size(&self) -> Size {
        let (columns, lines) = tcgetwinsize(stdout()).map_or((80, 24), |size| (size.ws_col, size.ws_row));
        Size { columns: usize::from(columns.max(20)), lines: usize::from(lines.max(4)) }
    }

    /// Shows these lines, which fit, and nothing else.
    pub(crate) fn show(&self, lines: &[String]) -> io::Result<()> {
        let mut text = String::from("\x1b[H");
        for (at, line) in lines.iter().enumerate() {
            let end = if at + 1 < lines.len() { "\r\n" } else { "" };
            text += &format!("{line}\x1b[0m\x1b[K{end}");
        }
        let mut out = stdout().lock();
        write!(out, "{text}\x1b[J")?;
        out.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Nothing can be done if the terminal has gone.
        drop(write!(stdout(), "\x1b[?25h\x1b[?1049l"));
        drop(stdout().flush());
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
