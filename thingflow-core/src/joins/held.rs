//! The events of one input that wait in a join: [`Held`] within a [`Limit`](crate::Limit), [`HeldIn`] in a fixed place.

use heapless::Deque;

use crate::error::StreamError;
use crate::thing::Demand;

#[cfg(feature = "alloc")]
use crate::limit::{Backlog, Limit};

/// The events of one input that wait, and whether the input has ended.
pub trait Queue {
    /// The type of the events.
    type Event;
    /// Takes an event in. `Full` asks the source to pause.
    ///
    /// # Errors
    /// If the queue is full and must not drop anything; `operator` is named.
    fn push(&mut self, event: Self::Event, operator: &'static str) -> Result<Demand, StreamError>;
    /// The place of an event that passes the queue, for it is the next to be taken out and the queue is empty.
    fn hand(&mut self) -> &mut Option<Self::Event>;
    /// The oldest event, which goes on waiting.
    fn front(&self) -> Option<&Self::Event>;
    /// Takes the oldest event out.
    fn pop(&mut self) -> Option<Self::Event>;
    /// Whether nothing waits.
    fn is_empty(&self) -> bool;
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
    /// See [`Queue::hand`].
    hand: Option<T>,
    pub(super) events: Backlog<T>,
    pub(super) ended: bool,
}

#[cfg(feature = "alloc")]
impl<T> Held<T> {
    pub(super) fn new(limit: Limit) -> Self {
        Self { hand: None, events: Backlog::new(limit), ended: false }
    }
}

#[cfg(feature = "alloc")]
impl<T> Queue for Held<T> {
    type Event = T;
    #[inline]
    fn push(&mut self, event: T, operator: &'static str) -> Result<Demand, StreamError> {
        self.events.push(event, operator)
    }
    #[inline]
    fn hand(&mut self) -> &mut Option<T> {
        &mut self.hand
    }
    #[inline]
    fn front(&self) -> Option<&T> {
        self.events.front()
    }
    #[inline]
    fn pop(&mut self) -> Option<T> {
        if self.hand.is_none() {
            return self.events.pop();
        }
        self.events.pass();
        self.hand.take()
    }
    #[inline]
    fn is_empty(&self) -> bool {
        self.hand.is_none() && self.events.is_empty()
    }
    fn has_room(&self) -> bool {
        self.events.has_room()
    }
    #[inline]
    fn take_room(&mut self) -> bool {
        self.events.take_room()
    }
    fn end(&mut self) {
        self.ended = true;
    }
    #[inline]
    fn is_ended(&self) -> bool {
        self.ended
    }
}

/// At most `N` events of one input that wait, without an allocator. One more ends the join by an error.
#[derive(Debug)]
pub struct HeldIn<T, const N: usize> {
    /// See [`Queue::hand`].
    hand: Option<T>,
    events: Deque<T, N>,
    ended: bool,
}

impl<T, const N: usize> Default for HeldIn<T, N> {
    fn default() -> Self {
        Self { hand: None, events: Deque::new(), ended: false }
    }
}

impl<T, const N: usize> Queue for HeldIn<T, N> {
    type Event = T;
    fn push(&mut self, event: T, _: &'static str) -> Result<Demand, StreamError> {
        let full = StreamError::new("a join is full: give it more room");
        self.events.push_back(event).map(|()| Demand::More).map_err(|_| full)
    }
    fn hand(&mut self) -> &mut Option<T> {
        &mut self.hand
    }
    fn front(&self) -> Option<&T> {
        self.events.front()
    }
    fn pop(&mut self) -> Option<T> {
        self.hand.take().or_else(|| self.events.pop_front())
    }
    fn is_empty(&self) -> bool {
        self.hand.is_none() && self.events.is_empty()
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
