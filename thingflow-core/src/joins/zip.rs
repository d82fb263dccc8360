//! `zip(inputs, limit)`: sends one event of each input together, the first with the first, the second with the second.
//!
//! Holds up to `limit` events an input.

use super::held::Queue;
use super::row::{Get, Queues};
use super::rule::{Index, Rule, Takes};
use crate::error::StreamError;
use crate::limit::QueueState;
use crate::state::{SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

#[cfg(feature = "alloc")]
use super::{Inputs, Join};
#[cfg(feature = "alloc")]
use crate::limit::Limit;

/// Sends the first events of all inputs together, then the second ones, and so on: tuples for a tuple of inputs, `Vec`s
/// for a list.
///
/// It completes when an input has ended of which nothing waits, for then no more can follow. What waits at the others is
/// dropped: its counterpart will never come. A constant in each tuple needs no input: `.map(|(a, b)| (a, 123, b))`.
///
/// With [`Limit::block`] an input that is far ahead is paused. Two inputs that come from one source pause it for both:
/// give room enough for the distance between them, or another policy.
///
/// ```
/// use thingflow_core::{joins, prelude::*, testing::Recorder};
/// let (a, b, c, seen) = (Port::new(), Port::new(), Port::new(), Recorder::new());
/// joins::zip((&a, &b, &c), Limit::block(16)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// a.emit(1, cx)?;
/// a.emit(2, cx)?;
/// b.emit("x", cx)?;
/// c.emit('c', cx)?;
/// assert_eq!(seen.events(), [(1, "x", 'c')]);
/// # Ok::<(), FatalError>(())
/// ```
#[cfg(feature = "alloc")]
pub fn zip<I: Inputs>(inputs: I, limit: Limit) -> Join<I, Zip<I::Queues>> {
    let queues = inputs.queues(limit);
    Join::of(inputs, Zip(queues))
}

/// Made by [`zip`](super::Joins::zip). Without an allocator: `Zip::default()` over [`HeldIn`](super::HeldIn)s.
#[derive(Clone, Debug, Default)]
pub struct Zip<Q>(Q);

impl<Q: Queues> Rule for Zip<Q> {
    type Out = Q::Row;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<Q::Row>>) -> Receipt {
        self.0.end(input);
        if self.0.is_over() { out.finish() } else { Ok(Demand::More) }
    }
    #[cfg(feature = "alloc")]
    fn on_added(&mut self, input: usize) {
        self.0.add(input);
    }
    #[cfg(feature = "alloc")]
    fn on_removed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<Q::Row>>) -> Receipt {
        self.0.remove(input);
        let mut demand = if self.0.is_over() { out.finish()? } else { Demand::More };
        while demand != Demand::Done
            && let Some(row) = self.0.pop_row()
        {
            demand = demand.and(self.send_watched(row, out)?); // which was waiting for that input
        }
        Ok(demand)
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        self.0.show(see);
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind && self.0.has_room(input)
    }
}

impl<Q: Queues + SavedEvents> SavedEvents for Zip<Q> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_events(state);
        while self.0.pop_row().is_some() {
            state.refuse("zip"); // it would have gone out
        }
    }
}

impl<Q: Queues> Zip<Q> {
    #[cfg(feature = "alloc")]
    pub(super) fn with_queues<P>(self, change: impl FnOnce(Q) -> P) -> Zip<P> {
        Zip(change(self.0))
    }

    /// What a queue says of an event that has to wait.
    #[inline]
    fn taken(said: Result<Demand, StreamError>, out: &mut Emitter<'_, '_, impl InputThing<Q::Row>>) -> Receipt {
        match said {
            Ok(demand) => Ok(demand),
            Err(error) => Self::fail(error, out),
        }
    }

    #[cold]
    #[inline(never)]
    fn fail(error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Q::Row>>) -> Receipt {
        out.fail(error)
    }

    /// Sends a row when somebody counts, is paused, or has ended.
    #[inline(never)]
    fn send_watched(&mut self, row: Q::Row, out: &mut Emitter<'_, '_, impl InputThing<Q::Row>>) -> Receipt {
        if self.0.take_room() {
            out.context().resume();
        }
        let demand = out.next(row)?;
        if demand != Demand::Done && self.0.is_over() { out.finish() } else { Ok(demand) }
    }
}

impl<I: Index, Q: Queues + Get<I, Of: Queue<Event = T>>, T> Takes<I, T> for Zip<Q> {
    #[inline(always)] // a call of its own takes as many instructions as the rest of it
    fn on_next(&mut self, input: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<Q::Row>>) -> Receipt {
        let queue = self.0.at(input);
        if !queue.is_empty() {
            return Self::taken(queue.push(event, "zip"), out);
        }
        queue.offer(event);
        match self.0.pop_row() {
            Some(row) if self.0.is_calm() => out.next(row),
            Some(row) => {
                self.0.at(input).pass();
                self.send_watched(row, out)
            }
            None => Self::taken(self.0.at(input).accept("zip"), out),
        }
    }
}
