//! [`InspectError`]: why a scheduler gave no answer.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::identity::NodeId;

/// Why a question to a running scheduler, or a request, came to nothing.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InspectError {
    /// The run has ended, or the scheduler has been dropped.
    Ended,
    /// It has not answered within this time: it has not begun to run, or a call holds it up.
    TimedOut(Duration),
    /// Too many questions wait for an answer already.
    Busy,
    /// The scheduler's own thread has asked, which would have to wait for itself.
    OwnThread,
    /// There is no node of this id or name.
    UnknownNode(String),
    /// There are this many nodes of this name.
    Ambiguous(String, usize),
    /// Events cannot be seen at this node.
    NoTap(String),
    /// There is no schedule of this id, any more or at all.
    UnknownSchedule(NodeId),
}

impl fmt::Display for InspectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("cannot ask the scheduler: its run has ended"),
            Self::TimedOut(within) => write!(
                f,
                "no answer from the scheduler within {within:?}: it does not run yet, or a call holds it up; see \
                 `watch_on_separate_thread`"
            ),
            Self::Busy => f.write_str("cannot ask the scheduler: too many questions wait already; ask less often"),
            Self::OwnThread => f.write_str(
                "cannot wait for the scheduler on its own thread: use `Scheduler::snapshot`, or `Context::inspect` in a call",
            ),
            Self::UnknownNode(node) => write!(f, "unknown node `{node}`: see the nodes of a snapshot"),
            Self::Ambiguous(name, n) => write!(f, "{n} nodes are called `{name}`: use the id of one of them"),
            Self::NoTap(node) => {
                write!(f, "cannot see the events of `{node}`, which is no port: put a `.probe(..)` behind it, or `.share()`")
            }
            Self::UnknownSchedule(id) => write!(f, "unknown schedule {id}: it has ended, or the id is that of another node"),
        }
    }
}

impl fmt::Debug for InspectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for InspectError {}
