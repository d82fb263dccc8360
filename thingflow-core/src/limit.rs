//! [`Limit`]: how many events a queue holds, and what happens when it is full.

use core::marker::PhantomData;

use crate::error::StreamError;
use crate::size::Size;
use crate::state::{Saved, StateVisitor, on_store};
use crate::storage::Store;
use crate::thing::Demand;

#[cfg(feature = "alloc")]
use {
    crate::storage::Growing,
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
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
    /// How many events a state may restore, where there is room for so many. A source that is asked to pause may send on for a while.
    pub(crate) fn restores(&self, room: usize) -> usize {
        if self.overflow == Overflow::Block { room } else { self.capacity() }
    }

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

    /// What becomes of one more event where `held` are held already.
    #[inline]
    pub(crate) fn admit(&self, held: usize) -> Admission {
        if held < self.capacity() {
            return Admission::Takes;
        }
        match self.overflow {
            Overflow::Block => Admission::Takes,
            Overflow::DropOldest => Admission::DropsOldest,
            Overflow::DropNewest => Admission::DropsNewest,
            Overflow::Fail => Admission::Refuses,
        }
    }

    /// Whether another event would not be one too many for the source, where `held` are held already.
    #[inline]
    pub(crate) fn has_room(&self, held: usize) -> bool {
        self.overflow != Overflow::Block || held < self.capacity()
    }

    /// Counts in the meter, if there is one: so many events came in, so many were dropped, so many are held now.
    #[inline]
    pub(crate) fn note(&self, posted: u64, dropped: u64, held: usize) {
        #[cfg(feature = "alloc")]
        self.count(|stats| QueueStats {
            posted: stats.posted + posted,
            dropped: stats.dropped + dropped,
            high_water: stats.high_water.max(held),
        });
        #[cfg(not(feature = "alloc"))]
        let _ = (posted, dropped, held);
    }

    /// Whether somebody counts.
    #[inline]
    fn is_metered(&self) -> bool {
        #[cfg(feature = "alloc")]
        return self.meter.is_some();
        #[cfg(not(feature = "alloc"))]
        false
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

/// What a queue holds, may hold and has dropped: what a walk over the graph sees of it.
///
/// ```
/// use thingflow_core::{Limit, QueueState};
/// let mut queue = QueueState::new(3, &Limit::drop_oldest(16));
/// queue.dropped = 7;
/// assert_eq!((queue.waiting, queue.capacity, queue.dropped), (3, Some(16), 7));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct QueueState {
    /// Events in the queue, and those that are being worked on.
    pub waiting: u64,
    /// How many it may hold; `None` if others keep it within bounds.
    pub capacity: Option<u64>,
    /// What happens to one more.
    pub overflow: Overflow,
    /// Events that came in, where that is counted: between threads, and where there is a [`QueueMeter`].
    pub posted: Option<u64>,
    /// Events that the policy of the full queue has dropped.
    pub dropped: u64,
    /// Events that were refused for good, see [`Refusal::Event`](crate::Refusal::Event).
    pub dead: u64,
    /// Events that were still waiting when the receiver failed, or wanted no more.
    pub lost: u64,
}

impl QueueState {
    /// A queue of which no more is known than what waits in it and what may.
    pub fn new(waiting: usize, limit: &Limit) -> Self {
        Self {
            waiting: waiting as u64,
            capacity: Some(limit.capacity()).filter(|most| *most < usize::MAX).map(|most| most as u64),
            overflow: limit.overflow(),
            ..Self::default()
        }
    }
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

    pub(crate) fn set(&self, stats: QueueStats) {
        self.0.posted.store(stats.posted as _, Relaxed);
        self.0.dropped.store(stats.dropped as _, Relaxed);
        self.0.high_water.store(stats.high_water, Relaxed);
    }
}

/// What a [`Limit`] says of one more event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Takes,
    DropsOldest,
    DropsNewest,
    Refuses,
}

/// What became of an event that came to a queue.
#[derive(Debug)]
pub(crate) enum Admitted<T> {
    /// It is in the queue; `Full` asks the source to pause.
    Taken(Demand),
    /// This one was dropped, the oldest or the one that came.
    Dropped(T),
    /// There is no room, and nothing may be dropped.
    Refused(T),
}

