//! [`Hold`]: the latest value at a fixed rate, with its age.

use core::time::Duration;

use thingflow_core::kit::Ticker;
use thingflow_core::windows::Carrier;
use thingflow_core::{Demand, Emitter, Filter, InputThing, Instant, Receipt, Saved, StateVisitor};

/// A value that is held until another one comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Held<V> {
    /// The latest value.
    pub value: V,
    /// How long ago it came.
    pub age: Duration,
    /// Whether it is older than it may be.
    pub is_stale: bool,
}

impl<V> Held<V> {
    /// The value, unless it is stale.
    ///
    /// ```
    /// use std::time::Duration;
    /// use thingflow_signals::gaps::Held;
    /// let held = Held { value: 21.5, age: Duration::from_secs(90), is_stale: true };
    /// assert_eq!(held.fresh(), None);
    /// ```
    pub fn fresh(self) -> Option<V> {
        (!self.is_stale).then_some(self.value)
    }
}

/// Made by [`hold`](crate::DataQuality::hold).
#[derive(Clone, Debug)]
pub struct Hold<V, R> {
    ticker: Ticker,
    max_age: Duration,
    latest: Option<Latest<V, R>>,
}

/// The latest event.
#[derive(Clone, Debug)]
struct Latest<V, R> {
    value: V,
    rest: R,
    came: Instant,
}

impl<V, R> Hold<V, R> {
    #[track_caller]
    pub(crate) fn new(interval: Duration, max_age: Duration) -> Self {
        Self { ticker: Ticker::new(interval), max_age, latest: None }
    }
}

impl<V: Clone, R: Clone> Hold<V, R> {
    fn tick<T>(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T::With<Held<V>>>>) -> Receipt
    where
        T: Carrier<Value = V, Rest = R>,
    {
        let Some(Latest { value, rest, came }) = &self.latest else { return Ok(Demand::More) };
        let (now, max_age) = (out.now(), self.max_age);
        let is_due = self.ticker.is_due(now);
        out.wake_at(self.ticker.due());
        if !is_due {
            return Ok(Demand::More);
        }
        let age = now.since(*came);
        out.next(T::carry(rest.clone(), Held { value: value.clone(), age, is_stale: age > max_age }))
    }
}

impl<T: Carrier<Value: Clone + Saved>> Filter<T> for Hold<T::Value, T::Rest> {
    type Out = T::With<Held<T::Value>>;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let now = out.now();
        self.latest.take_if(|latest| latest.came > now); // a visitor that has not kept it as an age
        if self.latest.is_some() {
            self.ticker.follow(now);
            out.wake_at(self.ticker.due());
        }
        Ok(Demand::More)
    }
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = self.tick::<T>(out)?; // the wake-up may be on its way
        let now = out.now();
        let (value, rest) = event.part();
        let before = self.latest.replace(Latest { value: value.clone(), rest: rest.clone(), came: now });
        if before.is_some() || demand == Demand::Done {
            return Ok(demand);
        }
        self.ticker.restart(now);
        out.wake_at(self.ticker.due());
        out.next(T::carry(rest, Held { value, age: Duration::ZERO, is_stale: false }))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.tick::<T>(out)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let (mut value, mut rest, mut came) = match self.latest.take() {
            Some(latest) => (Some(latest.value), Some(latest.rest), latest.came),
            None => (None, None, Instant::ZERO),
        };
        value.on_state("value", state);
        T::on_rest(&mut rest, state);
        came.on_state("came", state);
        self.ticker.on_state("next", state);
        self.latest = value.zip(rest).map(|(value, rest)| Latest { value, rest, came });
    }
}
