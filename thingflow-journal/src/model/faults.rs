//! [`Faults`]: what goes wrong besides crashes.

use std::io;

use super::Disk;
use crate::files::SyncPoint;

/// What a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Syncing a file.
    Sync,
    /// Syncing the folder.
    SyncFolder,
    /// Reserving space.
    Allocate,
    /// Anything else that changes a file or a name.
    Change,
    /// Anything else.
    Look,
}

/// What goes wrong. Nothing does unless set.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Bytes that fit on the disk; no bound if `None`. Beyond it writes and reservations fail with `StorageFull`.
    pub capacity: Option<u64>,
    /// One read or write in so many is interrupted by a signal; 0 for none.
    pub interrupted: u64,
    /// One read or write in so many is short; 0 for none.
    pub short: u64,
    /// One write or sync in so many fails with an I/O error; 0 for none. A sync that fails drops what it should write.
    pub failing: u64,
    /// The next operations of this kind fail with this error, so many times.
    pub next: Option<(Operation, io::ErrorKind, u64)>,
    /// Syncs at this point do nothing and say that they did: for tests which show that each is needed.
    pub ignored: Option<SyncPoint>,
    pub(super) stop_at: Option<u64>,
}

/// How an operation is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    Well,
    /// A read or write does less than asked for.
    Short,
    /// A crash: it is done in part, and everything fails from now on.
    Stops,
}

impl Disk {
    /// Counts an operation, and decides how it goes.
    pub(super) fn begin(&mut self, life: u64, operation: Operation) -> io::Result<Course> {
        if self.stopped || life != self.life {
            return Err(io::Error::other("the process has ended"));
        }
        self.operations += 1;
        let changes = [Operation::Write, Operation::Allocate, Operation::Change];
        self.writes += u64::from(changes.contains(&operation));
        if self.faults.stop_at.is_some_and(|at| self.operations > at) {
            self.stopped = true;
            return Ok(Course::Stops);
        }
        if let Some((kind, error, times)) = self.faults.next.filter(|(kind, ..)| *kind == operation) {
            self.faults.next = (times > 1).then_some((kind, error, times - 1));
            return Err(error.into());
        }
        let transfers = matches!(operation, Operation::Read | Operation::Write);
        if transfers && self.draw.once_in(self.faults.interrupted) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let may_fail = matches!(operation, Operation::Write | Operation::Sync | Operation::SyncFolder);
        if may_fail && self.draw.once_in(self.faults.failing) {
            return Err(io::Error::from_raw_os_error(5));
        }
        Ok(if transfers && self.draw.once_in(self.faults.short) { Course::Short } else { Course::Well })
    }
}

/// What an operation says that was stopped in the middle.
pub(super) fn stopped<T>() -> io::Result<T> {
    Err(io::Error::other("the process has ended"))
}
