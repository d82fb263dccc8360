//! What crosses between the journal's thread and its handles: records that wait for a commit, records read ahead, and
//! counts that add up at every moment.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::Notify;
use crate::batch::Batch;
use crate::clocks::{self, BootClock};
use crate::counts::{Counts, Wear};
use crate::error::{Error, PushError};
use crate::options::Options;
use crate::record::Record;
use crate::report::Report;
use crate::store::{Admitted, Store, admit};

/// Bytes that are read ahead for a consumer.
pub(super) const AHEAD: usize = 256 * 1024;

/// Reports that wait to be taken.
const REPORTS: usize = 64;

pub(super) struct Inbox {
    /// Pushed, and not yet taken by the thread.
    pub(super) batch: Batch,
    /// When the first of them was.
    pub(super) since: Option<Instant>,
    /// The number of the next record.
    pub(super) next: u64,
    /// Dropped before they were taken, since the last time the thread took some.
    dropped: u64,
    pub(super) durable: u64,
    /// Commit up to this number without waiting for the window.
    pub(super) flush: u64,
    /// A record found no room, so a commit is due, and somebody may want to know when there is room.
    pressed: bool,
    pub(super) closing: bool,
    pub(super) closed: bool,
    /// The thread waits, and has to be woken if there is something to do before its time.
    pub(super) sleeping: bool,
    pub(super) shelves: BTreeMap<String, Shelf>,
    pub(super) kept: Counts,
    pub(super) disk_bytes: u64,
    pub(super) quarantined: u64,
    /// The last failure that nobody has been told of.
    pub(super) failure: Option<Error>,
    pub(super) reports: VecDeque<Report>,
    pub(super) reports_left_out: u64,
    pub(super) notify: Option<Notify>,
    pub(super) wear: Wear,
    /// What the store knows of the wall clocks of boots.
    pub(super) clocks: Vec<BootClock>,
    /// Notes that the store does not have yet: at most one without a time, and one with.
    pub(super) notes: Vec<BootClock>,
    /// When the thread tries again to note them.
    pub(super) note_at: Option<Instant>,
}

/// What the thread keeps for one open consumer.
pub(super) struct Shelf {
    pub(super) queue: VecDeque<Record>,
    pub(super) queued: usize,
    /// Whether all that is on the disk has been read ahead.
    pub(super) at_end: bool,
    /// The highest number that was taken off the shelf.
    pub(super) handed: u64,
    /// Up to this number its consumer has seen records in another way.
    pub(super) seen: u64,
    /// The highest number that was acknowledged, and whether the store knows.
    pub(super) acknowledged: u64,
    pub(super) ack_since: Option<Instant>,
    pub(super) counts: Counts,
    pub(super) notify: Option<Notify>,
    /// Its consumer is gone.
    pub(super) left: bool,
    /// Reading failed, and is tried again at this time.
    pub(super) retry_at: Option<Instant>,
}

impl Shelf {
    pub(super) fn new(counts: Counts) -> Self {
        Self {
            queue: VecDeque::new(),
            queued: 0,
            at_end: false,
            handed: 0,
            seen: 0,
            acknowledged: 0,
            ack_since: None,
            counts,
            notify: None,
            left: false,
            retry_at: None,
        }
    }

    /// Whether the thread should read ahead.
    pub(super) fn is_low(&self) -> bool {
        !self.at_end && self.queued < AHEAD / 2
    }

    /// Whether its consumer has been given all that is on the disk.
    pub(super) fn is_caught_up(&self, durable: u64) -> bool {
        self.queue.is_empty() && (self.at_end || self.handed >= durable)
    }
}

impl Inbox {
    pub(super) fn new(store: &Store) -> Self {
        Self {
            batch: Batch::default(),
            since: None,
            next: store.next_number(),
            dropped: 0,
            durable: store.durable(),
            flush: 0,
            pressed: false,
            closing: false,
            closed: false,
            sleeping: false,
            shelves: BTreeMap::new(),
            kept: store.kept(),
            disk_bytes: store.disk_bytes().unwrap_or(0),
            quarantined: store.quarantined(),
            failure: None,
            reports: VecDeque::new(),
            reports_left_out: 0,
            notify: None,
            wear: Wear::default(),
            clocks: store.clocks().to_vec(),
            notes: Vec::new(),
            note_at: None,
        }
    }

