//! `timed_zip(inputs, limit)`: aligns several streams by the times of their events.
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
use {
    super::{Inputs, Join},
    crate::limit::Limit,
    alloc::vec::Vec,
};

/// Takes events `(time, value)` and sends for each time `(time, slots)`, with a slot for each input: `Some(value)` where it
/// has an event of that time, otherwise `None`. The slots are a tuple for a tuple of inputs, a `Vec` for a list. The time
/// is of any type that has an order; [`timed_unzip`](super::Joins::timed_unzip) is the inverse.
///
/// The times of an input must not fall. A time is settled when every input has an event of that time or a later one, or
/// has ended, so one silent input holds up the others. If an input has two events of one time, the second goes out in a row
/// of its own. It completes when all have ended; what waits goes out first, also before an error, and when the run is
/// stopped.
///
/// ```
/// use thingflow_core::{joins, prelude::*, testing::Recorder};
/// let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
/// joins::timed_zip((&a, &b), Limit::block(16)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// a.emit((1, "a"), cx)?;
/// a.emit((3, "b"), cx)?;
/// b.emit((2, 20), cx)?;
/// b.emit((3, 30), cx)?;
/// assert_eq!(seen.events(), [(1, (Some("a"), None)), (2, (None, Some(20))), (3, (Some("b"), Some(30)))]);
/// # Ok::<(), FatalError>(())
/// ```
#[cfg(feature = "alloc")]
pub fn timed_zip<I: Inputs>(inputs: I, limit: Limit) -> Join<I, TimedZip<I::Queues>> {
    let rule = TimedZip { queues: inputs.queues(limit), drop_on_error: false };
    Join::of(inputs, rule)
}

/// Made by [`timed_zip`](super::Joins::timed_zip), or by `default` over [`HeldIn`](super::HeldIn)s without an allocator.
#[derive(Clone, Debug, Default)]
pub struct TimedZip<Q> {
    queues: Q,
    drop_on_error: bool,
}

#[cfg(feature = "alloc")]
impl<I, Q> Join<I, TimedZip<Q>> {
    /// Drops what is held when a stream ends with an error.
    pub fn drop_on_error(self) -> Self {
        self.with(|rule| TimedZip { drop_on_error: true, ..rule })
    }
}

/// Queues of events with a time.
pub trait TimedQueues: Queues {
    /// The type of the times.
    type Time: Ord + Clone;
    /// A slot for each input.
    type Slots;
    /// The earliest time, if each input that has not ended has an event, or if `all` are to go.
    fn earliest(&self, all: bool) -> Option<Self::Time>;
    /// Takes the first event of each input that has this time.
    fn pop_at(&mut self, time: &Self::Time) -> Self::Slots;
    /// Whether all inputs have ended.
    fn is_ended(&self) -> bool;
}

/// The earlier one of `least` and the first time of a queue. An error if that must be waited for.
fn earlier<K: Ord + Clone, V>(
    least: Option<K>,
    queue: &impl Queue<Event = (K, V)>,
    all: bool,
) -> Result<Option<K>, ()> {
    match (queue.front(), least) {
        (None, least) if all || queue.is_ended() => Ok(least),
        (None, _) => Err(()),
        (Some((time, _)), Some(least)) if least <= *time => Ok(Some(least)),
        (Some((time, _)), _) => Ok(Some(time.clone())),
    }
}

fn pop_at<K: Ord, V>(queue: &mut impl Queue<Event = (K, V)>, time: &K) -> Option<V> {
    if queue.front().is_some_and(|(front, _)| front == time) { queue.pop().map(|(_, value)| value) } else { None }
}

macro_rules! timed {
    ($($name:ident $value:ident $i:tt)+) => {
        impl<K: Ord + Clone, $($value,)+ $($name: Queue<Event = (K, $value)>),+> TimedQueues for ($($name,)+) {
            type Time = K;
            type Slots = ($(Option<$value>,)+);
            fn earliest(&self, all: bool) -> Option<K> {
                let least = None;
                $(let least = earlier(least, &self.$i, all).ok()?;)+
                least
            }
            fn pop_at(&mut self, time: &K) -> Self::Slots {
                ($(pop_at(&mut self.$i, time),)+)
            }
            fn is_ended(&self) -> bool {
                $(self.$i.is_ended())&&+
            }
        }
    };
}
timed!(A U 0 B V 1);
timed!(A U 0 B V 1 C W 2);
timed!(A U 0 B V 1 C W 2 D X 3);

#[cfg(feature = "alloc")]
impl<K: Ord + Clone, V, Q: Queue<Event = (K, V)>> TimedQueues for Vec<Q> {
    type Time = K;
    type Slots = Vec<Option<V>>;
    fn earliest(&self, all: bool) -> Option<K> {
        self.iter().try_fold(None, |least, queue| earlier(least, queue, all)).ok()?
    }
    fn pop_at(&mut self, time: &K) -> Self::Slots {
        self.iter_mut().map(|queue| pop_at(queue, time)).collect()
    }
    fn is_ended(&self) -> bool {
        self.iter().all(Queue::is_ended)
    }
}

type Row<Q> = (<Q as TimedQueues>::Time, <Q as TimedQueues>::Slots);

impl<Q: TimedQueues> TimedZip<Q> {
    /// Sends the rows that are settled, or `all`.
    fn send(&mut self, all: bool, out: &mut Emitter<'_, '_, impl InputThing<Row<Q>>>) -> Receipt {
        let mut demand = Demand::More;
        while let Some(time) = self.queues.earliest(all) {
            let slots = self.queues.pop_at(&time);
            demand = demand.and(out.next((time, slots))?);
            if demand == Demand::Done {
                return Ok(demand);
            }
        }
        if self.queues.take_room() {
            out.context().resume();
        }
        Ok(demand)
    }
}

impl<Q: TimedQueues> Rule for TimedZip<Q> {
    type Out = Row<Q>;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<Row<Q>>>) -> Receipt {
        self.queues.end(input);
        let demand = self.send(false, out)?;
        if demand != Demand::Done && self.queues.is_ended() { out.finish() } else { Ok(demand) }
    }
    fn on_error(
        &mut self,
        _: usize,
        error: StreamError,
        out: &mut Emitter<'_, '_, impl InputThing<Row<Q>>>,
    ) -> Receipt {
        if !self.drop_on_error && self.send(true, out)? == Demand::Done {
            return Ok(Demand::Done);
        }
        out.fail(error)
    }
    #[cfg(feature = "alloc")]
    fn on_stop(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Row<Q>>>) -> Receipt {
        self.send(true, out)
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        self.queues.show(see);
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind && self.queues.has_room(input)
    }
}

impl<Q: TimedQueues + SavedEvents> SavedEvents for TimedZip<Q> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.queues.on_events(state);
    }
}

impl<I: Index, T, Q> Takes<I, T> for TimedZip<Q>
where
    Q: TimedQueues + Get<I, Of: Queue<Event = T>>,
{
    fn on_next(&mut self, input: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<Row<Q>>>) -> Receipt {
        match self.queues.at(input).push(event, "timed_zip") {
            Ok(full) => Ok(full.and(self.send(false, out)?)),
            Err(error) => self.on_error(input.number(), error, out),
        }
    }
}
