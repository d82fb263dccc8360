//! How other threads post events into the reactor: a bounded queue of many producers and one consumer.
//!
//! The consumer *swaps*: it takes everything that is queued under one lock, dispatches it without a lock, and wakes
//! who waits for room once. So what synchronisation costs is paid per batch and not per event, and a blocked poster costs
//! at most one context switch per batch. What was taken and is not yet dispatched counts too: an inbox holds at most a queue and
//! a batch, `2 * capacity` events. Both grow to what is needed and are used again: no allocation per event once warm.
//!
//! A reactor has one [`Doorbell`] and any number of inboxes. An inbox announces itself at the bell with its first event
//! after a swap, so a turn looks only at inboxes that have something. The bell wakes the reactor only if that sleeps, and paces a reactor
//! that posts keep awake, so that batches stay large.
//!
//! Watermarks and flushes ([`Mark`]) keep their place among the events, but take no room and are not dropped. Each poster is an
//! input as that of a join: what arrives is the least watermark of those that have posted something and still exist.
//!
//! No wake-up is lost, because each decision is made under the lock that guards what it is about:
//!
//! - *Inbox.* A poster announces if, with its event already in the queue, `announced` was false; the consumer clears
//!   `announced` in the critical section in which it empties the queue. So for every queued event there is an
//!   announcement later than the consumer's last look, already made or about to be made by a poster that is running.
//! - *Doorbell.* The reactor falls asleep only if, under the bell's lock, no inbox is listed. A poster adds itself to the
//!   list before or after that moment. Before: the reactor sees it and does not sleep. After: the poster sees `sleeping`
//!   and wakes the reactor. A wake-up that comes before the reactor blocks is kept by the [`Wake`], which must be sticky.
//! - *Room.* A poster counts itself as waiting in the critical section in which it finds the queue full, and `wait` gives
//!   up the lock and goes to sleep in one step. So the consumer, when it empties the queue, sees whether anybody waits, and wakes
//!   one, unless it has done so and that one has not come yet. What that one posts is announced, so the consumer comes again,
//!   for the next; for all of them, if it finds little. On one core, the consumer gives way to it: it fills the queue before the next
//!   batch is taken, at two context switches a batch.

use std::collections::VecDeque;
use std::mem;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

mod doorbell;
#[cfg(all(test, loom))]
pub(super) mod model;
mod post_error;
#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use doorbell::{Doorbell, Wake};
pub use post_error::PostError;

use super::super::keyed::Id;
use super::sync::{Condvar, Mutex, MutexGuard, ThreadId, current, lock};
use crate::clock::Instant;
use crate::error::StreamError;
use crate::identity::next_number;
use crate::kit::{Mark, Marks};
use crate::limit::{Admitted, Backlog, Limit, Overflow, QueueState, QueueStats, evict};
use crate::notice::{Arrival, Notice};
use crate::thing::Demand;
use crate::watermarks::Watermarks;

/// A queue within `limit`, which announces itself at `doorbell` by the name of its schedule.
///
/// Call it on the reactor's thread, where the inbox stays.
pub(crate) fn channel<T: Send>(limit: &Limit, doorbell: Arc<Doorbell>, id: Id) -> (Sender<T>, Inbox<T>) {
    let shared = Arc::new(Shared {
        queue: Mutex::new(Queue::new(Limit::new(limit.capacity(), limit.overflow()))),
        room: Condvar::new(),
        capacity: limit.capacity(),
        policy: limit.overflow(),
        doorbell,
        id,
        reactor: current().id(),
        number: next_number(),
    });
    let inbox = Inbox {
        shared: Arc::clone(&shared),
        limit: limit.clone(),
        batch: VecDeque::new(),
        marks: Marks::default(),
        ended: false,
    };
    (Sender::new(shared), inbox)
}

struct Shared<T> {
    queue: Mutex<Queue<T>>,
    /// Posters that found the queue full wait here.
    room: Condvar,
    capacity: usize,
    policy: Overflow,
    doorbell: Arc<Doorbell>,
    id: Id,
    reactor: ThreadId,
    /// What tells it from others in drawings.
    number: usize,
}

struct Queue<T> {
    /// Without a meter: what it would count is known from the numbers below, which cost nothing for each event.
    events: Backlog<T>,
    /// What waits among the events.
    marks: Marks,
    /// The watermarks of the posters.
    inputs: Watermarks,
    /// The number of the next poster.
    next: usize,
    /// The inbox is on the doorbell's list, or was taken from it and has not been drained yet.
    announced: bool,
    closed: bool,
    senders: usize,
    /// Posters that wait for room.
    waiting: usize,
    /// One of them has been told of room, and has not come yet.
    called: bool,
    /// Reactors whose sources wait for room.
    paused: Vec<Arc<Doorbell>>,
    /// The error that has ended the stream.
    failed: Option<StreamError>,
    /// Events that left the queue for the inbox.
    taken: u64,
    dropped: u64,
    /// As of the last swap: in between the queue only grows.
    high_water: usize,
}

