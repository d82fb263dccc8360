//! `aggregate(Window::tumbling(n).by_key(keys, key), a)`: windows that stand side by side, for each key on its own.
//!
//! Holds what gathers the events of a key, for up to `keys` keys.

use alloc::collections::BTreeMap;
use core::fmt;
use core::marker::PhantomData;

use super::bounds::Stamp;
use super::by_key::{Keying, key_on_state};
use super::gather::Gather;
use super::groups::{Open, Rule};
use crate::clock::Instant;
use crate::context::Context;
use crate::error::StreamError;
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, SavedItems, StateVisitor};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`aggregate`](super::Windows::aggregate) and [`window`](super::Windows::window) with a window
/// [by key](super::TumblingWindow::by_key).
///
/// A key is forgotten when its window has ended. When more than `keys` windows would be open, the one that began first ends
/// early. What is open at the end gives last results, in the order in which the windows began. A walk that saves the state of a graph
/// reaches into it with [`by_saved_key`](super::TumblingWindow::by_saved_key), or in a [`Saving`](crate::Saving) if it holds events.
pub struct Keyed<T, Q: Keying<T>, G: Gather<T>, S> {
    rule: Rule,
    keys: usize,
    key: Q,
    gather: G,
    /// When the graph began to run.
    started: Instant,
    open: BTreeMap<Q::Key, (u64, Open<T, G>)>,
    /// The keys by when their windows end, and of those that end together by when they began. A step of the wall clock may have a
    /// window end before one that began earlier.
    order: BTreeMap<(Instant, u64), Q::Key>,
    begun: u64,
    stamp: PhantomData<fn() -> S>,
}

/// What a window sends.
type Sent<T, G, S> = <G as Gather<T>>::Sent<<S as Stamp>::Out<<G as Gather<T>>::Made>>;

impl<T, Q: Keying<T>, G: Gather<T>, S: Stamp> Keyed<T, Q, G, S> {
    pub(super) fn new(rule: Rule, keys: usize, key: Q, gather: G) -> Self {
        Self {
            rule,
            keys,
            key,
            gather,
            started: Instant::NEVER,
            open: BTreeMap::new(),
            order: BTreeMap::new(),
            begun: 0,
            stamp: PhantomData,
        }
    }

    /// When the window ends that ends first.
    fn next_end(&self) -> Instant {
        self.order.first_key_value().map_or(Instant::NEVER, |((ends, _), _)| *ends)
    }

    /// Ends the window of a key.
    fn close(&mut self, key: &Q::Key, cx: &Context<'_>) -> Option<Sent<T, G, S>> {
        let (number, mut window) = self.open.remove(key)?;
        self.order.remove(&(window.ends, number));
        let made = window.finish::<S>(cx);
        window.resume(cx);
        made
    }

    /// Ends the window that ends first.
    fn close_first(&mut self, cx: &Context<'_>) -> Option<Sent<T, G, S>> {
        let key = self.order.first_key_value()?.1.clone();
        self.close(&key, cx)
    }

    fn send_due(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Sent<T, G, S>>>) -> Receipt {
        let mut demand = Demand::More;
        while demand != Demand::Done && self.next_end() <= out.now() {
            if let Some(made) = self.close_first(out.context()) {
                demand = demand.and(out.next(made)?);
            }
        }
        Ok(demand)
    }

    /// The window of a key; a new one if there is none.
    fn window(&mut self, key: &Q::Key, cx: &Context<'_>) -> &mut Open<T, G> {
        let (_, window) = self.open.entry(key.clone()).or_insert_with(|| {
            let mut window = Open::new(self.gather.fresh());
            window.begin(&self.rule, self.started, cx);
            self.begun += 1;
            self.order.insert((window.ends, self.begun), key.clone());
            (self.begun, window)
        });
        window
    }

