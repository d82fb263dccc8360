//! [`Options`]: what happens when a program ends, and how much may wait for it.

use std::fmt;
use std::process::Command;

use thingflow_core::Backoff;

use super::child::Program;
use crate::framing::{Framing, Lines};

/// Runs a program whose lines are events; `make` says how it is started, `name` is what errors and drawings call it. With the
/// usual [`Options`]: when the program ends, so does the stream.
pub fn run(name: &str, make: impl FnMut() -> Command + 'static) -> Program<Lines> {
    Options::new(name, make).run()
}

/// A program that does not run yet.
///
/// ```
/// use std::process::Command;
/// use std::time::Duration;
/// use thingflow_adapters::process::Options;
/// use thingflow_core::Backoff;
/// # let _ =
/// Options::new("receiver", || Command::new("rtl_433"))
///     .restart(Backoff::new(Duration::from_secs(1), Duration::from_secs(60))) // whenever it ends
///     .run()
/// # ;
/// ```
pub struct Options<F = Lines> {
    pub(super) name: String,
    pub(super) make: Box<dyn FnMut() -> Command>,
    pub(super) framing: F,
    pub(super) restart: Option<Backoff>,
    pub(super) max_unsent: usize,
}

impl Options {
    /// As [`run`].
    pub fn new(name: &str, make: impl FnMut() -> Command + 'static) -> Self {
        let (name, make) = (name.to_owned(), Box::new(make));
        Self { name, make, framing: Lines::default(), restart: None, max_unsent: 1 << 16 }
    }
}

impl<F: Framing + 'static> Options<F> {
    /// Another kind of frame than lines, for standard input and output.
    #[must_use]
    pub fn framed<G: Framing + 'static>(self, framing: G) -> Options<G> {
        let Self { name, make, framing: _, restart, max_unsent } = self;
        Options { name, make, framing, restart, max_unsent }
    }

    /// Starts the program again whenever it has ended, however that was, after a wait that grows while it does not last: for a
    /// program that ought to run for ever. What was on its way into it is lost. Once the input has completed it is not started
    /// again.
    #[must_use]
    pub fn restart(self, backoff: Backoff) -> Self {
        Self { restart: Some(backoff), ..self }
    }

    /// How many bytes may wait for a program that does not read, before its sources are paused: 64 KiB unless told otherwise.
    #[must_use]
    pub fn max_unsent(self, max_unsent: usize) -> Self {
        Self { max_unsent, ..self }
    }

    /// The program's ports and input.
    pub fn run(self) -> Program<F> {
        Program::new(self)
    }
}

impl<F: fmt::Debug> fmt::Debug for Options<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("name", &self.name).field("restart", &self.restart).finish_non_exhaustive()
    }
}
