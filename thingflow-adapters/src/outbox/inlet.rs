//! What has come in: it goes to the journal, and is acknowledged upstream when it is on the disk.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use serde::Serialize;
use thingflow_core::tracking::Ack;
use thingflow_core::{Context, Registry, StreamError};
use thingflow_journal::{Journal, PushError, Writer};

use super::code;
use super::meter::Tally;
use super::recent::Recent;

/// What became of an event that was put in.
pub(super) enum Put {
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
pub(super) const NOT_YET: u64 = u64::MAX;

/// An event that waits for room.
struct Pending {
    time: i64,
    bytes: Vec<u8>,
    number: Rc<Cell<u64>>,
}

pub(super) struct Inlet {
    writer: Writer,
    tally: Tally,
    /// The event that is being encoded.
    bytes: Vec<u8>,
    pending: VecDeque<Pending>,
    /// The number of the newest event in the journal.
    pub(super) newest: u64,
    /// Inputs whose streams have not ended.
    pub(super) open: usize,
    pub(super) registry: Option<Registry>,
    /// The journal could not write, and tries again later.
    pub(super) stuck: bool,
    /// Acknowledgements of events that are not on the disk.
    acks: Vec<Rc<dyn Acks>>,
    pub(super) recent: Vec<Rc<Recent>>,
}

impl Inlet {
    pub(super) fn new(journal: &Journal, tally: &Tally) -> Self {
        Self {
            writer: journal.writer(),
            tally: tally.clone(),
            bytes: Vec::new(),
            pending: VecDeque::new(),
            newest: journal.durable(),
            open: 0,
            registry: None,
            stuck: false,
            acks: Vec::new(),
            recent: Vec::new(),
        }
    }

    pub(super) fn put<T: Serialize>(&mut self, event: &T, cx: &Context<'_>) -> Put {
        self.bytes.clear();
        if let Err(error) = code::encode(event, &mut self.bytes) {
            self.tally.unfit();
            return Put::Unfit(StreamError::caused("cannot store an event", error));
        }
        let time = cx.timestamp().as_nanos();
        let pushed = if self.pending.is_empty() { self.writer.push(time, &self.bytes) } else { Err(PushError::Full) };
        match pushed {
            Ok(number) => {
                self.newest = number;
                self.recent.iter().for_each(|recent| recent.offer(number, time, &self.bytes));
                Put::Stored(number)
            }
            Err(PushError::Full) => {
                let number = Rc::new(Cell::new(NOT_YET));
                self.pending.push_back(Pending { time, bytes: self.bytes.clone(), number: number.clone() });
                self.tally.set_pending(self.pending.len());
                Put::Later(number)
            }
            Err(PushError::Dropped) => Put::Dropped,
            Err(PushError::Closed) => Put::Closed,
            Err(error) => {
                self.tally.unfit();
                Put::Unfit(StreamError::caused("cannot store an event", error))
            }
        }
    }

    /// Has virtual time wait for the commit.
    pub(super) fn wait_for_thread(&self) {
        if !self.stuck
            && let Some(registry) = &self.registry
            && registry.wait_for_thread(true)
        {
            registry.call_soon();
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.pending.is_empty()
    }

    /// Gives the journal what has waited for room: whether there is room again for more, and was none.
    pub(super) fn retry(&mut self) -> bool {
        let waited = !self.pending.is_empty();
        while let Some(first) = self.pending.front() {
            match self.writer.push(first.time, &first.bytes) {
                Ok(number) => {
                    first.number.set(number);
                    self.newest = number;
                }
                Err(PushError::Full) => break,
                // It was fit for the journal when it came.
                Err(_) => first.number.set(0),
            }
            self.pending.pop_front();
            self.tally.set_pending(self.pending.len());
        }
        waited && self.pending.is_empty()
    }

    pub(super) fn acknowledges<M: 'static>(&mut self) -> Rc<AckQueue<M>> {
        let acks = Rc::new(AckQueue::default());
        self.acks.push(acks.clone());
        acks
    }

    /// Those who wait for events to be on the disk.
    pub(super) fn acks(&self) -> Vec<Rc<dyn Acks>> {
        self.acks.clone()
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        self.acks.iter().all(|acks| acks.is_empty())
    }
}

/// Acknowledgements without their type.
pub(super) trait Acks {
    /// Events up to this number are on the disk.
    fn durable(&self, number: u64);
    fn is_empty(&self) -> bool;
    /// The run is over, and the others are not on the disk.
    fn abandon(&self);
}

/// Acknowledgements of the events of one input, in their order.
pub(super) struct AckQueue<M>(RefCell<VecDeque<(Number, Ack<M>)>>);

enum Number {
    Known(u64),
    Later(Rc<Cell<u64>>),
}

impl<M> Default for AckQueue<M> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<M> AckQueue<M> {
    pub(super) fn known(&self, number: u64, ack: Ack<M>) {
        self.0.borrow_mut().push_back((Number::Known(number), ack));
    }

    pub(super) fn later(&self, number: Rc<Cell<u64>>, ack: Ack<M>) {
        self.0.borrow_mut().push_back((Number::Later(number), ack));
    }

    fn next(&self, durable: u64) -> Option<Ack<M>> {
        let mut queue = self.0.borrow_mut();
        let number = match &queue.front()?.0 {
            Number::Known(number) => *number,
            Number::Later(number) => number.get(),
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