/// The events that an operator holds back within a [`Limit`], in a [`Store`] of its choice.
///
/// ```
/// use thingflow_core::{Demand, Limit};
/// use thingflow_core::storage::{Bounded, InPlace, Room};
/// let mut held = Bounded::<u8, <InPlace<2> as Room>::Store<u8>>::new(Limit::block(2));
/// assert_eq!(held.push(1, "mine")?, Demand::More);
/// assert_eq!(held.push(2, "mine")?, Demand::Full); // taken, and the source is to pause
/// assert!(held.push(3, "mine").is_err()); // it has not paused, and there is no room in place
/// assert_eq!((held.pop(), held.take_room()), (Some(1), true)); // it may go on
/// # Ok::<(), thingflow_core::StreamError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bounded<T, S> {
    events: S,
    limit: Limit,
    paused: bool,
    /// Events that the policy has dropped.
    #[cfg(feature = "alloc")]
    dropped: u64,
    item: PhantomData<fn() -> T>,
}

/// What is held back on the heap.
#[cfg(feature = "alloc")]
pub type Backlog<T> = Bounded<T, Growing<T>>;

impl<T, S: Store<T>> Bounded<T, S> {
    /// Holds nothing yet. A limit above the room of the store counts as that room.
    pub fn new(limit: Limit) -> Self {
        let limit = if limit.capacity() > S::ROOM { Limit { capacity: Size::from(S::ROOM), ..limit } } else { limit };
        Self {
            events: S::default(),
            limit,
            paused: false,
            #[cfg(feature = "alloc")]
            dropped: 0,
            item: PhantomData,
        }
    }

    /// Takes an event in. `Full` asks the source to pause.
    ///
    /// # Errors
    /// That there is no room, in a text for which `operator` is the name of the operator: it ends its stream.
    #[inline]
    pub fn push(&mut self, event: T, operator: &str) -> Result<Demand, StreamError> {
        if self.events.len() + 1 >= self.limit.capacity() || self.limit.is_metered() {
            return self.push_last(event, operator);
        }
        let _ = self.events.push_back(event); // there is room: the limit is within that of the store
        Ok(Demand::More)
    }

    /// As [`push`](Self::push), where there may be no room, or somebody counts.
    #[inline(never)]
    fn push_last(&mut self, event: T, operator: &str) -> Result<Demand, StreamError> {
        match self.admit(event) {
            Admitted::Taken(demand) => Ok(demand),
            Admitted::Dropped(event) => {
                evict(|| drop(event));
                Ok(Demand::More)
            }
            Admitted::Refused(_) => Err(self.no_room(operator)),
        }
    }

    /// Takes an event in as the policy says. What is dropped is handed back, so that its `Drop`, user code, runs where the
    /// caller holds no lock.
    pub(crate) fn admit(&mut self, event: T) -> Admitted<T> {
        let dropped = match self.limit.admit(self.events.len()) {
            Admission::Takes => None,
            Admission::DropsOldest => self.events.pop_front(),
            Admission::DropsNewest => {
                self.note_dropped();
                self.count(1, 1);
                return Admitted::Dropped(event);
            }
            Admission::Refuses => return Admitted::Refused(event),
        };
        if let Err(event) = self.events.push_back(event) {
            return Admitted::Refused(event);
        }
        if dropped.is_some() {
            self.note_dropped();
        }
        self.count(1, u64::from(dropped.is_some()));
        if !self.has_room() {
            self.paused = true;
            return Admitted::Taken(Demand::Full);
        }
        dropped.map_or(Admitted::Taken(Demand::More), Admitted::Dropped)
    }

    #[cold]
    fn no_room(&self, operator: &str) -> StreamError {
        no_room(operator, &self.limit)
    }

