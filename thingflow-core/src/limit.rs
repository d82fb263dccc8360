//! [`Limit`]: how many events a queue holds, and what happens when it is full.

use crate::size::Size;

#[cfg(feature = "alloc")]
use {
    crate::error::StreamError,
    crate::thing::Demand,
    alloc::{collections::VecDeque, format, sync::Arc},
    core::sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// What happens when an event comes to a full queue.
///
/// ```
/// use thingflow_core::Overflow;
/// assert_eq!(Overflow::default(), Overflow::Block); // nothing is lost unless you say so
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// Back-pressure: another thread that posts waits until there is room; a source on the reactor is paused, and what it
    /// cannot hold back is kept.
    ///
    /// A post from the reactor's own thread, which alone can make room, is refused as with [`Fail`](Self::Fail).
    #[default]
    Block,
    /// The oldest event in the queue makes room. With a capacity of one this keeps just the latest event.
    DropOldest,
    /// The event that has just come is dropped.
    DropNewest,
    /// The event is refused: a poster gets it back, an operator ends its stream by an error.
    Fail,
}

/// How many events an operator or a queue may hold, and what happens to one more. By default 1024, and the source waits.
///
/// ```
/// use thingflow_core::{Limit, Overflow};
/// let latest = Limit::drop_oldest(16);
/// assert_eq!((latest.capacity(), latest.overflow()), (16, Overflow::DropOldest));
/// assert_eq!(Limit::keep_latest().capacity(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Limit {
    capacity: Size,
    overflow: Overflow,
    #[cfg(feature = "alloc")]
    meter: Option<QueueMeter>,
}

impl Limit {
    /// With the policy given as a value: for one that is read from a configuration.
    #[track_caller]
    pub fn new(capacity: impl Into<Size>, overflow: Overflow) -> Self {
        Self {
            capacity: capacity.into(),
            overflow,
            #[cfg(feature = "alloc")]
            meter: None,
        }
    }

    /// At most `capacity` events, then the source waits, see [`Overflow::Block`].
    #[track_caller]
    pub fn block(capacity: impl Into<Size>) -> Self {
        Self::new(capacity, Overflow::Block)
    }

    /// At most `capacity` events, the oldest of which makes room for a new one.
    #[track_caller]
    pub fn drop_oldest(capacity: impl Into<Size>) -> Self {
        Self::new(capacity, Overflow::DropOldest)
    }

    /// At most `capacity` events; one more is dropped.
    #[track_caller]
    pub fn drop_newest(capacity: impl Into<Size>) -> Self {
        Self::new(capacity, Overflow::DropNewest)
    }

    /// At most `capacity` events; one more is an error.
    #[track_caller]
    pub fn fail(capacity: impl Into<Size>) -> Self {
        Self::new(capacity, Overflow::Fail)
    }

    /// One event: the latest.
    pub fn keep_latest() -> Self {
        Self::drop_oldest(1)
    }

    /// Counts what goes through, and what is dropped, in `meter`.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn metered(self, meter: &QueueMeter) -> Self {
        Self { meter: Some(meter.clone()), ..self }
    }

    /// Brings the meter up to date, if there is one.
    #[cfg(feature = "alloc")]
    pub(crate) fn count(&self, next: impl FnOnce(QueueStats) -> QueueStats) {
        if let Some(meter) = &self.meter {
            meter.set(next(meter.stats()));
        }
    }

    /// How many events.
    pub fn capacity(&self) -> usize {
        self.capacity.get()
    }

    /// What happens to one more.
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::block(1024)
    }
}

/// What has gone through a queue so far.
///
/// ```
/// let stats = thingflow_core::QueueStats::default();
/// assert_eq!((stats.posted, stats.dropped, stats.high_water), (0, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Events that came in, those that were dropped later included and those that were refused not.
    pub posted: u64,
    /// Events dropped by the policy, or because the receiver went away before it had dispatched them.
    pub dropped: u64,
    /// The most events that ever waited in the queue at once.
    pub high_water: usize,
}

