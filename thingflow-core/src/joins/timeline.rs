//! [`Timeline`]: the events of one input of a join by event time, at hand by key and time.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use core::ops::RangeInclusive;

use crate::clock::Timestamp;
use crate::context::Context;
use crate::error::StreamError;
use crate::kit::SideBranch;
use crate::limit::{Admission, Limit, Overflow, QueueState, no_room};
use crate::state::{Saved, SavedItems, StateVisitor};
use crate::thing::{Demand, InputThing, Receipt};
use crate::watermarks::Late;

/// The key and the time of an event.
pub(super) type Reads<T, K> = Box<dyn FnMut(&T) -> (K, Timestamp)>;

/// Another Thing that gets events of this type.
pub(super) type Branch<T> = SideBranch<Box<dyn InputThing<T>>>;

/// One input: what it holds, by key and time, and in the order of times alone; each event has a number, in the order of arrival.
pub(super) struct Timeline<T, K> {
    pub(super) reads: Reads<T, K>,
    events: BTreeMap<(K, Timestamp, u64), Placed<T>>,
    order: BTreeSet<(Timestamp, u64, K)>,
    last: u64,
    limit: Limit,
    dropped: u64,
    is_paused: bool,
    pub(super) is_ended: bool,
    pub(super) late: Branch<T>,
    lateness: Late,
}

/// An event that is held.
pub(super) struct Placed<T> {
    pub(super) event: T,
    /// It has found a partner.
    pub(super) is_paired: bool,
}

impl<T, K: Ord + Clone> Timeline<T, K> {
    /// # Panics
    /// If the limit would have the source wait: what makes room is the watermark, which comes with its events.
    #[track_caller]
    pub(super) fn new(reads: Reads<T, K>, limit: Limit) -> Self {
        check_limit(&limit);
        Self {
            reads,
            events: BTreeMap::new(),
            order: BTreeSet::new(),
            last: 0,
            limit,
            dropped: 0,
            is_paused: false,
            is_ended: false,
            late: SideBranch::none(),
            lateness: Late::default(),
        }
    }

    /// The same for events with other keys.
    pub(super) fn keyed<L: Ord + Clone>(self, reads: Reads<T, L>) -> Timeline<T, L> {
        Timeline { late: self.late, ..Timeline::new(reads, self.limit) }
    }

    /// The events of a key whose time is in a range, in the order of their times.
    pub(super) fn within(&mut self, key: &K, range: RangeInclusive<Timestamp>) -> impl Iterator<Item = &mut Placed<T>> {
        let from = (key.clone(), *range.start(), 0);
        self.events.range_mut(from..=(key.clone(), *range.end(), u64::MAX)).map(|(_, placed)| placed)
    }

    /// The latest event of a key up to a time, with its time.
    pub(super) fn latest(&self, key: &K, to: Timestamp) -> Option<(Timestamp, &T)> {
        let range = (key.clone(), Timestamp::from_nanos(i64::MIN), 0)..=(key.clone(), to, u64::MAX);
        self.events.range(range).next_back().map(|((_, at, _), placed)| (*at, &placed.event))
    }

    /// Takes an event in; what it has to let go of for that is given to `gone`.
    pub(super) fn push(
        &mut self,
        (key, at): (K, Timestamp),
        placed: Placed<T>,
        operator: &str,
        gone: &mut dyn FnMut(Placed<T>),
    ) -> Result<Demand, StreamError> {
        let dropped = match self.limit.admit(self.events.len()) {
            Admission::Takes => 0,
            Admission::DropsOldest => {
                if let Some(oldest) = self.pop() {
                    gone(oldest);
                }
                1
            }
            Admission::DropsNewest => {
                self.dropped += 1;
                self.limit.note(1, 1, self.events.len());
                gone(placed);
                return Ok(Demand::More);
            }
            Admission::Refuses => return Err(no_room(operator, &self.limit)),
        };
        self.last += 1;
        self.dropped += dropped;
        self.order.insert((at, self.last, key.clone()));
        self.events.insert((key, at, self.last), placed);
        self.limit.note(1, dropped, self.events.len());
        self.is_paused |= !self.has_room();
        Ok(if self.has_room() { Demand::More } else { Demand::Full })
    }

