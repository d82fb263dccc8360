//! The events of one input that wait in a join: [`Held`] within a [`Limit`](crate::Limit), [`HeldIn`] in a fixed place.

use heapless::Deque;

use crate::error::StreamError;
use crate::limit::{Limit, QueueState};
use crate::state::{Saved, SavedEvents, StateVisitor, on_store};
use crate::thing::Demand;

#[cfg(feature = "alloc")]
use crate::limit::Backlog;

/// The events of one input that wait, and whether the input has ended.
pub trait Queue {
    /// The type of the events.
    type Event;
    /// Takes an event in. `Full` asks the source to pause.
    ///
    /// # Errors
    /// If the queue is full and must not drop anything; `operator` is named.
    fn push(&mut self, event: Self::Event, operator: &'static str) -> Result<Demand, StreamError>;
    /// Puts an event into the empty queue for the moment: it is taken out and [counted](Self::pass), or
    /// [accepted](Self::accept).
    fn offer(&mut self, event: Self::Event);
    /// Takes in the event that was offered, as [`push`](Self::push) does.
    ///
    /// # Errors
    /// As `push`.
    fn accept(&mut self, operator: &'static str) -> Result<Demand, StreamError>;
    /// Counts an event that was offered and taken out again.
    fn pass(&self) {}
    /// Whether events may come and go without more ado: the input goes on, no source is paused, nobody counts.
    fn is_calm(&self) -> bool;
    /// The oldest event, which goes on waiting.
    fn front(&self) -> Option<&Self::Event>;
    /// Takes the oldest event out.
    fn pop(&mut self) -> Option<Self::Event>;
    /// Whether nothing waits.
    fn is_empty(&self) -> bool;
    /// What waits, may wait and was dropped.
    fn state(&self) -> QueueState;
    /// Whether there is room for another event before the source has to pause.
    fn has_room(&self) -> bool;
    /// Whether a source was asked to pause and may go on.
    fn take_room(&mut self) -> bool;
    /// Notes that the input has ended.
    fn end(&mut self);
    /// Whether the input has ended.
    fn is_ended(&self) -> bool;
}

/// Events of one input that wait, within a [`Limit`].
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct Held<T> {
    pub(super) events: Backlog<T>,
    pub(super) ended: bool,
    /// See [`Queue::is_calm`].
    calm: bool,
}

#[cfg(feature = "alloc")]
impl<T> Held<T> {
    pub(super) fn new(limit: Limit) -> Self {
        let events = Backlog::new(limit);
        Self { calm: events.is_calm(), events, ended: false }
    }

    /// After a change of what it depends on.
    fn note_calm(&mut self) {
        self.calm = !self.ended && self.events.is_calm();
    }
}

#[cfg(feature = "alloc")]
impl<T> Queue for Held<T> {
    type Event = T;
    #[inline]
    fn push(&mut self, event: T, operator: &'static str) -> Result<Demand, StreamError> {
        let demand = self.events.push(event, operator)?;
        self.calm &= demand == Demand::More;
        Ok(demand)
    }
    #[inline]
    fn offer(&mut self, event: T) {
        self.events.offer(event);
    }
    #[inline]
    fn accept(&mut self, operator: &'static str) -> Result<Demand, StreamError> {
        if self.calm { Ok(Demand::More) } else { self.events.accept(operator) }
    }
    fn pass(&self) {
        self.events.pass();
    }
    #[inline]
    fn is_calm(&self) -> bool {
        self.calm
    }
    #[inline]
    fn front(&self) -> Option<&T> {
        self.events.front()
    }
    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.events.pop()
    }
    #[inline]
    fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
    fn state(&self) -> QueueState {
        self.events.state()
    }
    fn has_room(&self) -> bool {
        self.events.has_room()
    }
    fn take_room(&mut self) -> bool {
        let room = self.events.take_room();
        self.note_calm();
        room
    }
    fn end(&mut self) {
        self.ended = true;
        self.calm = false;
    }
    #[inline]
    fn is_ended(&self) -> bool {
        self.ended
    }
}

/// Whether the input has ended is not shown: the program that runs next sees what its own inputs do.
#[cfg(feature = "alloc")]
impl<T: Saved> SavedEvents for Held<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.events.on_events("events", state);
    }
}

/// At most `N` events of one input that wait, without an allocator. One more ends the join with an error.
#[derive(Debug)]
pub struct HeldIn<T, const N: usize> {
    /// See [`Queue::offer`].
    offered: Option<T>,
    events: Deque<T, N>,
    ended: bool,
}

impl<T, const N: usize> Default for HeldIn<T, N> {
    fn default() -> Self {
        Self { offered: None, events: Deque::new(), ended: false }
    }
}

impl<T, const N: usize> Queue for HeldIn<T, N> {
    type Event = T;
    fn push(&mut self, event: T, _: &'static str) -> Result<Demand, StreamError> {
        let full = StreamError::new("a join is full: give it more room");
        self.events.push_back(event).map(|()| Demand::More).map_err(|_| full)
    }
    fn offer(&mut self, event: T) {
        self.offered = Some(event);
    }
    fn accept(&mut self, operator: &'static str) -> Result<Demand, StreamError> {
        self.offered.take().map_or(Ok(Demand::More), |event| self.push(event, operator))
    }
    fn is_calm(&self) -> bool {
        !self.ended
    }
    fn front(&self) -> Option<&T> {
        self.events.front()
    }
    fn pop(&mut self) -> Option<T> {
        self.offered.take().or_else(|| self.events.pop_front())
    }
    fn is_empty(&self) -> bool {
        self.offered.is_none() && self.events.is_empty()
    }
    fn state(&self) -> QueueState {
        QueueState::new(self.events.len(), &Limit::fail(N))
    }
    fn has_room(&self) -> bool {
        true
    }
    fn take_room(&mut self) -> bool {
        false
    }
    fn end(&mut self) {
        self.ended = true;
    }
    fn is_ended(&self) -> bool {
        self.ended
    }
}

impl<T: Saved, const N: usize> SavedEvents for HeldIn<T, N> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        on_store("events", &mut self.events, N, state);
    }
}
