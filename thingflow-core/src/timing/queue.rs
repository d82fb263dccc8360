//! Where operators that hold many events back keep them: `Limited` within a [`Limit`](crate::Limit), [`Slots`] in a
//! fixed number of places.

use crate::error::StreamError;
use crate::thing::Demand;

#[cfg(feature = "alloc")]
use crate::limit::{Backlog, Limit};

/// A queue of what is held back. There are two, `Limited` within a limit, and [`Slots`] without an allocator.
pub trait Queue<T> {
    /// Takes an event in. `Full` asks the source to pause.
    ///
    /// # Errors
    /// That there is no room, in a text for which `operator` is the name of the operator.
    fn push(&mut self, event: T, operator: &'static str) -> Result<Demand, StreamError>;
    /// The oldest event.
    fn pop(&mut self) -> Option<T>;
    /// The oldest event, to look at.
    fn front(&self) -> Option<&T>;
    /// Whether one more event could be taken without asking the source to pause for it.
    fn has_room(&self) -> bool;
    /// Counts an event that does not have to wait.
    fn pass(&self) {}
    /// Whether a source was asked to pause and may go on: says so once.
    fn take_room(&mut self) -> bool;
}

/// A queue within a [`Limit`].
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct Limited<T>(Backlog<T>);

#[cfg(feature = "alloc")]
impl<T> Limited<T> {
    pub(super) fn new(limit: Limit) -> Self {
        Self(Backlog::new(limit))
    }
}

#[cfg(feature = "alloc")]
impl<T> Queue<T> for Limited<T> {
    fn push(&mut self, event: T, operator: &'static str) -> Result<Demand, StreamError> {
        self.0.push(event, operator)
    }
    fn pop(&mut self) -> Option<T> {
        self.0.pop()
    }
    fn front(&self) -> Option<&T> {
        self.0.front()
    }
    fn has_room(&self) -> bool {
        self.0.has_room()
    }
    fn pass(&self) {
        self.0.pass();
    }
    fn take_room(&mut self) -> bool {
        self.0.take_room()
    }
}

/// A queue of `N` places, which needs no allocator. The source is asked to pause when all are taken; a source that does
/// not heed that ends the stream by an error.
#[derive(Clone, Debug)]
pub struct Slots<T, const N: usize> {
    events: heapless::Deque<T, N>,
    paused: bool,
}

impl<T, const N: usize> Slots<T, N> {
    pub(super) const fn new() -> Self {
        Self { events: heapless::Deque::new(), paused: false }
    }
}

impl<T, const N: usize> Queue<T> for Slots<T, N> {
    fn push(&mut self, event: T, operator: &'static str) -> Result<Demand, StreamError> {
        if self.events.push_back(event).is_err() {
            return Err(no_room::<N>(operator));
        }
        if self.events.is_full() {
            self.paused = true;
            return Ok(Demand::Full);
        }
        Ok(Demand::More)
    }
    fn pop(&mut self) -> Option<T> {
        self.events.pop_front()
    }
    fn front(&self) -> Option<&T> {
        self.events.front()
    }
    fn has_room(&self) -> bool {
        !self.events.is_full()
    }
    fn take_room(&mut self) -> bool {
        let room = self.paused && self.events.len() <= N / 2;
        self.paused &= !room;
        room
    }
}

#[cfg(feature = "alloc")]
#[cold]
fn no_room<const N: usize>(operator: &str) -> StreamError {
    StreamError::message(alloc::format!("{operator} holds {N} events and is full: give it more room"))
}

#[cfg(not(feature = "alloc"))]
#[cold]
fn no_room<const N: usize>(_: &str) -> StreamError {
    StreamError::new("a filter is full: give it more room")
}

/// All that is left, oldest first.
pub(super) fn drain<T>(queue: &mut impl Queue<T>) -> impl Iterator<Item = T> {
    core::iter::from_fn(|| queue.pop())
}
