//! Where a command writes: text or JSON on the standard output, or lines of a file; how far it has come on the terminal.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::failure::{Done, Failure};

/// Lines for the standard output or a file.
pub(crate) struct Lines {
    to: Box<dyn Write>,
    name: String,
}

impl Lines {
    pub(crate) fn to(file: Option<&Path>) -> Done<Self> {
        let Some(path) = file else {
            return Ok(Self { to: Box::new(BufWriter::new(io::stdout())), name: "write".into() });
        };
        let name = format!("write {}", path.display());
        let to = File::create(path).map_err(Failure::io(&name))?;
        Ok(Self { to: Box::new(BufWriter::new(to)), name })
    }

    pub(crate) fn line(&mut self, line: impl std::fmt::Display) -> Done {
        writeln!(self.to, "{line}").map_err(Failure::io(&self.name))
    }

    pub(crate) fn end(mut self) -> Done {
        self.to.flush().map_err(Failure::io(&self.name))
    }

    pub(crate) fn flush(&mut self) -> Done {
        self.to.flush().map_err(Failure::io(&self.name))
    }
}

/// Says a result: as JSON if asked for, else as text.
pub(crate) fn say(json: bool, value: &Value, text: &str) -> Done {
    let mut lines = Lines::to(None)?;
    if json {
        lines.line(format!("{value:#}"))?;
    } else {
        lines.line(text.trim_end())?;
    }
    lines.end()
}

/// Shows how much of `all` is done, or how much is done where nobody knows of how much, if somebody looks at a terminal.
pub(crate) fn progress(all: impl Into<Option<u64>>) -> ProgressBar {
    let (bar, template) = match all.into() {
        Some(all) => (ProgressBar::new(all), "{wide_bar} {human_pos}/{human_len} {eta}"),
        None => (ProgressBar::no_length(), "{spinner} {human_pos}"),
    };
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// As [`progress`], of work that writes lines. Nothing is shown between lines on the same terminal.
pub(crate) fn progress_of_lines(all: u64, to_a_file: bool) -> ProgressBar {
    if !to_a_file && io::stdout().is_terminal() { ProgressBar::hidden() } else { progress(all) }
}

/// How many there are of something: "1 record", "2 records".
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