impl<T> Queue<T> {
    fn new(limit: Limit) -> Self {
        Self {
            events: Backlog::new(limit),
            marks: Marks::default(),
            inputs: Watermarks::default(),
            next: 0,
            announced: false,
            closed: false,
            senders: 0,
            waiting: 0,
            called: false,
            paused: Vec::new(),
            failed: None,
            taken: 0,
            dropped: 0,
            high_water: 0,
        }
    }
}

impl<T> Shared<T> {
    /// Puts the event into the queue, which has room, and announces it.
    #[inline(always)]
    fn push(&self, mut queue: MutexGuard<'_, Queue<T>>, event: T) {
        queue.events.push_back(event);
        self.announce(queue);
    }

    /// Tells the reactor to look here, unless it has been told.
    #[inline(always)]
    fn announce(&self, mut queue: MutexGuard<'_, Queue<T>>) {
        let told = mem::replace(&mut queue.announced, true);
        drop(queue);
        if !told {
            self.doorbell.ring(self.id);
        }
    }

    /// What the policy says. Events are dropped only after the lock is given up: that is user code.
    #[cold]
    fn post_to_full(&self, queue: MutexGuard<'_, Queue<T>>, event: T) -> Result<(), PostError<T>> {
        self.doorbell.hurry();
        if self.policy != Overflow::Block {
            return self.admit(queue, event).map(drop);
        }
        if current().id() == self.reactor {
            drop(queue);
            return Err(PostError::Full(event));
        }
        self.post_when_room(queue, event)
    }

    fn admit(&self, mut queue: MutexGuard<'_, Queue<T>>, event: T) -> Result<Demand, PostError<T>> {
        let admitted = queue.events.admit(event);
        if matches!(admitted, Admitted::Dropped(_)) {
            queue.dropped += 1;
            if self.policy == Overflow::DropOldest {
                queue.marks.left(1);
            }
        }
        self.announce(queue);
        match admitted {
            Admitted::Taken(demand) => Ok(demand),
            Admitted::Dropped(event) => {
                evict(|| drop(event));
                Ok(Demand::More)
            }
            Admitted::Refused(event) => Err(PostError::Full(event)),
        }
    }

    /// One poster is let in for each batch that is taken: what it posts has the reactor come again, for the next one.
    fn post_when_room(&self, mut queue: MutexGuard<'_, Queue<T>>, event: T) -> Result<(), PostError<T>> {
        queue.waiting += 1;
        while queue.events.len() >= self.capacity && !queue.closed {
            queue = self.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.called = false;
        }
        queue.waiting -= 1;
        if queue.closed {
            return Err(PostError::Closed(event));
        }
        self.push(queue, event);
        Ok(())
    }

    fn state(&self) -> QueueState {
        let queue = lock(&self.queue);
        let mut state = QueueState::new(queue.events.len(), queue.events.limit());
        state.posted = Some(queue.taken + queue.dropped + state.waiting);
        state.dropped = queue.dropped;
        state
    }

    fn stats(&self) -> QueueStats {
        let queue = lock(&self.queue);
        let len = queue.events.len();
        QueueStats {
            posted: queue.taken + queue.dropped + len as u64,
            dropped: queue.dropped,
            high_water: queue.high_water.max(len),
        }
    }
}

impl<T> Queue<T> {
    /// Puts a mark behind the events that wait.
    fn mark(&mut self, mark: Mark) {
        self.marks.push(mark, self.events.len(), u64::MAX);
    }
}

/// The posting end of an inbox, for any thread. When the last one is dropped the inbox ends.
pub(crate) struct Sender<T> {
    shared: Arc<Shared<T>>,
    /// Which of the posters it is.
    number: usize,
    /// It has said something, and what it says of event time counts. Only looked at under the queue's lock.
    speaks: AtomicBool,
}

impl<T> Sender<T> {
    fn new(shared: Arc<Shared<T>>) -> Self {
        let mut queue = lock(&shared.queue);
        queue.senders += 1;
        queue.next += 1;
        let number = queue.next;
        drop(queue);
        Self { shared, number, speaks: AtomicBool::new(false) }
    }

    /// Counts it among the inputs.
    #[inline]
    fn speak(&self, queue: &mut Queue<T>) {
        if !self.speaks.load(Relaxed) {
            self.speaks.store(true, Relaxed);
            queue.inputs.join(self.number);
        }
    }

    /// Counts it among the inputs, before it has posted anything.
    pub(crate) fn join(&self) {
        self.speak(&mut lock(&self.shared.queue));
    }