    /// Shows the windows in the order in which they end, each with its key.
    fn on_windows(
        &mut self,
        on_key: impl Fn(&mut Option<Q::Key>, &mut dyn StateVisitor),
        on_window: impl Fn(&mut Open<T, G>, &mut dyn StateVisitor),
        state: &mut dyn StateVisitor,
    ) {
        let (mut open, order) = (core::mem::take(&mut self.open), core::mem::take(&mut self.order));
        let mut held = order.into_values();
        self.begun = 0;
        let mut items = SavedItems::of("windows by key", held.len(), state);
        while items.another(state) {
            let mut key = held.next();
            let window = key.as_ref().and_then(|key| open.remove(key));
            let mut window = window.map_or_else(|| Open::new(self.gather.fresh()), |(_, window)| window);
            on_key(&mut key, state);
            on_window(&mut window, state);
            match key.filter(|key| self.open.len() < self.keys && !self.open.contains_key(key)) {
                Some(key) => {
                    self.begun += 1;
                    self.order.insert((window.ends, self.begun), key.clone());
                    self.open.insert(key, (self.begun, window));
                }
                None => state.refuse("windows by key"),
            }
        }
    }

    /// Ends all windows, in the order in which they would end.
    fn close_all(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Sent<T, G, S>>>) -> Receipt {
        let mut demand = Demand::More;
        while demand != Demand::Done && !self.order.is_empty() {
            if let Some(made) = self.close_first(out.context()) {
                demand = demand.and(out.next(made)?);
            }
        }
        Ok(demand)
    }

    fn fail(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Sent<T, G, S>>>) -> Closed {
        if self.rule.drop_on_error || self.close_all(out)? != Demand::Done { out.error(error) } else { Ok(()) }
    }
}

impl<T, Q: Keying<T>, G: Gather<T>, S: Stamp> Filter<T> for Keyed<T, Q, G, S> {
    type Out = Sent<T, G, S>;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let now = out.now();
        self.started = self.started.min(now);
        if let Some((length, _)) = self.rule.span
            && !self.open.is_empty()
        {
            self.open.values_mut().for_each(|(_, window)| window.ends = window.ends.min(now + length)); // restored
            self.order = self.open.iter().map(|(key, (begun, window))| ((window.ends, *begun), key.clone())).collect();
            out.wake_at(self.next_end());
        }
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let mut demand = self.send_due(out)?; // a window may be over, and only the wake-up not here yet
        if demand == Demand::Done {
            return Ok(Demand::Done);
        }
        let (key, most) = (self.key.key(&event), self.rule.most);
        let is_one_too_many = most > 1 && self.open.len() == self.keys && !self.open.contains_key(&key);
        if is_one_too_many && let Some(early) = self.close_first(out.context()) {
            demand = demand.and(out.next(early)?);
            if demand == Demand::Done {
                return Ok(Demand::Done);
            }
        }
        let window = self.window(&key, out.context());
        let room = match window.absorb::<S>(event) {
            Ok(room) => room,
            Err(full) => {
                self.fail(full, out)?;
                return Ok(Demand::Done);
            }
        };
        if window.len() < most {
            out.wake_at(self.next_end());
            return Ok(demand.and(room));
        }
        let made = self.close(&key, out.context());
        out.wake_at(self.next_end());
        made.map_or(Ok(demand), |made| Ok(demand.and(out.next(made)?)))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = self.send_due(out)?;
        out.wake_at(self.next_end());
        Ok(demand)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        if self.close_all(out)? == Demand::Done { Ok(()) } else { out.completed() }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        self.fail(error, out)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = self.close_all(out)?;
        if demand == Demand::Done { Ok(demand) } else { Ok(demand.and(out.notice(Notice::Flush)?)) }
    }
    fn is_holding(&self) -> bool {
        self.next_end() != Instant::NEVER
    }
    fn has_room(&self, behind: bool) -> bool {
        behind && self.open.values().all(|(_, window)| window.has_room())
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.started.on_state("started", state);
        if Q::IS_SAVED {
            self.on_windows(Q::on_key, Open::on_state, state);
        } else if !self.open.is_empty() {
            state.unsaved("windows by key");
        }
    }
}

impl<T, Q: Keying<T, Key: Saved>, G: Gather<T> + SavedEvents, S: Stamp> SavedEvents for Keyed<T, Q, G, S> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.started.on_state("started", state);
        self.on_windows(key_on_state, Open::on_events, state);
    }
}

impl<T, Q: Keying<T>, G: Gather<T>, S> fmt::Debug for Keyed<T, Q, G, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").field("rule", &self.rule).field("keys", &self.open.len()).finish_non_exhaustive()
    }
}
