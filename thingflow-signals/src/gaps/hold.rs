//! [`Hold`]: the latest value at a fixed rate, with its age.

use core::time::Duration;

use thingflow_core::kit::Ticker;
use thingflow_core::windows::Carrier;
use thingflow_core::{Demand, Emitter, Filter, InputThing, Instant, Receipt};

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
pub struct Hold<T> {
    ticker: Ticker,
    max_age: Duration,
    latest: Option<(T, Instant)>,
}

impl<T> Hold<T> {
    #[track_caller]
    pub(crate) fn new(interval: Duration, max_age: Duration) -> Self {
        Self { ticker: Ticker::new(interval), max_age, latest: None }
    }
}

impl<T: Carrier + Clone> Hold<T> {
    fn tick(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T::With<Held<T::Value>>>>) -> Receipt {
        let Some((latest, came)) = &self.latest else { return Ok(Demand::More) };
        let (now, max_age) = (out.now(), self.max_age);
        let is_due = self.ticker.is_due(now);
        out.wake_at(self.ticker.due());
        if !is_due {
            return Ok(Demand::More);
        }
        let age = now.since(*came);
        let (value, rest) = latest.clone().part();
        out.next(T::carry(rest, Held { value, age, is_stale: age > max_age }))
    }
}

impl<T: Carrier + Clone> Filter<T> for Hold<T> {
    type Out = T::With<Held<T::Value>>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let demand = self.tick(out)?; // the wake-up may be on its way
        let now = out.now();
        let is_first = self.latest.is_none();
        let (value, rest) = event.clone().part();
        self.latest = Some((event, now));
        if !is_first || demand == Demand::Done {
            return Ok(demand);
        }
        self.ticker.restart(now);
        out.wake_at(self.ticker.due());
        out.next(T::carry(rest, Held { value, age: Duration::ZERO, is_stale: false }))
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.tick(out)
    }
}