    /// Puts a notice behind the events that have been posted, if it is one that travels with them.
    pub(crate) fn tell(&self, notice: &Notice<'_>) {
        let Some(mut mark) = Mark::of(notice, Instant::ZERO) else { return };
        let mut queue = lock(&self.shared.queue);
        if queue.closed {
            return;
        }
        self.speak(&mut queue);
        if let Some(watermark) = mark.watermark {
            let Some(least) = queue.inputs.rise(self.number, watermark) else { return };
            mark.watermark = Some(least);
        }
        queue.mark(mark);
        self.shared.announce(queue);
    }

    /// Queues the event for the reactor and wakes that if it sleeps. Events of one sender arrive in the order posted.
    pub(crate) fn post(&self, event: T) -> Result<(), PostError<T>> {
        let queue = lock(&self.shared.queue);
        if queue.closed | !self.speaks.load(Relaxed) | (queue.events.len() >= self.shared.capacity) {
            return self.post_slowly(queue, event);
        }
        self.shared.push(queue, event);
        Ok(())
    }

    /// The queue is closed, or this is the first that it says, or there is no room.
    #[cold]
    #[inline(never)]
    fn post_slowly(&self, mut queue: MutexGuard<'_, Queue<T>>, event: T) -> Result<(), PostError<T>> {
        if queue.closed {
            return Err(PostError::Closed(event));
        }
        if self.speaks.load(Relaxed) {
            return self.shared.post_to_full(queue, event);
        }
        self.speak(&mut queue);
        drop(queue);
        self.post(event)
    }

    /// Queues the event without waiting, for a source on the reactor of `bell`. Beyond the capacity it is kept if the policy
    /// is to block: then the receipt is `Full`, and `bell` is told when there is room.
    pub(crate) fn offer(&self, event: T, bell: &Arc<Doorbell>) -> Result<Demand, PostError<T>> {
        let mut queue = lock(&self.shared.queue);
        if queue.closed {
            return Err(PostError::Closed(event));
        }
        self.speak(&mut queue);
        let full = self.shared.policy == Overflow::Block && queue.events.len() + 1 >= self.shared.capacity;
        if full && !queue.paused.iter().any(|other| Arc::ptr_eq(other, bell)) {
            queue.paused.push(bell.clone());
        }
        self.shared.admit(queue, event)
    }

    /// Ends the stream with an error, after what has been queued. The first one counts; later posts are refused.
    pub(crate) fn fail(&self, error: StreamError) {
        let mut queue = lock(&self.shared.queue);
        if !queue.closed {
            queue.failed = Some(error);
            queue.closed = true;
            self.shared.announce(queue);
            self.shared.room.notify_all();
        }
    }

    /// Whether nobody receives any more.
    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.shared.queue).closed
    }

    /// Whether another event would be taken without a receipt of `Full`.
    pub(crate) fn has_room(&self) -> bool {
        let queue = lock(&self.shared.queue);
        queue.closed || queue.events.has_room()
    }

    /// What tells the queue from others in drawings.
    pub(crate) fn queue_number(&self) -> usize {
        self.shared.number
    }

    pub(crate) fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// What has gone through the queue so far.
    pub(crate) fn stats(&self) -> QueueStats {
        self.shared.stats()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut queue = lock(&self.shared.queue);
        queue.senders -= 1;
        let risen = queue.inputs.leave(self.number);
        if let Some(least) = risen {
            queue.mark(Mark::watermark(least));
        }
        if (queue.senders == 0 || risen.is_some()) && !queue.closed {
            self.shared.announce(queue);
        }
    }
}

/// A batch of less than this part of the queue shows that one poster does not fill it.
const FEW: usize = 8;

/// What is left in an inbox after [`Inbox::drain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Left {
    /// Nothing that the doorbell would not tell.
    Nothing,
    /// Perhaps some events, and the doorbell will not tell: drain again when there is time or room downstream.
    Some,
    /// Nothing, and nothing will come: all senders are gone.
    Ended,
}

/// Where events and notices go that have been posted. They may want no more for now.
pub(crate) trait Reader<T> {
    /// Takes one or more events, `most` at most, from the front of those that wait. There is one at least.
    fn take(&mut self, waiting: &mut VecDeque<T>, most: usize) -> ControlFlow<()>;
    /// Hears the notices that stand among the events, with none between them.
    fn hear(&mut self, mark: Mark) -> ControlFlow<()>;
}

impl<T, F: FnMut(Arrival<T>) -> ControlFlow<()>> Reader<T> for F {
    #[inline]
    fn take(&mut self, waiting: &mut VecDeque<T>, _: usize) -> ControlFlow<()> {
        waiting.pop_front().map_or(ControlFlow::Continue(()), |event| self(Arrival::Next(event)))
    }
    fn hear(&mut self, mark: Mark) -> ControlFlow<()> {
        mark.notices().try_for_each(|notice| self(Arrival::Notice(notice)))
    }
}

