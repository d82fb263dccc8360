//! [`Simulated`]: the outside of a chip that the kernel's `gpio-sim` simulates.

use std::fs;
use std::io;
use std::path::PathBuf;

/// A simulated chip: its device, and the folder whose files are its world outside.
#[derive(Clone, Debug)]
pub(crate) struct Simulated {
    pub(crate) chip: String,
    lines: PathBuf,
}

impl Simulated {
    pub(crate) fn new(chip: &str, lines: &str) -> Self {
        Self { chip: chip.to_owned(), lines: lines.into() }
    }

    /// The level that the outside sees.
    pub(crate) fn level(&self, line: u32) -> io::Result<bool> {
        Ok(fs::read_to_string(self.file(line, "value"))?.trim() == "1")
    }

    /// Pulls an input up or down.
    pub(crate) fn pull(&self, line: u32, up: bool) -> io::Result<()> {
        fs::write(self.file(line, "pull"), if up { "pull-up" } else { "pull-down" })
    }

    fn file(&self, line: u32, name: &str) -> PathBuf {
        self.lines.join(format!("sim_gpio{line}")).join(name)
    }
}
