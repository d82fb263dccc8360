//! [`Tracker`]: the source's side of tracked events.

use alloc::boxed::Box;
use alloc::rc::Rc;
#[cfg(feature = "std")]
use alloc::rc::Weak;
use core::cell::{Cell, RefCell};
use core::fmt;

use super::ledger::{Ledger, Settled};
use super::sync::Shared;
use super::tracked::{Ack, Tracked};
use crate::context::Context;
#[cfg(feature = "std")]
use crate::port::RunLink;
use crate::size::Size;
use crate::thing::{Closed, Demand};

/// Follows the events of a source until nobody holds them any more, and then tells a callback, once for each event.
///
/// The callback runs on the thread of the reactor, after the event has been sent or at the end of the scheduler's turn,
/// wherever the event was let go of: so it may change what belongs to the reactor, send events, or end the run by a fatal
/// error. Clones are the same tracker.
///
/// The scheduler of the chain that first used the tracker drives it, when that is gone the next one, and at the end of a run it reports as
/// [`Abandoned`](super::Outcome::Abandoned) what nobody is done with. Without that scheduler, [`settle`](Self::settle) does
/// it by hand; a chain does so too with each of its events. An event that the program holds longer than the tracker and its
/// scheduler live is not reported: it is not done.
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use thingflow_core::prelude::*;
/// use thingflow_core::tracking::{Outcome, Tracker, Tracking};
/// let log = Rc::new(RefCell::new(Vec::new()));
/// let notes = log.clone();
/// let tracker = Tracker::new(move |settled, _| {
///     notes.borrow_mut().push((settled.meta, settled.outcome == Outcome::Done));
///     Ok(())
/// });
/// let lines = from_iter(["7", "x", "9"]).track_by(&tracker, |line| line.len());
/// let numbers = lines.try_map_value(|line| line.parse::<i32>()).acknowledge();
/// assert_eq!(numbers.collect_now(), [7, 9]);
/// assert_eq!(*log.borrow(), [(1, true), (1, false), (1, true)]);
/// assert_eq!(tracker.committed(), 1); // the second one failed: read again from there
/// ```
pub struct Tracker<M = ()> {
    inner: Rc<Inner<M>>,
}

type Callback<M> = dyn FnMut(Settled<M>, &mut Context<'_>) -> Closed;

pub(super) struct Inner<M> {
    ledger: Shared<Ledger<M>>,
    callback: RefCell<Box<Callback<M>>>,
    /// As many may be on their way.
    room: Cell<usize>,
    /// A source was told to pause.
    paused: Cell<bool>,
    /// The scheduler that drives it.
    #[cfg(feature = "std")]
    home: RefCell<Weak<RunLink>>,
}

impl<M: 'static> Tracker<M> {
    /// A tracker that calls `callback` with what became of each event.
    pub fn new(callback: impl FnMut(Settled<M>, &mut Context<'_>) -> Closed + 'static) -> Self {
        let inner = Inner {
            ledger: Ledger::new(),
            callback: RefCell::new(Box::new(callback)),
            room: Cell::new(usize::MAX),
            paused: Cell::new(false),
            #[cfg(feature = "std")]
            home: RefCell::default(),
        };
        Self { inner: Rc::new(inner) }
    }

    /// Asks the source to pause while `n` events are in flight. Without it there is no limit. It must be more than what
    /// the operators of the graph hold back together, or they wait for events that never come.
    #[track_caller]
    #[must_use]
    pub fn at_most(self, n: impl Into<Size>) -> Self {
        self.inner.room.set(n.into().get());
        self
    }

    /// Begins to follow an event: for a source of your own. In a chain, see [`track`](super::Tracking::track). To keep
    /// within the limit answer with [`demand`](Self::demand).
    pub fn track<T>(&self, value: T, meta: M, cx: &mut Context<'_>) -> Tracked<T, M> {
        self.register(cx);
        Ack::new(self.inner.ledger.enter(meta, false)).with(value)
    }

    /// As [`track`](Self::track), when [`settle`](Self::settle) follows at once.
    pub(super) fn track_sending<T>(&self, value: T, meta: M) -> Tracked<T, M> {
        Ack::new(self.inner.ledger.enter(meta, true)).with(value)
    }

    /// `Full` while as many events are in flight as the limit allows. The scheduler resumes the sources when half of them
    /// are settled.
    pub fn demand(&self) -> Demand {
        let room = self.inner.room.get();
        if room == usize::MAX || self.in_flight() < room {
            return Demand::More;
        }
        self.inner.paused.set(true);
        Demand::Full
    }

    /// How many events are in flight: held by somebody, or not yet told to the callback.
    pub fn in_flight(&self) -> usize {
        self.inner.ledger.in_flight()
    }

    /// The number of events in a row, from the first, that are done: the place in a file, a log or a partition from which
    /// to read after a restart. An event that failed or was abandoned stops it, until it is [skipped](Self::skip).
    pub fn committed(&self) -> u64 {
        self.inner.ledger.committed()
    }

    /// Lets [`committed`](Self::committed) pass an event that failed: it is dealt with, in a dead-letter file perhaps. One
    /// number is kept for each that is not.
    pub fn skip(&self, index: u64) {
        self.inner.ledger.skip(index);
    }

    /// Tells the callback what has become of events since the last time. A scheduler does it by itself.
    ///
    /// # Errors
    /// The fatal error of the callback.
    pub fn settle(&self, cx: &mut Context<'_>) -> Closed {
        self.inner.settle(cx)
    }

    /// A dispatch has ended the run.
    pub(super) fn end_run(&self) {
        self.inner.ledger.end_run();
    }

    /// Has the scheduler drive the tracker.
    #[cfg(feature = "std")]
    pub(super) fn register(&self, cx: &mut Context<'_>) {
        if self.inner.home.borrow().strong_count() == 0
            && let Some(link) = cx.host().link()
        {
            self.inner.home.replace(Rc::downgrade(&link));
            let (nudge, key) = link.trackers.register(self.inner.clone());
            self.inner.ledger.set_nudge(nudge, key);
        }
    }

    #[cfg(not(feature = "std"))]
    #[allow(clippy::unused_self)] // as the other one
    pub(super) fn register(&self, _: &mut Context<'_>) {}
}

impl<M> Inner<M> {
    fn settle(&self, cx: &mut Context<'_>) -> Closed {
        // Borrowed: the callback itself has come here, and goes on with the rest when it returns.
        let Ok(mut callback) = self.callback.try_borrow_mut() else { return Ok(()) };
        while let Some(settled) = self.ledger.take() {
            callback(settled, cx)?;
        }
        drop(callback);
        if self.paused.get() && self.ledger.in_flight() <= self.room.get() / 2 {
            self.paused.set(false);
            cx.resume();
        }
        Ok(())
    }
}

#[cfg(feature = "std")]
impl<M> super::link::Settle for Inner<M> {
    fn settle(&self, cx: &mut Context<'_>) -> Closed {
        Inner::settle(self, cx)
    }
    fn end_run(&self) {
        self.ledger.end_run();
    }
    fn in_flight(&self) -> usize {
        self.ledger.in_flight()
    }
}

impl<M> Clone for Tracker<M> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<M> fmt::Debug for Tracker<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = &self.inner.ledger;
        f.debug_struct("Tracker")
            .field("in_flight", &ledger.in_flight())
            .field("committed", &ledger.committed())
            .finish_non_exhaustive()
    }
}
