//! [`Failure`]: why a command ends otherwise than well, and with which exit code.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use thingflow::adapters::recording::RecordingError;

pub(crate) type Done<T = ()> = Result<T, Failure>;

/// Why a command ends otherwise than well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It has said what is damaged.
    Damaged,
    /// It cannot be done.
    Cannot(String),
    /// Whoever read the output has gone.
    Unread,
}

impl Failure {
    pub(crate) fn cannot(what: impl fmt::Display) -> Self {
        Self::Cannot(what.to_string())
    }

    /// Of an operation on a file.
    pub(crate) fn io(doing: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        move |error| match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Cannot(format!("cannot {doing}: {error}")),
        }
    }

    pub(crate) fn tell(&self) {
        if let Self::Cannot(what) = self {
            eprintln!("thingflow: {what}");
        }
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Unread => 0,
            Self::Damaged => 1,
            Self::Cannot(_) => 3,
        })
    }
}

/// With all causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl From<thingflow_journal::Error> for Failure {
    fn from(error: thingflow_journal::Error) -> Self {
        Self::Cannot(chain(&error))
    }
}

impl From<RecordingError> for Failure {
    fn from(error: RecordingError) -> Self {
        Self::Cannot(chain(&error))
    }
}

impl From<thingflow::RunError> for Failure {
    fn from(error: thingflow::RunError) -> Self {
        Self::Cannot(chain(&error))
    }
}
