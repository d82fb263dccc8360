//! [`Target`]: what a writer writes to.

use std::io::{self, Write};
use std::path::Path;

use thingflow_core::{Context, StreamError};

use super::{GrowingFile, Moved};
use crate::printable::Printable;

/// A file by its name, or what the writer was given.
#[derive(Debug)]
pub(crate) enum Target<W> {
    Growing(GrowingFile),
    Given(W),
}

impl<W: Write> Target<W> {
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Growing(file) => file.file().write_all(bytes),
            Self::Given(to) => to.write_all(bytes),
        }
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Growing(file) => file.file().flush(),
            Self::Given(to) => to.flush(),
        }
    }
}

/// Says once that the end of a file was damaged.
pub(crate) fn report_cut(path: &Path, moved: &Moved, cx: &Context<'_>) {
    let Moved { bytes, to } = moved;
    let kept = if to.exists() { format!("moved to {}", Printable(to)) } else { "zeros, and removed".to_owned() };
    let text = format!(
        "{}: the last {bytes} bytes were no whole line (a crash, a power cut?); they were {kept}",
        Printable(path)
    );
    cx.report(&name(path), &StreamError::msg(text));
}

/// What a file is called in reports.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| "file".to_owned(), |name| Printable(Path::new(name)).to_string())
}
