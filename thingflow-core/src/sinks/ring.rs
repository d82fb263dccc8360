//! `Ring::new(n)`: keeps the latest events, to be looked at from outside.
//!
//! Holds up to `n` events.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

use crate::context::Context;
use crate::error::StreamError;
use crate::size::Size;
use crate::thing::{Closed, Demand, Receipt, Sink};

/// Keeps the latest `n` events; an older one makes room. Clones are the same ring: connect one, keep the other.
///
/// An error of the stream is reported. The events stay when the stream has ended.
///
/// ```
/// use thingflow_core::prelude::*;
/// let (lux, recent) = (Port::new(), Ring::new(3));
/// lux.connect(recent.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// for v in [18, 25, 31, 40] {
///     lux.emit(v, cx)?;
/// }
/// assert_eq!(recent.latest(), Some(40));
/// assert_eq!(recent.last(2), [31, 40]);
/// assert_eq!(recent.take(), [25, 31, 40]);
/// assert!(recent.is_empty());
/// # Ok::<(), FatalError>(())
/// ```
#[doc(alias = "RingBuffer")]
#[doc(alias = "current_value")]
pub struct Ring<T> {
    capacity: usize,
    events: Rc<RefCell<VecDeque<T>>>,
}

impl<T> Ring<T> {
    /// A ring for `n` events.
    #[track_caller]
    pub fn new(n: impl Into<Size>) -> Self {
        Self { capacity: n.into().get(), events: Rc::default() }
    }

    /// Takes all events out, the oldest first.
    pub fn take(&self) -> Vec<T> {
        self.events.borrow_mut().drain(..).collect()
    }

    /// How many events are there.
    pub fn len(&self) -> usize {
        self.events.borrow().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Clone> Ring<T> {
    /// All events, the oldest first.
    pub fn all(&self) -> Vec<T> {
        self.last(self.capacity)
    }

    /// The last `n` events, the oldest first; fewer if there are fewer.
    pub fn last(&self, n: usize) -> Vec<T> {
        let events = self.events.borrow();
        events.iter().skip(events.len().saturating_sub(n)).cloned().collect()
    }

    /// The newest event.
    pub fn latest(&self) -> Option<T> {
        self.events.borrow().back().cloned()
    }
}

impl<T> Sink for Ring<T> {
    type Event = T;
    fn on_next(&mut self, event: T, _: &mut Context<'_>) -> Receipt {
        let mut events = self.events.borrow_mut();
        let oldest = if events.len() == self.capacity { events.pop_front() } else { None };
        events.push_back(event);
        drop(events);
        drop(oldest); // only now: its `Drop` may look at the ring
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report("Ring", &error);
        Ok(())
    }
}

impl<T> Clone for Ring<T> {
    fn clone(&self) -> Self {
        Self { capacity: self.capacity, events: self.events.clone() }
    }
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ring({} of {})", self.len(), self.capacity)
    }
}
