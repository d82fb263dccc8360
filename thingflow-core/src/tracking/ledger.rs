//! Which events are on their way, and what became of the others.
//!
//! Invariants:
//! - Each record is settled once: by the drop of its last holder, which is the drop of the record itself.
//! - A queue that drops an event by its policy says so (`evict`), since that is no way of being done with it.
//! - A holder that just drops an event says "done" only as long as the run goes well. What was dropped in a turn that
//!   ended by a fatal error, in a panic or while the run was being closed counts as abandoned: so outcomes wait until the
//!   turn is over, and the end of a run begins a new `run` number, by which the older ones are known.

use alloc::collections::VecDeque;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::sync::{Dropping, Lock, Shared, dropping, refusing};
use crate::error::StreamError;

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nobody needs it any more: it was delivered, or filtered out.
    Done,
    /// A full queue dropped it, by the policy of its [`Limit`](crate::Limit), and nobody failed: send it again, or let it go.
    /// Without `std`, such an event counts as done.
    Dropped,
    /// Somebody could not do their work with it.
    Failed(StreamError),
    /// The run ended first, by a stop, a fatal error or a panic. Send it again with the next run.
    Abandoned,
}

/// What the callback of a [`Tracker`](super::Tracker) is told of an event, once.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settled<M = ()> {
    /// The event's number, in the order in which this tracker tracked them, from 0.
    pub index: u64,
    /// What was attached to the event at its source.
    pub meta: M,
    /// What became of it.
    pub outcome: Outcome,
}

pub(super) struct Ledger<M> {
    state: Lock<State<M>>,
    #[cfg(feature = "std")]
    nudge: Lock<Option<(std::sync::Arc<super::link::Nudge>, usize)>>,
}

struct State<M> {
    next: u64,
    /// What is not done, ascending: on its way, or failed and not skipped.
    open: VecDeque<u64>,
    in_flight: usize,
    settled: VecDeque<Entry<M>>,
    /// Goes up when a run ends.
    run: u32,
    /// The tracker is sending an event, and will look at what is settled right after.
    sending: bool,
    /// The scheduler knows that there is something to tell.
    nudged: bool,
}

struct Entry<M> {
    settled: Settled<M>,
    /// Nobody has just dropped it: all holders said what they did.
    certain: bool,
    run: u32,
}

impl<M> Ledger<M> {
    pub(super) fn new() -> Shared<Self> {
        Shared::new(Self {
            state: Lock::new(State {
                next: 0,
                open: VecDeque::new(),
                in_flight: 0,
                settled: VecDeque::new(),
                run: 0,
                sending: false,
                nudged: false,
            }),
            #[cfg(feature = "std")]
            nudge: Lock::default(),
        })
    }

    /// A scheduler drives the tracker from now on.
    #[cfg(feature = "std")]
    pub(super) fn set_nudge(&self, nudge: std::sync::Arc<super::link::Nudge>, key: usize) {
        nudge.nudge(key); // for what has been settled before
        self.nudge.with(|place| *place = Some((nudge, key)));
    }

    /// Enters an event.
    pub(super) fn enter(self: &Shared<Self>, meta: M, sending: bool) -> Share<M> {
        let (index, run) = self.state.with(|state| {
            let index = state.next;
            state.next += 1;
            state.open.push_back(index);
            state.in_flight += 1;
            state.sending |= sending;
            (index, state.run)
        });
        let record = Record {
            index,
            run,
            meta: Some(meta),
            dropped: AtomicBool::new(false),
            evicted: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            failure: Lock::default(),
            ledger: self.clone(),
        };
        Share { record: Shared::new(record), said: false }
    }

    fn settle(&self, entry: Entry<M>) {
        let known = self.state.with(|state| {
            state.settled.push_back(entry);
            state.sending || core::mem::replace(&mut state.nudged, true)
        });
        if !known {
            self.nudge();
        }
    }

    /// Has the scheduler look here at the end of its turn.
    fn nudge(&self) {
        #[cfg(feature = "std")]
        if let Some((nudge, key)) = self.nudge.with(|nudge| nudge.clone()) {
            nudge.nudge(key);
        }
    }