    pub(super) fn note_clock(&mut self, note: BootClock) {
        if clocks::add(&mut self.clocks, note) {
            self.notes.push(note);
            self.note_at.get_or_insert_with(Instant::now);
        }
    }

    /// Takes a record, or lets the policy decide. Says whether the thread has to be woken.
    pub(super) fn push(&mut self, options: &Options, time: i64, payload: &[u8]) -> (Result<u64, PushError>, bool) {
        let limit = options.longest_payload();
        if payload.len() > limit {
            return (Err(PushError::TooLong { limit }), false);
        }
        if self.closing || self.closed {
            return (Err(PushError::Closed), false);
        }
        let was_due = self.pressed || self.batch_is_full(options);
        let admitted = admit(options, &mut self.batch, payload.len());
        self.pressed |= admitted != Admitted::Yes { dropped: 0 };
        let pushed = match admitted {
            Admitted::Yes { dropped } => {
                self.dropped += dropped;
                Ok(self.take(time, payload))
            }
            Admitted::Dropped => {
                self.dropped += 1;
                Err(PushError::Dropped)
            }
            Admitted::Refused => Err(PushError::Full),
        };
        let is_due = self.pressed || self.batch_is_full(options);
        let is_first = self.batch.len() == 1;
        (pushed, self.sleeping && (is_first || (is_due && !was_due)))
    }

    fn take(&mut self, time: i64, payload: &[u8]) -> u64 {
        let number = self.next;
        self.next += 1;
        self.batch.push(number, time, payload);
        self.since.get_or_insert_with(Instant::now);
        number
    }

    /// Whether a record has found no room, and there is none yet.
    pub(super) fn is_full(&self) -> bool {
        self.pressed
    }

    /// Whether what waits is to be committed before its time.
    pub(super) fn batch_is_full(&self, options: &Options) -> bool {
        let window = options.window;
        self.batch.len() >= window.count || self.batch.bytes() >= window.bytes.min(options.buffer)
    }

    /// When what waits is to be committed.
    pub(super) fn commit_due(&self, options: &Options, now: Instant) -> Option<Instant> {
        let since = self.since?;
        if self.batch_is_full(options) || self.flush > self.durable || self.pressed {
            return Some(now);
        }
        Some(since.checked_add(options.window.delay).unwrap_or(now))
    }

    /// When acknowledgements are to be written.
    pub(super) fn acks_due(&self, delay: Duration) -> Option<Instant> {
        let first = self.shelves.values().filter_map(|shelf| shelf.ack_since).min()?;
        first.checked_add(delay)
    }

    /// What has been pushed by now is to be committed at once. Gives the last number.
    pub(super) fn flush_all(&mut self) -> u64 {
        let target = self.next - 1;
        self.flush = self.flush.max(target);
        target
    }

    pub(super) fn begin_flush(&mut self) -> u64 {
        self.failure = None;
        self.flush_all()
    }

    /// Gives what waits to the store, whose counts it enters at the same moment.
    pub(super) fn hand_over(&mut self, store: &mut Store) {
        let (records, dropped) = (self.batch.len(), std::mem::take(&mut self.dropped));
        store.take(&mut self.batch, self.next);
        store.drop_unpushed(dropped);
        for counts in self.all_counts() {
            counts.pushed(records);
            counts.pushed += dropped;
            counts.dropped.buffer += dropped;
        }
        self.since = None;
    }

    fn all_counts(&mut self) -> impl Iterator<Item = &mut Counts> {
        self.shelves.values_mut().map(|shelf| &mut shelf.counts).chain([&mut self.kept])
    }

    /// Counts as the store gave them, with what it has not got yet.
    pub(super) fn with_pending(&self, mut counts: Counts) -> Counts {
        counts.pushed(self.batch.len());
        counts.pushed += self.dropped;
        counts.dropped.buffer += self.dropped;
        counts
    }

