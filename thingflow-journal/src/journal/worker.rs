//! The journal's thread: it waits until there is something to do on the disk, does it, and says what came of it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::inbox::{AHEAD, Inbox, Shelf};
use super::{Notify, Shared};
use crate::error::Error;
use crate::store::Store;

/// A position is on the disk at the latest so long after its change.
const SYNC_WITHIN: Duration = Duration::from_millis(900);

/// A position is written at the latest so long after its change.
const WRITE_WITHIN: Duration = Duration::from_millis(50);

/// How long to wait after the first and after many failures.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// How long to wait after a failed read.
const READ_AGAIN: Duration = Duration::from_secs(1);

pub(super) fn start(shared: Arc<Shared>) -> io::Result<JoinHandle<Result<(), Error>>> {
    thread::Builder::new().name("journal".into()).spawn(move || Worker::new(shared).run())
}

struct Worker {
    shared: Arc<Shared>,
    /// After a failure nothing is committed before this time.
    retry_at: Option<Instant>,
    pause: Duration,
    /// When the positions have to be synced.
    sync_at: Option<Instant>,
}

impl Worker {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, retry_at: None, pause: RETRY.0, sync_at: None }
    }

    fn run(mut self) -> Result<(), Error> {
        loop {
            let closing = self.wait();
            if closing {
                return self.close();
            }
            self.turn();
        }
    }

    /// Waits until something is due; gives whether the journal closes.
    fn wait(&mut self) -> bool {
        let mut inbox = self.shared.inbox();
        loop {
            let now = Instant::now();
            let due = self.due(&inbox, now);
            if inbox.closing || due.is_some_and(|due| due <= now) {
                inbox.sleeping = false;
                return inbox.closing;
            }
            inbox.sleeping = true;
            inbox = match due {
                Some(due) => {
                    let wait = self.shared.work.wait_timeout(inbox, due - now);
                    wait.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.shared.work.wait(inbox).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// When the next thing is to be done; `None` if nothing is.
    fn due(&self, inbox: &Inbox, now: Instant) -> Option<Instant> {
        let low = inbox.shelves.values().any(|shelf| shelf.left || shelf.is_low()).then_some(now);
        let commit = match self.retry_at {
            Some(retry_at) => Some(retry_at),
            None => inbox.commit_due(&self.shared.options, now),
        };
        let acks = inbox.acks_due(self.shared.options.window.delay.min(WRITE_WITHIN));
        let reads = inbox.shelves.values().filter_map(|shelf| shelf.retry_at).min();
        [low, commit, acks, reads, self.sync_at, inbox.note_at].into_iter().flatten().min()
    }

    /// Does everything that is due.
    fn turn(&mut self) {
        let shared = self.shared.clone();
        let mut guard = shared.store();
        let Some(store) = guard.as_mut() else { return };
        let now = Instant::now();
        let acknowledged = self.acknowledge(store);
        let committed = self.commit(store, now, acknowledged.is_ok());
        let positions = self.sync_positions(store, now);
        let noted = self.note_clocks(store, now);
        let failure = acknowledged.and(committed).and(positions).and(noted).err();
        let mut calls = shared.inbox().publish(&shared.options, store, failure);
        calls.extend(self.read_ahead(store, now));
        self.let_go(store);
        shared.inbox().disk_bytes = store.disk_bytes().unwrap_or(0);
        drop(guard);
        shared.news.notify_all();
        calls.iter().for_each(tell);
    }

    /// Writes the positions of what has been acknowledged.
    fn acknowledge(&mut self, store: &mut Store) -> Result<(), Error> {
        let mut acks = Vec::new();
        for (name, shelf) in &mut self.shared.inbox().shelves {
            if shelf.ack_since.take().is_some() {
                acks.push((name.clone(), shelf.acknowledged));
            }
        }
        let mut done = Ok(());
        for (name, number) in &acks {
            done = done.and(store.acknowledge(name, *number));
        }
        if !acks.is_empty() {
            // What was full may have room now.
            self.retry_at = self.retry_at.map(|_| Instant::now());
        }
        done
    }

    fn commit(&mut self, store: &mut Store, now: Instant, may_take: bool) -> Result<(), Error> {
        if self.retry_at.is_some_and(|at| now < at) {
            return Ok(());
        }
        {
            let mut inbox = self.shared.inbox();
            let due = inbox.commit_due(&self.shared.options, now).is_some_and(|due| due <= now);
            if store.buffered() == 0 && due && may_take {
                inbox.hand_over(store);
            }
        }
        if store.buffered() == 0 {
            self.retry_at = None;
            return Ok(());
        }
        match store.commit() {
            Ok(_) => {
                (self.retry_at, self.pause) = (None, RETRY.0);
                Ok(())
            }
            Err(error) => {
                self.retry_at = now.checked_add(self.pause);
                self.pause = (self.pause * 2).min(RETRY.1);
                Err(error)
            }
        }
    }

    /// Writes what is known of the wall clock, if there is news.
    fn note_clocks(&self, store: &mut Store, now: Instant) -> Result<(), Error> {
        let notes = {
            let mut inbox = self.shared.inbox();
            if inbox.note_at.is_none_or(|at| now < at) {
                return Ok(());
            }
            inbox.note_at = None;
            std::mem::take(&mut inbox.notes)
        };
        for (done, note) in notes.iter().enumerate() {
            if let Err(error) = store.note_clock(*note) {
                let mut inbox = self.shared.inbox();
                inbox.notes.splice(..0, notes[done..].iter().copied());
                inbox.note_at = now.checked_add(RETRY.1);
                return Err(error);
            }
        }
        Ok(())
    }

    fn sync_positions(&mut self, store: &mut Store, now: Instant) -> Result<(), Error> {
        if !store.has_unsynced_positions() {
            self.sync_at = None;
            return Ok(());
        }
        let due = *self.sync_at.get_or_insert(now + SYNC_WITHIN);
        if due > now {
            return Ok(());
        }
        let synced = store.sync_positions();
        self.sync_at = synced.is_err().then(|| now + RETRY.1);
        synced
    }

    /// Fills the shelves of all consumers that run low.
    fn read_ahead(&mut self, store: &mut Store, now: Instant) -> Vec<Notify> {
        let low: Vec<(String, usize)> = {
            let mut inbox = self.shared.inbox();
            for shelf in inbox.shelves.values_mut().filter(|shelf| shelf.retry_at.is_some_and(|at| at <= now)) {
                (shelf.retry_at, shelf.at_end) = (None, false);
            }
            let low = inbox.shelves.iter().filter(|(_, shelf)| shelf.is_low() && !shelf.left);
            low.map(|(name, shelf)| (name.clone(), AHEAD - shelf.queued)).collect()
        };
        let mut calls = Vec::new();
        for (name, bytes) in low {
            let records = store.next(&name, bytes);
            let mut inbox = self.shared.inbox();
            let failure = match records {
                Ok(records) => {
                    calls.extend(inbox.shelve(&name, records));
                    None
                }
                Err(error) => {
                    if let Some(shelf) = inbox.shelves.get_mut(&name) {
                        (shelf.retry_at, shelf.at_end) = (now.checked_add(READ_AGAIN), true);
                    }
                    Some(error)
                }
            };
            calls.extend(inbox.publish(&self.shared.options, store, failure));
        }
        calls
    }

    /// Takes back what was read ahead for consumers that are gone.
    fn let_go(&self, store: &mut Store) {
        let mut inbox = self.shared.inbox();
        let gone: Vec<String> =
            inbox.shelves.iter().filter(|(_, shelf)| shelf.left).map(|(name, _)| name.clone()).collect();
        for name in gone {
            if let Some(shelf) = inbox.shelves.remove(&name) {
                give_back(store, &name, &shelf, true);
            }
        }
    }

    fn close(&mut self) -> Result<(), Error> {
        let shared = self.shared.clone();
        let mut guard = shared.store();
        let acknowledged = guard.as_mut().map_or(Ok(()), |store| self.acknowledge(store));
        let closed = match guard.take() {
            Some(mut store) => {
                let noted = {
                    let mut inbox = shared.inbox();
                    let notes = std::mem::take(&mut inbox.notes);
                    inbox.hand_over(&mut store);
                    for (name, shelf) in &inbox.shelves {
                        give_back(&mut store, name, shelf, false);
                    }
                    notes.into_iter().try_for_each(|note| store.note_clock(note))
                };
                store.close().and(noted)
            }
            None => Ok(()),
        };
        acknowledged.and(closed)
    }
}

/// What was read ahead and never taken was never handed out. With `all`, what was taken and not acknowledged comes again.
pub(super) fn give_back(store: &mut Store, name: &str, shelf: &Shelf, all: bool) {
    let seen = shelf.queue.front().map_or(u64::MAX, |first| first.number - 1);
    store.hand_back(name, if all { 0 } else { seen }, seen);
    store.mark(name, shelf.seen);
}

impl Drop for Worker {
    /// However the thread ends, nobody waits for it in vain.
    fn drop(&mut self) {
        self.shared.inbox().closed = true;
        self.shared.news.notify_all();
    }
}

/// Calls code of the user, which must not end the thread.
fn tell(call: &Notify) {
    // A panic there is printed by the panic hook; the journal goes on.
    let _ = catch_unwind(AssertUnwindSafe(|| call()));
}