    /// The time of the earliest event.
    pub(super) fn earliest(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, ..)| *at)
    }

    /// The earliest event with its key and time, to be taken out.
    pub(super) fn take_first(&mut self) -> Option<(K, Timestamp, Placed<T>)> {
        let (at, number, key) = self.order.pop_first()?;
        let place = (key, at, number);
        let placed = self.events.remove(&place)?;
        Some((place.0, at, placed))
    }

    /// Takes the earliest event out.
    pub(super) fn pop(&mut self) -> Option<Placed<T>> {
        self.take_first().map(|(_, _, placed)| placed)
    }

    /// Lets go of the events of a key up to a time, but for the last of them.
    pub(super) fn keep_latest(&mut self, key: &K, to: Timestamp) {
        let range = (key.clone(), Timestamp::from_nanos(i64::MIN), 0)..=(key.clone(), to, u64::MAX);
        loop {
            let mut old = self.events.range(range.clone()).map(|(place, _)| place);
            let (Some(first), Some(_)) = (old.next().cloned(), old.next()) else { return };
            self.events.remove(&first);
            self.order.remove(&(first.1, first.2, first.0));
        }
    }

    /// Shows the events to a walk over the state, in the order of their times and of those of one time in that of arrival. Their keys
    /// and times are read from them anew.
    pub(super) fn on_events(&mut self, operator: &str, state: &mut dyn StateVisitor)
    where
        T: Saved,
    {
        let mut held: alloc::vec::Vec<_> = core::iter::from_fn(|| self.pop()).collect();
        let most = self.limit.capacity().max(held.len());
        let mut items = SavedItems::of("events", held.len(), state);
        let mut held = held.drain(..);
        while items.another(state) {
            let mut placed = held.next().unwrap_or_else(|| Placed { event: T::blank(), is_paired: false });
            placed.event.on_state("event", state);
            placed.is_paired.on_state("is paired", state);
            if self.events.len() < most {
                let (key, at) = (self.reads)(&placed.event);
                self.last += 1;
                self.order.insert((at, self.last, key.clone()));
                self.events.insert((key, at, self.last), placed);
            } else {
                state.refuse(operator);
            }
        }
    }

    /// Whether it holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.limit.has_room(self.events.len())
    }

    /// Lets the source go on that was told to pause, once there is room.
    pub(super) fn resume(&mut self, cx: &Context<'_>) {
        if self.is_paused && self.limit.has_room(self.events.len().saturating_mul(2)) {
            self.is_paused = false;
            cx.resume();
        }
    }

    pub(super) fn state(&self) -> QueueState {
        QueueState { dropped: self.dropped, ..QueueState::new(self.events.len(), &self.limit) }
    }

    /// An event has come behind the watermark.
    #[cold]
    pub(super) fn take_late(
        &mut self,
        event: T,
        at: Timestamp,
        watermark: Timestamp,
        operator: &str,
        cx: &mut Context<'_>,
    ) -> Receipt {
        self.lateness.note(operator, Some(at), watermark, cx);
        self.dropped += 1;
        self.limit.note(1, 1, self.events.len());
        tell_branch(&mut self.late, event, cx)
    }
}

/// Refuses a limit that would have a source wait for its own watermark.
#[track_caller]
pub(super) fn check_limit(limit: &Limit) {
    let waits = limit.overflow() == Overflow::Block;
    assert!(!waits, "a join by watermarks cannot have its source wait: use another limit than Limit::block");
}

/// Sends an event to a side branch, which may want no more.
pub(super) fn tell_branch<T>(branch: &mut Branch<T>, event: T, cx: &mut Context<'_>) -> Receipt {
    branch.next(event, cx).map(|demand| if demand == Demand::Done { Demand::More } else { demand })
}