/// The reactor's end of the queue. Dropping it closes the queue: every post, also one that waits, is then refused.
pub(crate) struct Inbox<T> {
    shared: Arc<Shared<T>>,
    /// Its meter is brought up to date by the reactor, and not by each poster.
    limit: Limit,
    /// Taken from the queue and not dispatched yet.
    batch: VecDeque<T>,
    /// What waits among these events.
    marks: Marks,
    /// No sender was left when the batch was taken, so it is the last.
    ended: bool,
}

impl<T> Inbox<T> {
    /// Dispatches what was left the last time and then what is queued now, at most `limit` events, with the notices among
    /// them, and until `dispatch` breaks; the rest stays, in order.
    ///
    /// It takes from the queue once, so posters that are as fast as the reactor don't keep it here.
    pub(crate) fn drain(&mut self, limit: usize, mut to: impl Reader<T>) -> Left {
        let mut budget = limit;
        if self.serve(&mut budget, &mut to).is_break() {
            return Left::Some;
        }
        self.refill();
        match self.serve(&mut budget, &mut to) {
            ControlFlow::Break(()) => Left::Some,
            ControlFlow::Continue(()) if self.ended => Left::Ended,
            ControlFlow::Continue(()) => Left::Nothing,
        }
    }

    /// Brings the meter up to date, if there is one.
    pub(crate) fn count(&self) {
        self.limit.count(|_| self.shared.stats());
    }

    /// What tells the queue from others in drawings.
    pub(crate) fn queue_number(&self) -> usize {
        self.shared.number
    }

    /// What waits, may wait and was dropped: for a walk over the graph.
    pub(crate) fn state(&self) -> QueueState {
        let mut state = self.shared.state();
        state.waiting += self.batch.len() as u64;
        state
    }

    /// Dispatches the batch; breaks if that was stopped.
    #[inline]
    fn serve(&mut self, budget: &mut usize, to: &mut impl Reader<T>) -> ControlFlow<()> {
        loop {
            let ahead = self.marks.ahead();
            let (served, flow) = self.serve_events(ahead.unwrap_or(usize::MAX), budget, to);
            if ahead.is_none() {
                return flow;
            }
            self.marks.left(served);
            flow?;
            self.marks.pop_due().map_or(ControlFlow::Continue(()), |mark| to.hear(mark))?;
        }
    }

    /// Dispatches up to `most` events of the batch: how many it were.
    fn serve_events(&mut self, most: usize, budget: &mut usize, to: &mut impl Reader<T>) -> (usize, ControlFlow<()>) {
        let before = *budget;
        let mut flow = ControlFlow::Continue(());
        while before - *budget < most && !self.batch.is_empty() && flow.is_continue() {
            if *budget == 0 {
                return (before, ControlFlow::Break(()));
            }
            let held = self.batch.len();
            flow = to.take(&mut self.batch, (most - (before - *budget)).min(*budget));
            *budget -= held - self.batch.len();
        }
        (before - *budget, flow)
    }

    /// Swaps the empty batch with the queue, and lets in one of those who wait for room, or all if who was let in before has left
    /// most of it free.
    fn refill(&mut self) {
        let mut queue = lock(&self.shared.queue);
        queue.events.swap(&mut self.batch);
        mem::swap(&mut queue.marks, &mut self.marks);
        queue.announced = false;
        queue.taken += self.batch.len() as u64;
        queue.high_water = queue.high_water.max(self.batch.len());
        self.ended = queue.senders == 0 || queue.failed.is_some();
        let calls = queue.waiting > 0 && !mem::replace(&mut queue.called, true);
        let fills = self.batch.len() >= self.shared.capacity / FEW;
        let paused = if queue.events.take_room() { mem::take(&mut queue.paused) } else { Vec::new() };
        drop(queue);
        if calls && fills {
            self.shared.room.notify_one();
            std::thread::yield_now(); // or, on one core, the next batch would be a few events
        } else if calls {
            self.shared.room.notify_all();
        }
        paused.iter().for_each(|bell| bell.resume());
    }

    /// The error that has ended the stream, if one did.
    pub(crate) fn take_error(&mut self) -> Option<StreamError> {
        lock(&self.shared.queue).failed.take()
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        let mut queue = lock(&self.shared.queue);
        queue.closed = true;
        let mut lost = VecDeque::new();
        queue.events.swap(&mut lost);
        queue.high_water = queue.high_water.max(lost.len());
        queue.taken -= self.batch.len() as u64;
        queue.dropped += (lost.len() + self.batch.len()) as u64;
        let paused = mem::take(&mut queue.paused);
        drop(queue);
        self.count();
        self.shared.room.notify_all();
        paused.iter().for_each(|bell| bell.resume());
    }
}
