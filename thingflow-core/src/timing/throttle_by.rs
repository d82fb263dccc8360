//! `throttle_by(d, keys, key)`: send at most one event of each key each time; the last of a burst is never lost.
//!
//! Holds one event a key, for up to `keys` keys.

use alloc::collections::{BTreeMap, VecDeque};
use core::fmt;
use core::time::Duration;

use super::throttle::{Edges, Gate, Taken};
use crate::clock::{Instant, Timestamp};
use crate::error::StreamError;
use crate::kit::Marks;
use crate::notice::Notice;
use crate::size::Size;
use crate::state::{Saved, SavedEvents, SavedItems, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`throttle_by`](super::Timing::throttle_by), or by [`both`](Self::both), [`leading`](Self::leading) and
/// [`trailing`](Self::trailing) if something else is wanted.
#[derive(Clone)]
pub struct ThrottleBy<T, K, F, D = fn(T)> {
    window: Duration,
    edges: Edges,
    keys: usize,
    key: F,
    /// Each event with its number.
    gates: BTreeMap<K, Gate<(u64, T)>>,
    next: u64,
    marks: Marks,
    /// The ends of the times. All are equally long, so they come in order.
    ends: VecDeque<(Instant, K)>,
    dropped: D,
    drop_on_error: bool,
}

impl<T, K: Ord + Clone, F: FnMut(&T) -> K> ThrottleBy<T, K, F> {
    /// As [`Throttle::both`](super::Throttle::both), for each key.
    #[track_caller]
    pub fn both(window: Duration, keys: impl Into<Size>, key: F) -> Self {
        Self {
            window,
            edges: Edges::Both,
            keys: keys.into().get(),
            key,
            gates: BTreeMap::new(),
            next: 0,
            marks: Marks::default(),
            ends: VecDeque::new(),
            dropped: |_| {},
            drop_on_error: false,
        }
    }

    /// As [`Throttle::leading`](super::Throttle::leading), for each key.
    #[track_caller]
    pub fn leading(window: Duration, keys: impl Into<Size>, key: F) -> Self {
        Self { edges: Edges::First, ..Self::both(window, keys, key) }
    }

    /// As [`Throttle::trailing`](super::Throttle::trailing), for each key.
    #[track_caller]
    pub fn trailing(window: Duration, keys: impl Into<Size>, key: F) -> Self {
        Self { edges: Edges::Last, ..Self::both(window, keys, key) }
    }
}

impl<T, K: Ord + Clone, F, D> ThrottleBy<T, K, F, D> {
    /// Shows to `see` each event that is dropped because of another one.
    #[must_use]
    pub fn on_dropped<E: FnMut(T)>(self, see: E) -> ThrottleBy<T, K, F, E> {
        let Self { window, edges, keys, key, gates, next, marks, ends, drop_on_error, .. } = self;
        ThrottleBy { window, edges, keys, key, gates, next, marks, ends, dropped: see, drop_on_error }
    }

    /// Drops what waits when the stream ends with an error.
    #[must_use]
    pub fn drop_on_error(self) -> Self {
        Self { drop_on_error: true, ..self }
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let mut demand = Demand::More;
        while demand != Demand::Done && self.ends.front().is_some_and(|(end, _)| *end <= out.now()) {
            let Some((_, key)) = self.ends.pop_front() else { break };
            if let Some(event) = self.close(key) {
                demand = demand.and(self.send(event, out)?);
            }
        }
        if let (Some((end, _)), true) = (self.ends.front(), self.edges != Edges::First) {
            out.wake_at(*end);
        }
        Ok(demand)
    }

    /// Sends an event that waited.
    fn send(&mut self, (number, event): (u64, T), out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let demand = out.next(event)?;
        self.marks.left_by(number);
        self.marks.follow(demand, out)
    }

    /// Ends the time of a key: gives the event that waits, or forgets the key.
    fn close(&mut self, key: K) -> Option<(u64, T)> {
        let gate = self.gates.get_mut(&key)?;
        let event = gate.close(self.edges, self.window);
        if event.is_some() && self.edges == Edges::Both {
            self.ends.push_back((gate.until, key));
        } else {
            self.gates.remove(&key);
        }
        event
    }