    /// Takes over what the store says now. Gives who is to be told that something changed.
    pub(super) fn publish(&mut self, options: &Options, store: &mut Store, failure: Option<Error>) -> Vec<Notify> {
        let mut calls = Vec::new();
        let durable = store.durable();
        let room = self.pressed && self.batch.bytes() <= options.buffer / 2;
        let (reports, left_out) = store.take_reports();
        if durable > self.durable || room || failure.is_some() || !reports.is_empty() {
            calls.extend(self.notify.clone());
        }
        self.pressed &= !room;
        if durable > self.durable {
            self.durable = durable;
            self.shelves.values_mut().for_each(|shelf| shelf.at_end = false);
        }
        self.wear = store.wear();
        (self.kept, self.quarantined) = (store.kept(), store.quarantined());
        for (name, shelf) in &mut self.shelves {
            shelf.counts = store.counts(name).unwrap_or(shelf.counts);
        }
        self.failure = failure.or(self.failure.take());
        self.reports_left_out += left_out;
        for report in reports {
            if self.reports.len() < REPORTS {
                self.reports.push_back(report);
            } else {
                self.reports_left_out += 1;
            }
        }
        calls
    }

    /// Puts records on a shelf. Gives who is to be told, if it was empty, or if it stays so against expectation.
    pub(super) fn shelve(&mut self, name: &str, records: Vec<Record>) -> Option<Notify> {
        let durable = self.durable;
        let shelf = self.shelves.get_mut(name)?;
        let was_empty = shelf.queue.is_empty();
        let expected = !shelf.is_caught_up(durable);
        shelf.at_end = records.is_empty();
        shelf.queued += records.iter().map(|record| record.payload.len() + size_of::<Record>()).sum::<usize>();
        shelf.queue.extend(records);
        let news = !shelf.queue.is_empty() || expected;
        shelf.notify.clone().filter(|_| was_empty && news)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::options::CommitWindow;

    fn inbox(window: CommitWindow) -> (Inbox, Store, Options) {
        let options = Options::new(1 << 20, window);
        let store = Store::open(Model::new(1), options.clone()).unwrap();
        (Inbox::new(&store), store, options)
    }

    #[test]
    fn a02_the_window_is_over_its_length_after_the_first_record_however_many_follow() {
        let length = Duration::from_secs(5);
        let (mut inbox, mut store, options) = inbox(CommitWindow::every(length));
        let now = Instant::now();
        assert_eq!(inbox.commit_due(&options, now), None);
        for number in 1..=20 {
            assert_eq!(inbox.push(&options, 0, b"record").0.unwrap(), number);
            let first = inbox.since.unwrap();
            // The same at any time that the thread asks, also when it is late.
            for asked in [now, first, first + length, first + 10 * length] {
                assert_eq!(inbox.commit_due(&options, asked), Some(first + length));
            }
        }
        inbox.hand_over(&mut store);
        assert_eq!(inbox.commit_due(&options, now), None, "the next record begins the next window");
    }

    #[test]
    fn a02_count_bytes_and_a_sync_end_the_window_at_once() {
        let long = || CommitWindow::every(Duration::from_secs(3600));
        for window in [long().count(2), long().bytes(2 * (24 + 10))] {
            let (mut inbox, _store, options) = inbox(window);
            inbox.push(&options, 0, &[1; 10]).0.unwrap();
            let now = inbox.since.unwrap();
            assert_eq!(inbox.commit_due(&options, now), Some(now + Duration::from_secs(3600)));
            inbox.push(&options, 0, &[2; 10]).0.unwrap();
            assert_eq!(inbox.commit_due(&options, now), Some(now));
        }
        let (mut inbox, _store, options) = inbox(long());
        inbox.push(&options, 0, b"synced").0.unwrap();
        let now = inbox.since.unwrap();
        inbox.begin_flush();
        assert_eq!(inbox.commit_due(&options, now), Some(now));
    }
}
