//! [`Journal`]: a store behind a thread of its own, so that nobody who pushes or reads waits for a disk.

mod consumer;
mod inbox;
mod worker;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use consumer::{Consumer, Meter};
use inbox::{Inbox, Shelf};
pub use writer::Writer;

use crate::clocks::BootClock;
use crate::counts::{Counts, Wear};
use crate::error::Error;
use crate::files::{Files, Folder};
use crate::options::Options;
use crate::record::Record;
use crate::report::Report;
use crate::store::{Range, Start, Store};

/// What is called on the journal's thread when there is news: it should only wake somebody.
pub(crate) type Notify = Arc<dyn Fn() + Send + Sync>;

/// A journal with a thread that commits, reads ahead and removes what is no longer needed.
///
/// [`Writer::push`] and [`Consumer::try_next`] never wait for a disk: they copy to and from memory. A program with an event
/// loop is woken by [`notify`](Self::notify) and [`Consumer::notify`], and then looks at [`durable`](Self::durable): what is
/// at or below that number is synced, and may be acknowledged upstream. Whatever fails is tried again with growing pauses
/// of up to ten seconds; [`take_reports`](Self::take_reports) says what.
///
/// ```
/// use std::time::Duration;
/// use thingflow_journal::{CommitWindow, Journal, Options, Start};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let journal = Journal::open(folder, Options::new(16 << 20, CommitWindow::default()))?;
/// let writer = journal.writer();
/// let number = writer.push(1_700_000_000, b"21.5 degrees")?;
/// journal.sync()?;                                        // or wait to be notified
/// assert!(journal.durable() >= number);
///
/// let mut mqtt = journal.consumer("mqtt", Start::Oldest)?;
/// let record = mqtt.next_within(Duration::from_secs(60)).ok_or("nothing came")?;
/// assert_eq!(record.payload, b"21.5 degrees");
/// mqtt.acknowledge(record.number);                        // the broker has it
/// assert!(mqtt.counts().is_conserved());
/// drop(mqtt);
/// journal.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    worker: Option<JoinHandle<Result<(), Error>>>,
}