    /// The next outcome to tell. `None` also ends the state of sending.
    pub(super) fn take(&self) -> Option<Settled<M>> {
        self.state.with(|state| {
            let Some(mut entry) = state.settled.pop_front() else {
                state.sending = false;
                state.nudged = false;
                return None;
            };
            if entry.settled.outcome == Outcome::Done && !entry.certain && entry.run != state.run {
                entry.settled.outcome = Outcome::Abandoned;
            }
            state.in_flight -= 1;
            if entry.settled.outcome == Outcome::Done {
                state.close(entry.settled.index);
            }
            Some(entry.settled)
        })
    }

    /// Ends a run: what is not certain by now is abandoned.
    pub(super) fn end_run(&self) {
        self.state.with(|state| {
            state.run = state.run.wrapping_add(1);
            state.sending = false;
            state.nudged = false;
        });
    }

    pub(super) fn skip(&self, index: u64) {
        self.state.with(|state| state.close(index));
    }

    pub(super) fn in_flight(&self) -> usize {
        self.state.with(|state| state.in_flight)
    }

    pub(super) fn committed(&self) -> u64 {
        self.state.with(|state| state.open.front().copied().unwrap_or(state.next))
    }
}

impl<M> State<M> {
    /// Takes an event off the list: cheap near both ends, where it mostly is.
    fn close(&mut self, index: u64) {
        if let Ok(at) = self.open.binary_search(&index) {
            self.open.remove(at);
        }
    }
}

/// One event on its way. All of it in one allocation, made at the source.
struct Record<M> {
    index: u64,
    run: u32,
    /// `Some` until the drop.
    meta: Option<M>,
    /// A holder has dropped it without a word.
    dropped: AtomicBool,
    /// A full queue has dropped it.
    evicted: AtomicBool,
    abandoned: AtomicBool,
    failure: Lock<Option<StreamError>>,
    ledger: Shared<Ledger<M>>,
}

/// The last holder is gone.
impl<M> Drop for Record<M> {
    fn drop(&mut self) {
        let Some(meta) = self.meta.take() else { return };
        let outcome = match self.failure.get_mut().take() {
            Some(error) => Outcome::Failed(error),
            None if *self.abandoned.get_mut() => Outcome::Abandoned,
            None if *self.evicted.get_mut() => Outcome::Dropped,
            None => Outcome::Done,
        };
        let settled = Settled { index: self.index, meta, outcome };
        self.ledger.settle(Entry { settled, certain: !*self.dropped.get_mut(), run: self.run });
    }
}

/// One holder's share in an event. The holders are counted by the pointer.
pub(super) struct Share<M> {
    record: Shared<Record<M>>,
    /// The holder has said what became of the event.
    said: bool,
}

impl<M> Share<M> {
    pub(super) fn meta(&self) -> Option<&M> {
        self.record.meta.as_ref()
    }

    pub(super) fn done(mut self) {
        self.said = true;
    }

    /// The first failure counts.
    pub(super) fn fail(mut self, error: &StreamError) {
        self.record.failure.with(|failure| {
            failure.get_or_insert_with(|| error.clone());
        });
        self.said = true;
    }

    pub(super) fn abandon(mut self) {
        self.record.abandoned.store(true, Relaxed);
        self.said = true;
    }
}

impl<M> Clone for Share<M> {
    fn clone(&self) -> Self {
        Self { record: self.record.clone(), said: false }
    }
}

/// Relaxed is enough: the drop of the pointer that follows comes before the drop of the record.
impl<M> Drop for Share<M> {
    fn drop(&mut self) {
        if self.said {
            return;
        }
        match dropping() {
            Dropping::Delivered => {}
            Dropping::InPassing => self.record.dropped.store(true, Relaxed),
            Dropping::Evicted => self.record.evicted.store(true, Relaxed),
            Dropping::Abandoned => {
                self.record.dropped.store(true, Relaxed);
                if let Some(error) = refusing() {
                    self.record.failure.with(|failure| {
                        failure.get_or_insert(error);
                    });
                }
                self.record.abandoned.store(true, Relaxed);
            }
        }
    }
}
