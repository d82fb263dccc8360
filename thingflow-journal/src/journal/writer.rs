//! [`Writer`]: how records get in.

use std::sync::Arc;

use super::Shared;
use crate::error::PushError;

/// A handle to push by, from any thread. Clones push into the same journal.
#[derive(Clone, Debug)]
pub struct Writer {
    shared: Arc<Shared>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Takes a record, and gives its number. Never waits for the disk: the record is in memory when this returns, and on
    /// the disk when [`Journal::durable`](super::Journal::durable) has reached its number. `time` is in
    /// nanoseconds, since 1970 UTC or since the boot.
    ///
    /// # Errors
    ///
    /// If there is no room, [`PushError::Full`] with [`Policy::Block`](crate::Policy), and whoever is notified is called when
    /// there is room again; with [`Policy::DropNewest`](crate::Policy) [`PushError::Dropped`]. [`PushError::TooLong`],
    /// [`PushError::Closed`].
    pub fn push(&self, time: i64, payload: &[u8]) -> Result<u64, PushError> {
        let (pushed, wakes) = self.shared.inbox().push(&self.shared.options, time, payload);
        if wakes {
            self.shared.work.notify_one();
        }
        pushed
    }

    /// As [`push`](Self::push), but waits for room. Not for an event loop.
    ///
    /// # Errors
    ///
    /// [`PushError::Dropped`], [`PushError::TooLong`], [`PushError::Closed`].
    pub fn push_wait(&self, time: i64, payload: &[u8]) -> Result<u64, PushError> {
        let pushed = self.shared.wait(None, |inbox| {
            let (pushed, wakes) = inbox.push(&self.shared.options, time, payload);
            if wakes {
                self.shared.work.notify_one();
            }
            Some(pushed).filter(|pushed| *pushed != Err(PushError::Full))
        });
        pushed.unwrap_or(Err(PushError::Closed))
    }

    /// Whether a push of `bytes` would be taken now, by [`Policy::Block`](crate::Policy)'s rule.
    pub fn has_room(&self, bytes: usize) -> bool {
        let inbox = self.shared.inbox();
        let needed = inbox.batch.bytes() + bytes + crate::format::RECORD_BYTES as usize;
        inbox.batch.is_empty() || needed <= self.shared.options.buffer
    }
}
