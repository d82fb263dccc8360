//! What has come in: it goes to the journal, and is acknowledged upstream when it is on the disk.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use thingflow_core::tracking::Ack;
use thingflow_core::{Context, Registry, StreamError};
use thingflow_journal::{Journal, PushError, Writer};

use super::code::{self, CodeError};

/// What became of an event that was put in.
pub(crate) enum Put {
    /// The journal has it, by this number.
    Stored(u64),
    /// The journal is full. The number comes into this cell.
    Later(Rc<Cell<u64>>),
    /// The policy has dropped it.
    Dropped,
    /// It cannot be stored.
    Unfit(StreamError),
    /// The outbox is gone.
    Closed,
}

/// The number of an event that the journal does not have yet.
pub(crate) const NOT_YET: u64 = u64::MAX;

/// An event that waits for room.
struct Pending {
    time: i64,
    bytes: Vec<u8>,
    number: Rc<Cell<u64>>,
}

pub(crate) struct Inlet {
    writer: Writer,
    pub(crate) count: Arc<Count>,
    /// The event that is being encoded.
    bytes: Vec<u8>,
    pending: VecDeque<Pending>,
    /// The number of the newest event in the journal.
    pub(crate) newest: u64,
    /// Inputs whose streams have not ended.
    pub(crate) open: usize,
    pub(crate) registry: Option<Registry>,
    /// Whether somebody waits for events to be on the disk.
    pub(crate) awaits_commits: bool,
    /// Something was taken in this run whose wall time was not known.
    pub(crate) has_unknown_times: bool,
    /// The journal could not write, and tries again later.
    pub(crate) stuck: bool,
    /// Acknowledgements of events that are not on the disk.
    acks: Vec<Rc<dyn Acks>>,
    /// Who is shown each event that the journal has taken.
    pub(crate) recent: Vec<Rc<dyn Shown>>,
}

/// Is shown each event that the journal has taken, at once.
pub(crate) trait Shown {
    fn offer(&self, number: u64, time: i64, bytes: &[u8]);
}

/// What the journal does not count. The reactor alone writes, any thread may look.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// Events taken that the journal, which is full, does not have yet.
    pub(crate) pending: Number,
    /// Events that cannot be stored.
    pub(crate) unfit: Number,
}

/// A number in [`Count`].
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicU64);

impl Number {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
    fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }
    fn add(&self, n: u64) {
        self.set(self.get() + n);
    }
}

impl Inlet {
    pub(crate) fn new(journal: &Journal) -> Self {
        Self {
            writer: journal.writer(),
            count: Arc::default(),
            bytes: Vec::new(),
            pending: VecDeque::new(),
            newest: journal.durable(),
            open: 0,
            registry: None,
            awaits_commits: false,
            has_unknown_times: false,
            stuck: false,
            acks: Vec::new(),
            recent: Vec::new(),
        }
    }

    /// Takes an event that `encode` appends to the bytes it is given.
    pub(crate) fn put(&mut self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), CodeError>, cx: &Context<'_>) -> Put {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let moment = cx.moment();
        self.has_unknown_times |= !moment.is_known();
        code::encode_stamp(&moment, &mut bytes);
        let put = match encode(&mut bytes) {
            Ok(()) => self.put_bytes(moment.shown().as_nanos(), &bytes),
            Err(error) => self.unfit(error),
        };
        self.bytes = bytes;
        put
    }

    /// Takes an encoded event of that time.
    pub(crate) fn put_bytes(&mut self, time: i64, bytes: &[u8]) -> Put {
        let pushed = if self.pending.is_empty() { self.writer.push(time, bytes) } else { Err(PushError::Full) };
        match pushed {
            Ok(number) => {
                self.newest = number;
                self.recent.iter().for_each(|recent| recent.offer(number, time, bytes));
                Put::Stored(number)
            }
            Err(PushError::Full) => {
                let number = Rc::new(Cell::new(NOT_YET));
                self.pending.push_back(Pending { time, bytes: bytes.to_vec(), number: number.clone() });
                self.count.pending.set(self.pending.len() as u64);
                Put::Later(number)
            }
            Err(PushError::Dropped) => Put::Dropped,
            Err(PushError::Closed) => Put::Closed,
            Err(error) => self.unfit(error),
        }
    }

    fn unfit(&self, error: impl Error + Send + Sync + 'static) -> Put {
        self.count.unfit.add(1);
        Put::Unfit(StreamError::caused("cannot store an event", error))
    }

    /// Has virtual time wait for the commit, or for room where nobody waits for that.
    pub(crate) fn wait_for_thread(&self) {
        if !self.stuck
            && (self.awaits_commits || !self.pending.is_empty())
            && let Some(registry) = &self.registry
            && registry.wait_for_thread(true)
        {
            registry.call_soon();
        }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.pending.is_empty()
    }

    /// Gives the journal what has waited for room: whether there is room again for more, and was none.
    pub(crate) fn retry(&mut self) -> bool {
        let waited = !self.pending.is_empty();
        while let Some(first) = self.pending.front() {
            match self.writer.push(first.time, &first.bytes) {
                Ok(number) => {
                    first.number.set(number);
                    self.newest = number;
                }
                Err(PushError::Full) => break,
                Err(PushError::Closed) => {} // it is never acknowledged
                // It was fit for the journal when it came.
                Err(_) => first.number.set(0),
            }
            self.pending.pop_front();
            self.count.pending.set(self.pending.len() as u64);
        }
        waited && self.pending.is_empty()
    }

    pub(crate) fn acknowledges<M: 'static>(&mut self) -> Rc<AckQueue<M>> {
        let acks = Rc::new(AckQueue::default());
        self.acks.push(acks.clone());
        acks
    }

    /// Those who wait for events to be on the disk.
    pub(crate) fn acks(&self) -> Vec<Rc<dyn Acks>> {
        self.acks.clone()
    }

    pub(crate) fn is_acknowledged(&self) -> bool {
        self.acks.iter().all(|acks| acks.is_empty())
    }
}

/// Acknowledgements without their type.
pub(crate) trait Acks {
    /// Events up to this number are on the disk.
    fn durable(&self, number: u64);
    fn is_empty(&self) -> bool;
    /// The run is over, and the others are not on the disk.
    fn abandon(&self);
}

/// Acknowledgements of the events of one input, in their order.
pub(crate) struct AckQueue<M>(RefCell<VecDeque<(Place, Ack<M>)>>);

enum Place {
    Known(u64),
    Later(Rc<Cell<u64>>),
}

impl<M> Default for AckQueue<M> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<M> AckQueue<M> {
    pub(crate) fn known(&self, number: u64, ack: Ack<M>) {
        self.0.borrow_mut().push_back((Place::Known(number), ack));
    }

    pub(crate) fn later(&self, number: Rc<Cell<u64>>, ack: Ack<M>) {
        self.0.borrow_mut().push_back((Place::Later(number), ack));
    }

    fn next(&self, durable: u64) -> Option<Ack<M>> {
        let mut queue = self.0.borrow_mut();
        let number = match &queue.front()?.0 {
            Place::Known(number) => *number,
            Place::Later(number) => number.get(),
        };
        if number > durable { None } else { queue.pop_front().map(|(_, ack)| ack) }
    }
}

impl<M> Acks for AckQueue<M> {
    fn durable(&self, number: u64) {
        while let Some(ack) = self.next(number) {
            ack.done();
        }
    }
    fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
    fn abandon(&self) {
        let rest = self.0.take();
        rest.into_iter().for_each(|(_, ack)| ack.abandon());
    }
}