/// Shows from outside what goes through the queue of an operator: give it to [`Limit::metered`] and keep it. Any thread may
/// look at it.
///
/// ```
/// use thingflow_core::{Limit, QueueMeter};
/// let meter = QueueMeter::default();
/// let limit = Limit::drop_oldest(2).metered(&meter);
/// assert_eq!(meter.stats().dropped, 0);
/// # let _ = limit;
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, Default)]
pub struct QueueMeter(Arc<Counts>);

/// The queue alone writes, in one place at a time, so a load and a store are enough.
#[cfg(feature = "alloc")]
#[derive(Debug, Default)]
struct Counts {
    posted: Count,
    dropped: Count,
    high_water: AtomicUsize,
}

#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
type Count = core::sync::atomic::AtomicU64;
/// A microcontroller counts to four billion.
#[cfg(all(feature = "alloc", not(target_has_atomic = "64")))]
type Count = AtomicUsize;

#[cfg(feature = "alloc")]
#[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation)] // depends on the target
impl QueueMeter {
    /// What has gone through so far. Read from another thread while events come, the three numbers may be of different
    /// moments.
    pub fn stats(&self) -> QueueStats {
        QueueStats {
            posted: self.0.posted.load(Relaxed) as u64,
            dropped: self.0.dropped.load(Relaxed) as u64,
            high_water: self.0.high_water.load(Relaxed),
        }
    }

    fn set(&self, stats: QueueStats) {
        self.0.posted.store(stats.posted as _, Relaxed);
        self.0.dropped.store(stats.dropped as _, Relaxed);
        self.0.high_water.store(stats.high_water, Relaxed);
    }
}

/// What became of an event that came to a queue.
#[cfg(feature = "alloc")]
#[derive(Debug)]
pub(crate) enum Admitted<T> {
    /// It is in the queue; `Full` asks the source to pause.
    Taken(Demand),
    /// This one was dropped, the oldest or the one that came.
    Dropped(T),
    /// There is no room, and nothing may be dropped.
    Refused(T),
}

/// The one bounded queue: the events that an operator holds back, or that wait between two threads, within a [`Limit`].
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub(crate) struct Backlog<T> {
    /// The oldest event, if it came when nothing waited. So one event alone takes no memory of its own.
    front: Option<T>,
    rest: VecDeque<T>,
    limit: Limit,
    paused: bool,
}

#[cfg(feature = "alloc")]
impl<T> Backlog<T> {
    pub(crate) fn new(limit: Limit) -> Self {
        Self { front: None, rest: VecDeque::new(), limit, paused: false }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        usize::from(self.front.is_some()) + self.rest.len()
    }

    /// Takes an event in that there is room for, uncounted.
    #[inline]
    pub(crate) fn push_back(&mut self, event: T) {
        if self.is_empty() { self.front = Some(event) } else { self.rest.push_back(event) }
    }

    /// Moves all events into `empty`, whose memory is used for the next ones.
    #[cfg(feature = "std")]
    pub(crate) fn swap(&mut self, empty: &mut VecDeque<T>) {
        core::mem::swap(&mut self.rest, empty);
        if let Some(front) = self.front.take() {
            empty.push_front(front);
        }
    }

    /// All events in one row.
    fn row(&mut self) -> &mut VecDeque<T> {
        if let Some(front) = self.front.take() {
            self.rest.push_front(front);
        }
        &mut self.rest
    }

    /// Puts an event into the empty queue without counting it: it is taken out at once, or [accepted](Self::accept).
    #[inline]
    pub(crate) fn offer(&mut self, event: T) {
        self.front = Some(event);
    }

    /// Takes in the event that was offered.
    pub(crate) fn accept(&mut self, operator: &str) -> Result<Demand, StreamError> {
        match self.front.take() {
            Some(event) => self.push(event, operator),
            None => Ok(Demand::More),
        }
    }