    /// The oldest event.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.events.pop_front()
    }

    /// The oldest event, to look at.
    #[inline]
    pub fn front(&self) -> Option<&T> {
        self.events.front()
    }

    /// Whether nothing is held.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many events are held.
    #[inline]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Looks at all events, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.events.iter()
    }

    /// Shows the events to a walk over the state.
    pub fn on_events(&mut self, name: &'static str, state: &mut dyn StateVisitor)
    where
        T: Saved,
    {
        on_store(name, &mut self.events, self.limit.restores(S::ROOM), state);
    }

    /// Takes the events one by one, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        core::iter::from_fn(|| self.events.pop_front())
    }

    /// Drops all events.
    pub fn clear(&mut self) {
        self.events = S::default();
    }

    /// Whether another event would not be one too many for the source.
    pub fn has_room(&self) -> bool {
        self.limit.has_room(self.events.len())
    }

    /// What may be held.
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// Counts an event that went past without waiting.
    pub fn pass(&self) {
        self.count(1, 0);
    }

    /// Whether a source was asked to pause and may go on, now that half of the room is free: says so once. Then call
    /// [`Context::resume`](crate::Context::resume).
    #[inline]
    pub fn take_room(&mut self) -> bool {
        let room = self.paused && self.events.len() <= self.limit.capacity() / 2;
        self.paused &= !room;
        room
    }

    fn count(&self, posted: u64, dropped: u64) {
        self.limit.note(posted, dropped, self.events.len());
    }

    fn note_dropped(&mut self) {
        #[cfg(feature = "alloc")]
        {
            self.dropped += 1;
        }
    }

    /// What is held, may be held and, where there is an allocator, was dropped: for a walk over the graph.
    pub fn state(&self) -> QueueState {
        QueueState {
            #[cfg(feature = "alloc")]
            posted: self.limit.meter.as_ref().map(|meter| meter.stats().posted),
            #[cfg(feature = "alloc")]
            dropped: self.dropped,
            ..QueueState::new(self.events.len(), &self.limit)
        }
    }
}

/// Drops what a full queue has no room for, by its policy: who tracks it hears of that. A drop is user code.
pub(crate) fn evict(drops: impl FnOnce()) {
    #[cfg(feature = "std")]
    crate::tracking::evict(drops);
    #[cfg(not(feature = "std"))]
    drops();
}

/// What an operator says that is full, and may neither drop an event nor hold one more.
#[cold]
pub(crate) fn no_room(operator: &str, limit: &Limit) -> StreamError {
    #[cfg(feature = "alloc")]
    {
        let or_else = if limit.overflow() == Overflow::Fail { " or another policy" } else { "" };
        let n = limit.capacity();
        StreamError::msg(format!("{operator} holds {n} events and is full: give it more room{or_else}"))
    }
    #[cfg(not(feature = "alloc"))]
    let _ = (operator, limit);
    #[cfg(not(feature = "alloc"))]
    StreamError::new("a filter is full: give it more room")
}

#[cfg(feature = "alloc")]
impl<T> Bounded<T, VecDeque<T>> {
    /// Takes all events. The next ones may be as many.
    pub(crate) fn take_all(&mut self) -> VecDeque<T> {
        let next = VecDeque::with_capacity(self.events.len());
        core::mem::replace(&mut self.events, next)
    }
}

/// Between two threads, where it stands behind a lock.
#[cfg(feature = "std")]
impl<T> Backlog<T> {
    /// Takes an event in that there is room for, uncounted.
    #[inline]
    pub(crate) fn push_back(&mut self, event: T) {
        let _ = self.events.push_back(event); // on the heap there is room
    }

    /// Moves all events into `empty`, whose memory is used for the next ones.
    pub(crate) fn swap(&mut self, empty: &mut VecDeque<T>) {
        empty.clear(); // it begins where its memory does
        core::mem::swap(self.events.row(), empty);
    }
}

#[cfg(feature = "alloc")]
impl<T> Backlog<T> {
    /// Puts an event into the empty queue without counting it: it is taken out at once, or [accepted](Self::accept).
    #[inline]
    pub(crate) fn offer(&mut self, event: T) {
        self.events.put(event);
    }

    /// Takes in the event that was offered.
    pub(crate) fn accept(&mut self, operator: &str) -> Result<Demand, StreamError> {
        match self.events.pop_front() {
            Some(event) => self.push(event, operator),
            None => Ok(Demand::More),
        }
    }

    /// Whether nobody counts, no source is paused, and one event more or less changes neither.
    pub(crate) fn is_calm(&self) -> bool {
        !self.paused && !self.limit.is_metered() && self.limit.capacity() > 1
    }

    /// Takes an event in that a walk over the state shows, unless there are as many as may be: whether it did.
    pub(crate) fn put_back(&mut self, event: T, most: usize) -> bool {
        let has_room = self.events.len() < most;
        if has_room {
            let _ = self.events.push_back(event); // on the heap there is room
        }
        has_room
    }

    /// Moves the newest event to its place in an order in which the others are already.
    pub(crate) fn sort_newest(&mut self, is_after: impl Fn(&T, &T) -> bool) {
        let events = self.events.row();
        let mut at = events.len().saturating_sub(1);
        while at > 0 && is_after(&events[at - 1], &events[at]) {
            events.swap(at - 1, at);
            at -= 1;
        }
    }
}
