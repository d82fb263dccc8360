//! [`Arrivals`]: what comes to a port, a join or a shared Thing while it is being called.

use alloc::collections::VecDeque;
use alloc::format;
use core::cell::RefCell;

use crate::context::Context;
use crate::error::FatalError;

/// Arrivals in their order. They are delivered right after the call in progress, by whoever made it.
///
/// A Thing that sends itself more than it can deliver would fill the memory: so there is a limit, and beyond it the run ends.
pub(crate) struct Arrivals<T>(RefCell<VecDeque<T>>);

/// So many wait at most for one call to end.
pub(crate) const MOST_WAITING: usize = 1 << 16;

impl<T> Arrivals<T> {
    /// Takes an arrival in; `name` says whose it is.
    pub(crate) fn push(
        &self,
        arrival: T,
        name: impl FnOnce() -> alloc::string::String,
        cx: &mut Context<'_>,
    ) -> Result<(), FatalError> {
        let mut waiting = self.0.borrow_mut();
        if waiting.len() < MOST_WAITING {
            waiting.push_back(arrival);
            return Ok(());
        }
        drop(waiting);
        Err(cx.fatal(format!(
            "{}: {MOST_WAITING} events wait for a call to end: a loop sends more than it takes; lead it through `.feedback(..)`, \
             and let fewer events come of each",
            name()
        )))
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.borrow_mut().pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes all of them out.
    pub(crate) fn take(&self) -> VecDeque<T> {
        self.0.take()
    }
}

impl<T> Default for Arrivals<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}