    /// Whether nobody counts, no source is paused, and one event more or less changes neither.
    pub(crate) fn is_calm(&self) -> bool {
        !self.paused && self.limit.meter.is_none() && self.limit.capacity() > 1
    }

    /// Takes an event in. `Full` asks the source to pause. An error, which names the operator, ends its stream.
    #[inline]
    pub(crate) fn push(&mut self, event: T, operator: &str) -> Result<Demand, StreamError> {
        if self.len() + 1 >= self.limit.capacity() || self.limit.meter.is_some() {
            return self.push_last(event, operator);
        }
        self.push_back(event);
        Ok(Demand::More)
    }

    /// As [`push`](Self::push), where there may be no room, or somebody counts.
    #[inline(never)]
    fn push_last(&mut self, event: T, operator: &str) -> Result<Demand, StreamError> {
        match self.admit(event) {
            Admitted::Taken(demand) => Ok(demand),
            Admitted::Dropped(_) => Ok(Demand::More),
            Admitted::Refused(_) => {
                let n = self.limit.capacity();
                Err(StreamError::message(format!(
                    "{operator} holds {n} events and is full: give it more room or another policy"
                )))
            }
        }
    }

    /// Takes an event in as the policy says: the one place where that is decided. What is dropped is handed back, so that
    /// its `Drop`, user code, runs where the caller holds no lock.
    pub(crate) fn admit(&mut self, event: T) -> Admitted<T> {
        let full = self.len() >= self.limit.capacity();
        let dropped = match self.limit.overflow {
            Overflow::Fail if full => return Admitted::Refused(event),
            Overflow::DropNewest if full => {
                self.count(1, 1);
                return Admitted::Dropped(event);
            }
            Overflow::DropOldest if full => self.pop(),
            _ => None,
        };
        self.push_back(event);
        self.count(1, u64::from(dropped.is_some()));
        if self.limit.overflow == Overflow::Block && self.len() >= self.limit.capacity() {
            self.paused = true;
            return Admitted::Taken(Demand::Full);
        }
        dropped.map_or(Admitted::Taken(Demand::More), Admitted::Dropped)
    }

    /// Whether another event would not be one too many for the source.
    pub(crate) fn has_room(&self) -> bool {
        self.limit.overflow != Overflow::Block || self.len() < self.limit.capacity()
    }

    /// Counts an event that went past without waiting.
    pub(crate) fn pass(&self) {
        self.count(1, 0);
    }

    /// The oldest event.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.front.take().or_else(|| self.rest.pop_front())
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<&T> {
        self.front.as_ref().or_else(|| self.rest.front())
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.front.is_none() && self.rest.is_empty()
    }

    /// Looks at all events, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.front.iter().chain(&self.rest)
    }

    /// Moves the newest event to its place in an order in which the others are already.
    pub(crate) fn sort_newest(&mut self, is_after: impl Fn(&T, &T) -> bool) {
        let events = self.row();
        let mut at = events.len().saturating_sub(1);
        while at > 0 && is_after(&events[at - 1], &events[at]) {
            events.swap(at - 1, at);
            at -= 1;
        }
    }

    /// All events, oldest first.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.row().drain(..)
    }

    /// Whether a source was asked to pause and may go on, now that half of the room is free: then call
    /// [`Context::resume`](crate::Context::resume).
    #[inline]
    pub(crate) fn take_room(&mut self) -> bool {
        let room = self.paused && self.len() <= self.limit.capacity() / 2;
        self.paused &= !room;
        room
    }

    fn count(&self, posted: u64, dropped: u64) {
        let high_water = self.len();
        self.limit.count(|stats| QueueStats {
            posted: stats.posted + posted,
            dropped: stats.dropped + dropped,
            high_water: stats.high_water.max(high_water),
        });
    }
}
