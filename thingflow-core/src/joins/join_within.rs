//! `join_within(other, tolerance, limit)`: pairs the events of two streams whose times are close.
//!
//! Holds up to `limit` events an input: those that may still find a partner.

use core::ops::Add;

use super::held::{Held, Queue};
use super::rule::{At, Rule, Takes};
use crate::limit::{Limit, QueueState};
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Made by [`join_within`](super::Joins::join_within).
///
/// It takes events `(time, value)` and sends each pair of an event of the first and an event of the second input whose
/// times differ at most by the tolerance, when the later one comes. An event may have several partners, or none. The times
/// of an input should not fall: an event is let go when the other input has shown a time beyond its reach.
///
/// It completes when no pair can follow: both inputs have ended, or one has and nothing of it waits.
///
/// ```
/// use thingflow_core::{prelude::*, testing::Recorder};
/// let (image, position, seen) = (Port::new(), Port::new(), Recorder::new());
/// image.join_within(&position, 5, Limit::drop_oldest(16)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// image.emit((100, "a"), cx)?;
/// position.emit((97, 1), cx)?;
/// position.emit((110, 2), cx)?;
/// image.emit((115, "b"), cx)?;
/// assert_eq!(seen.events(), [((100, "a"), (97, 1)), ((115, "b"), (110, 2))]);
/// # Ok::<(), FatalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct JoinWithin<K, A, B, D> {
    tolerance: D,
    first: Side<K, A>,
    second: Side<K, B>,
}

/// One input.
#[derive(Clone, Debug)]
struct Side<K, V> {
    held: Held<(K, V)>,
    newest: Option<K>,
}

/// A pair of events with their times.
pub type Pair<K, A, B> = ((K, A), (K, B));

impl<K, A, B, D> JoinWithin<K, A, B, D> {
    pub(super) fn new(tolerance: D, limit: &Limit) -> Self {
        let (first, second) = (Held::new(limit.clone()), Held::new(limit.clone()));
        Self { tolerance, first: Side { held: first, newest: None }, second: Side { held: second, newest: None } }
    }
}

impl<K: Ord + Clone, V: Clone> Side<K, V> {
    /// Lets go of the events that an event of the other input at `time`, and those after it, cannot reach.
    fn prune<D: Clone>(&mut self, time: &K, tolerance: &D)
    where
        K: Add<D, Output = K>,
    {
        let is_out = |(held, _): &(K, V)| held.clone() + tolerance.clone() < *time;
        while self.held.front().is_some_and(is_out) {
            self.held.pop();
        }
    }

    fn is_over(&self) -> bool {
        self.held.is_ended() && self.held.is_empty()
    }

    /// Lets go of everything: the other input has ended.
    fn clear(&mut self) -> bool {
        self.held.events.clear();
        self.held.take_room()
    }
}

/// Pairs an event of `own` with those of `other`, then keeps it for those to come.
fn meet<K, V, W, D, P>(
    (own, other): (&mut Side<K, V>, &mut Side<K, W>),
    tolerance: &D,
    event: (K, V),
    out: &mut Emitter<'_, '_, impl InputThing<P>>,
    pair: impl Fn((K, V), (K, W)) -> P,
) -> Receipt
where
    K: Ord + Clone + Add<D, Output = K>,
    V: Clone,
    W: Clone,
    D: Clone,
{
    let time = event.0.clone();
    let end = time.clone() + tolerance.clone();
    other.prune(&time, tolerance);
    if other.held.take_room() {
        out.context().resume();
    }
    let mut demand = Demand::More;
    for partner in other.held.events.iter() {
        if partner.0 <= end && partner.0.clone() + tolerance.clone() >= time {
            demand = demand.and(out.next(pair(event.clone(), partner.clone()))?);
            if demand == Demand::Done {
                return Ok(demand);
            }
        }
    }
    if other.held.is_ended() {
        return if other.held.is_empty() { out.finish() } else { Ok(demand) };
    }
    if own.newest.as_ref().is_none_or(|newest| *newest < time) {
        own.newest = Some(time);
    }
    if other.newest.as_ref().is_some_and(|newest| *newest > end) {
        return Ok(demand); // too late for those to come
    }
    match own.held.push(event, "join_within") {
        Ok(full) => Ok(demand.and(full)),
        Err(error) => out.fail(error),
    }
}

impl<K: Ord + Clone, A: Clone, B: Clone, D> Rule for JoinWithin<K, A, B, D> {
    type Out = Pair<K, A, B>;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<Pair<K, A, B>>>) -> Receipt {
        let room = if input == 0 {
            self.first.held.end();
            self.second.clear()
        } else {
            self.second.held.end();
            self.first.clear()
        };
        if room {
            out.context().resume();
        }
        let over = self.first.is_over() || self.second.is_over();
        if over { out.finish() } else { Ok(Demand::More) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if self.first.newest.is_some() || self.second.newest.is_some() {
            state.unsaved("join_within");
        }
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        see(self.first.held.state());
        see(self.second.held.state());
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        behind && if input == 0 { self.first.held.has_room() } else { self.second.held.has_room() }
    }
}

impl<K: Saved, A: Saved, B: Saved, D> SavedEvents for JoinWithin<K, A, B, D> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.first.held.on_events(state);
        self.first.newest.on_state("newest", state);
        self.second.held.on_events(state);
        self.second.newest.on_state("newest", state);
    }
}

impl<K, A, B, D> Takes<At<0>, (K, A)> for JoinWithin<K, A, B, D>
where
    K: Ord + Clone + Add<D, Output = K>,
    A: Clone,
    B: Clone,
    D: Clone,
{
    fn on_next(&mut self, _: At<0>, event: (K, A), out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        meet((&mut self.first, &mut self.second), &self.tolerance, event, out, |own, other| (own, other))
    }
}

impl<K, A, B, D> Takes<At<1>, (K, B)> for JoinWithin<K, A, B, D>
where
    K: Ord + Clone + Add<D, Output = K>,
    A: Clone,
    B: Clone,
    D: Clone,
{
    fn on_next(&mut self, _: At<1>, event: (K, B), out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        meet((&mut self.second, &mut self.first), &self.tolerance, event, out, |own, other| (other, own))
    }
}