    /// Forgets the key whose time began first: gives the event that waits.
    fn forget_first(&mut self) -> Option<(u64, T)> {
        let (_, key) = self.ends.pop_front()?;
        self.gates.remove(&key)?.held
    }

    /// Sends all that waits, in the order in which the times began.
    fn send_rest(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let mut demand = Demand::More;
        while demand != Demand::Done && !self.ends.is_empty() {
            if let Some(event) = self.forget_first() {
                demand = demand.and(self.send(event, out)?);
            }
        }
        Ok(demand)
    }
}

impl<T, K, F, D> Filter<T> for ThrottleBy<T, K, F, D>
where
    K: Ord + Clone,
    F: FnMut(&T) -> K,
    D: FnMut(T),
{
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let mut demand = self.send_due(out)?; // the wake-up may be on its way
        if demand == Demand::Done {
            return Ok(demand);
        }
        let key = (self.key)(&event);
        if self.gates.len() == self.keys
            && !self.gates.contains_key(&key)
            && let Some(early) = self.forget_first()
        {
            demand = demand.and(self.send(early, out)?);
            if demand == Demand::Done {
                return Ok(demand);
            }
        }
        self.next += 1;
        let known = self.gates.get_mut(&key);
        let gate = match known {
            Some(gate) => gate,
            None => {
                let end = out.now() + self.window;
                self.ends.push_back((end, key.clone()));
                if self.edges != Edges::First {
                    out.wake_at(end);
                }
                self.gates.entry(key).or_insert_with(Gate::new)
            }
        };
        match gate.take((self.next, event), out.now(), self.edges, self.window) {
            Taken::Passes((_, event)) => Ok(demand.and(out.next(event)?)),
            Taken::Drops((number, event)) => {
                (self.dropped)(event);
                self.marks.left_by(number);
                self.marks.follow(demand, out)
            }
            Taken::Waits => Ok(demand),
        }
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.send_due(out)
    }
    fn on_watermark(&mut self, watermark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let held = self.gates.values().filter(|gate| gate.held.is_some()).count();
        self.marks.come_before(watermark, held, self.next + 1, out)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let (ends, gates) = (&self.ends, &mut self.gates);
        let held = ends.iter().filter_map(|(_, key)| gates.get_mut(key)?.held.take()); // as at the end of the stream
        let demand = out.send_all(held.map(|(_, event)| event))?;
        let demand = self.marks.follow_all(demand, out)?;
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(Notice::Flush)?)) }
    }
    fn is_holding(&self) -> bool {
        self.gates.values().any(|gate| gate.held.is_some())
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if self.send_rest(out)? == Demand::Done { Ok(()) } else { out.completed() }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        if !self.drop_on_error && self.send_rest(out)? == Demand::Done {
            return Ok(());
        }
        out.error(error)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        if !self.gates.is_empty() {
            state.unsaved("throttle_by");
        }
    }
}

impl<T: Saved, K: Saved + Ord + Clone, F, D> SavedEvents for ThrottleBy<T, K, F, D> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.next.on_state("next", state);
        if self.next > u64::MAX / 2 {
            state.refuse("next"); // no program counts that far
            self.next = 0;
        }
        let (mut gates, mut ends) = (core::mem::take(&mut self.gates), core::mem::take(&mut self.ends));
        let mut items = SavedItems::of("keys", ends.len(), state);
        while items.another(state) {
            let (mut until, mut key) = ends.pop_front().unwrap_or_else(<(Instant, K)>::blank);
            let mut gate = gates.remove(&key).unwrap_or_else(Gate::new);
            key.on_state("key", state);
            gate.held.on_state("event", state);
            until.on_state("until", state);
            let follows = self.ends.back().is_none_or(|(last, _)| *last <= until);
            if !follows || self.gates.len() >= self.keys || self.gates.contains_key(&key) {
                state.refuse("keys");
                continue;
            }
            gate.until = until;
            self.gates.insert(key.clone(), gate);
            self.ends.push_back((until, key));
        }
    }
}

impl<T, K, F, D> fmt::Debug for ThrottleBy<T, K, F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ThrottleBy");
        shown.field("window", &self.window).field("edges", &self.edges).field("keys", &self.gates.len());
        shown.finish_non_exhaustive()
    }
}
