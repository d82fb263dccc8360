//! [`Consumer`]: how records get out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Shared;
use super::inbox::Inbox;
use crate::counts::{Counts, Wear};
use crate::record::Record;

/// A named reader whose position survives. It gets each record once, in order, and again after a crash if it had not been
/// acknowledged; then [`Record::resent`] says so.
///
/// When it is dropped, what it has taken and not acknowledged goes to the next consumer of its name, with that mark.
#[derive(Debug)]
pub struct Consumer {
    shared: Arc<Shared>,
    name: String,
}

impl Consumer {
    pub(super) fn new(shared: Arc<Shared>, name: &str) -> Self {
        Self { shared, name: name.into() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next record, if one has been read ahead. Never waits for the disk; see [`notify`](Self::notify).
    pub fn try_next(&mut self) -> Option<Record> {
        let (record, wakes) = take(&mut self.shared.inbox(), &self.name)?;
        if wakes {
            self.shared.work.notify_one();
        }
        Some(record)
    }

    /// The next record; waits for it up to `limit`. `None` if none came, or the journal was closed.
    pub fn next_within(&mut self, limit: Duration) -> Option<Record> {
        let (record, wakes) = self.shared.wait(Some(limit), |inbox| take(inbox, &self.name))?;
        if wakes {
            self.shared.work.notify_one();
        }
        Some(record)
    }

    /// Says that all records up to `number` have been dealt with. Never waits for the disk: the position is written within
    /// the commit window, 50 ms at most, and synced within a second.
    pub fn acknowledge(&mut self, number: u64) {
        let mut inbox = self.shared.inbox();
        let sleeping = inbox.sleeping;
        let Some(shelf) = inbox.shelves.get_mut(&self.name) else { return };
        if number <= shelf.acknowledged {
            return;
        }
        shelf.acknowledged = number.min(shelf.handed.max(shelf.acknowledged));
        let is_first = shelf.ack_since.is_none();
        if is_first {
            shelf.ack_since = Some(Instant::now());
        }
        drop(inbox);
        if is_first && sleeping {
            self.shared.work.notify_one();
        }
    }

    /// Says that records up to `number` may have been dealt with before the consumer was given them: because the program has
    /// kept them in memory when it pushed them. What of them is given to the next consumer of this name has the mark of
    /// [`Record::resent`].
    pub fn mark_up_to(&mut self, number: u64) {
        if let Some(shelf) = self.shared.inbox().shelves.get_mut(&self.name) {
            shelf.seen = shelf.seen.max(number);
        }
    }

    /// Has `call` called on the journal's thread when records have come and there were none. It should only wake
    /// somebody.
    pub fn notify(&mut self, call: impl Fn() + Send + Sync + 'static) {
        if let Some(shelf) = self.shared.inbox().shelves.get_mut(&self.name) {
            shelf.notify = Some(Arc::new(call));
        }
    }

    /// Whether it has been given all that is on the disk by now. If not, whoever is [notified](Self::notify) is called when
    /// there is a record, or when it turns out that there is none.
    pub fn is_caught_up(&self) -> bool {
        let inbox = self.shared.inbox();
        let durable = inbox.durable;
        inbox.shelves.get(&self.name).is_none_or(|shelf| shelf.is_caught_up(durable))
    }

    /// Where the records are that this consumer is to get. An acknowledged record counts as delivered once its position
    /// has been written.
    pub fn counts(&self) -> Counts {
        counts(&self.shared, &self.name)
    }

    /// Shows the counts from any thread, as long as the consumer is open.
    pub fn meter(&self) -> Meter {
        Meter { shared: self.shared.clone(), name: self.name.clone() }
    }
}

/// Shows from any thread where a consumer's records are, see [`Consumer::meter`].
#[derive(Clone, Debug)]
pub struct Meter {
    shared: Arc<Shared>,
    name: String,
}

impl Meter {
    /// As [`Consumer::counts`]; all zero once the consumer is gone.
    pub fn counts(&self) -> Counts {
        counts(&self.shared, &self.name)
    }

    /// The time of the next record that the consumer is to be given, if that has been read ahead.
    pub fn next_time(&self) -> Option<i64> {
        let inbox = self.shared.inbox();
        inbox.shelves.get(&self.name)?.queue.front().map(|record| record.time)
    }

    /// Bytes on the disk, as [`Journal::disk_bytes`](crate::Journal::disk_bytes), of all that the journal stores.
    pub fn disk_bytes(&self) -> u64 {
        self.shared.inbox().disk_bytes
    }

    /// Whether a record has found no room in the memory for what waits for a commit, and there is none yet: because the journal
    /// is at its limit on the disk, the disk is full or slow.
    pub fn is_full(&self) -> bool {
        self.shared.inbox().is_full()
    }

    /// As [`Journal::wear`](crate::Journal::wear), of all that the journal stores.
    pub fn wear(&self) -> Wear {
        self.shared.inbox().wear
    }
}

fn counts(shared: &Shared, name: &str) -> Counts {
    let inbox = shared.inbox();
    let counts = inbox.shelves.get(name).map(|shelf| shelf.counts).unwrap_or_default();
    inbox.with_pending(counts)
}

/// Takes a record off the shelf, and says whether the thread should read ahead.
fn take(inbox: &mut Inbox, name: &str) -> Option<(Record, bool)> {
    let sleeping = inbox.sleeping;
    let shelf = inbox.shelves.get_mut(name)?;
    let was_low = shelf.is_low();
    let record = shelf.queue.pop_front()?;
    shelf.queued -= record.payload.len() + size_of::<Record>();
    shelf.handed = record.number;
    Some((record, sleeping && !was_low && shelf.is_low()))
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // The thread gives back what was read ahead, and lets go of the shelf.
        if let Some(shelf) = self.shared.inbox().shelves.get_mut(&self.name) {
            shelf.left = true;
        }
        self.shared.work.notify_one();
    }
}