/// What the thread and the handles have in common. Whoever needs both locks takes the store's first.
struct Shared {
    options: Options,
    /// Locked for long, since it is held during work on the disk. `None` once closed.
    store: Mutex<Option<Store>>,
    /// Locked only for copies in memory.
    inbox: Mutex<Inbox>,
    /// Wakes the thread.
    work: Condvar,
    /// Wakes threads that wait for room, for records, or for a commit.
    news: Condvar,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Shared {
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> MutexGuard<'_, Option<Store>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that a consumer is not open, and that nothing of an earlier one is left.
    fn vacate(&self, store: &mut Store, name: &str) -> Result<(), Error> {
        let mut inbox = self.inbox();
        match inbox.shelves.get(name) {
            Some(shelf) if !shelf.left => return Err(Error::ConsumerInUse(name.into())),
            Some(shelf) => {
                if shelf.ack_since.is_some() {
                    store.acknowledge(name, shelf.acknowledged)?;
                }
                worker::give_back(store, name, shelf, true);
            }
            None => {}
        }
        inbox.shelves.remove(name);
        Ok(())
    }

    /// Waits until `ready` gives something, or the time is over.
    fn wait<T>(&self, limit: Option<Duration>, mut ready: impl FnMut(&mut Inbox) -> Option<T>) -> Option<T> {
        let end = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut inbox = self.inbox();
        loop {
            if let Some(found) = ready(&mut inbox) {
                return Some(found);
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) || inbox.closed {
                return None;
            }
            inbox = match left {
                Some(left) => self.news.wait_timeout(inbox, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.news.wait(inbox).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Journal {
    /// Opens the journal in a folder, and makes both if they are not there.
    ///
    /// # Errors
    ///
    /// As [`Store::open`]; [`Error::Io`] if there can be no thread.
    pub fn open(folder: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        let path = folder.as_ref();
        let folder = Folder::open(path).map_err(Error::io(format!("open the folder {}", path.display())))?;
        Self::open_on(folder, options)
    }

    /// Opens the journal on other files than a folder's.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_on(files: impl Files + 'static, options: Options) -> Result<Self, Error> {
        let store = Store::open(files, options.clone())?;
        let inbox = Inbox::new(&store);
        let shared = Arc::new(Shared {
            options,
            store: Mutex::new(Some(store)),
            inbox: Mutex::new(inbox),
            work: Condvar::new(),
            news: Condvar::new(),
        });
        let worker = worker::start(shared.clone()).map_err(Error::io("start the journal's thread"))?;
        Ok(Self { shared, worker: Some(worker) })
    }

    /// A handle to push by, from any thread.
    pub fn writer(&self) -> Writer {
        Writer::new(self.shared.clone())
    }

    /// Opens a consumer: where it was, or at `start` if it is new. Waits for the disk, so open it before the event loop runs.
    ///
    /// # Errors
    ///
    /// As [`Store::open_consumer`]; [`Error::ConsumerInUse`] if it is open.
    pub fn consumer(&self, name: &str, start: Start) -> Result<Consumer, Error> {
        let mut store = self.shared.store();
        let open = store.as_mut().ok_or(Error::Closed)?;
        self.shared.vacate(open, name)?;
        open.open_consumer(name, start)?;
        let counts = open.counts(name)?;
        let mut inbox = self.shared.inbox();
        // What is pushed and not yet with the store comes on top of its counts.
        inbox.shelves.insert(name.into(), Shelf::new(counts));
        drop(inbox);
        drop(store);
        self.shared.work.notify_one();
        Ok(Consumer::new(self.shared.clone(), name))
    }

    /// Forgets a consumer that is not open: it holds no segment any more. Waits for the disk.
    ///
    /// # Errors
    ///
    /// As [`Store::remove_consumer`]; [`Error::ConsumerInUse`] if it is open.
    pub fn remove_consumer(&self, name: &str) -> Result<(), Error> {
        let mut store = self.shared.store();
        let open = store.as_mut().ok_or(Error::Closed)?;
        self.shared.vacate(open, name)?;
        open.remove_consumer(name)
    }

    /// Has `call` called on the journal's thread whenever the durable number has moved, there is room again after a
    /// refused push, or there is a report. It should only wake somebody: ring a doorbell, write to an eventfd.
    pub fn notify(&self, call: impl Fn() + Send + Sync + 'static) {
        self.shared.inbox().notify = Some(Arc::new(call));
    }

    /// The number up to which every record is on the disk; those that the policy has dropped before count as well.
    pub fn durable(&self) -> u64 {
        self.shared.inbox().durable
    }

    /// Commits at once, and waits until everything that was pushed before the call is on the disk.
    ///
    /// # Errors
    ///
    /// [`Error::Full`] or [`Error::Io`] if the commit fails; it is tried again all the same. [`Error::Closed`].
    pub fn sync(&self) -> Result<(), Error> {
        let target = self.shared.inbox().begin_flush();
        self.shared.work.notify_one();
        let done = self.shared.wait(None, |inbox| match inbox.durable >= target {
            true => Some(Ok(())),
            false => inbox.failure.take().map(Err),
        });
        done.unwrap_or(Err(Error::Closed))
    }

    /// Commits at once what has been pushed, without waiting for that.
    pub fn commit_soon(&self) {
        self.shared.inbox().flush_all();
        self.shared.work.notify_one();
    }

    /// Notes what is known of the wall clock of a boot, as [`Store::note_clock`]; does not wait for that. What fails is told as
    /// any failure, and tried again.
    pub fn note_clock(&self, note: BootClock) {
        self.shared.inbox().note_clock(note);
        self.shared.work.notify_one();
    }

    /// What is known of the wall clocks of boots, as [`Store::clocks`], with what is being noted.
    pub fn clocks(&self) -> Vec<BootClock> {
        self.shared.inbox().clocks.clone()
    }

    /// Takes the last failure of the journal's thread, if there was one since the last call: of a commit, a position or a
    /// read. It is tried again.
    pub fn take_failure(&self) -> Option<Error> {
        self.shared.inbox().failure.take()
    }

    /// Reads on in a range of the past, as [`Store::read`]. Waits for the disk.
    ///
    /// # Errors
    ///
    /// As [`Store::read`]; [`Error::Closed`].
    pub fn read(&self, range: &mut Range, bytes: usize) -> Result<Vec<Record>, Error> {
        self.shared.store().as_mut().ok_or(Error::Closed)?.read(range, bytes)
    }

    /// What the journal keeps, as [`Store::kept`].
    pub fn kept(&self) -> Counts {
        let inbox = self.shared.inbox();
        inbox.with_pending(inbox.kept)
    }

    /// Bytes on the disk, as [`Store::disk_bytes`], after the last piece of work.
    pub fn disk_bytes(&self) -> u64 {
        self.shared.inbox().disk_bytes
    }

    /// What the disk was given for what is stored, since the journal was opened: what the [window](crate::CommitWindow) costs a card.
    pub fn wear(&self) -> Wear {
        self.shared.inbox().wear
    }

    /// Damaged parts that were found, as [`Store::quarantined`].
    pub fn quarantined(&self) -> u64 {
        self.shared.inbox().quarantined
    }

    /// Takes what was reported since the last call, as [`Store::take_reports`].
    pub fn take_reports(&self) -> (Vec<Report>, u64) {
        let inbox = &mut *self.shared.inbox();
        (inbox.reports.drain(..).collect(), std::mem::take(&mut inbox.reports_left_out))
    }

    /// Commits everything, syncs the positions, and ends the thread. Open writers and consumers find the journal closed.
    ///
    /// # Errors
    ///
    /// As [`Store::close`].
    pub fn close(mut self) -> Result<(), Error> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Error> {
        let Some(worker) = self.worker.take() else { return Ok(()) };
        self.shared.inbox().closing = true;
        self.shared.work.notify_one();
        worker.join().unwrap_or(Err(Error::Closed))
    }
}

impl Drop for Journal {
    /// As [`close`](Journal::close), without a word about errors.
    fn drop(&mut self) {
        // Who wants to know calls `close`.
        let _ = self.end();
    }
}
