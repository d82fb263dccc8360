//! When a flag changes, and when a number passes a level.
//!
//! ```
//! use thingflow_core::prelude::*;
//! use thingflow_signals::{edges::Edge, prelude::*};
//! // The furnace starts, however much the reading flutters.
//! let starts = from_iter([180, 205, 199, 208, 150]).hysteresis(190, 200).edges().filter(|edge| *edge == Edge::Rising);
//! assert_eq!(starts.count().collect_now(), [1]);
//! ```

use thingflow_core::windows::{Carrier, Number};
use thingflow_core::{Demand, Emitter, Filter, Float, InputThing, Receipt, Saved, StateVisitor};

/// A change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edge {
    /// From off to on, from below to above.
    Rising,
    /// From on to off, from above to below.
    Falling,
}

impl Edge {
    fn to(is_high: bool) -> Self {
        if is_high { Self::Rising } else { Self::Falling }
    }
}

/// Made by [`edges`](crate::Signals::edges).
#[derive(Clone, Copy, Debug, Default)]
pub struct Edges(Option<bool>);

impl Edges {
    fn change(&mut self, is_high: bool) -> Option<Edge> {
        let before = self.0.replace(is_high)?;
        (before != is_high).then(|| Edge::to(is_high))
    }
}

impl<T: Carrier<Value = bool>> Filter<T> for Edges {
    type Out = T::With<Edge>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (is_high, rest) = event.part();
        self.change(is_high).map_or(Ok(Demand::More), |edge| out.next(T::carry(rest, edge)))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state("is high", state);
    }
}

/// Made by [`crossings`](crate::Signals::crossings).
#[derive(Clone, Copy, Debug)]
pub struct Crossings {
    level: f64,
    edges: Edges,
}

impl Crossings {
    #[track_caller]
    pub(crate) fn new(level: f64) -> Self {
        assert!(!level.is_nan(), "crossings(NaN): no number is above or below it");
        Self { level, edges: Edges::default() }
    }
}

impl<T: Carrier<Value: Number>> Filter<T> for Crossings {
    type Out = T::With<Edge>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (value, rest) = event.part();
        let value = value.to_mean().to_f64();
        let edge = if value.is_nan() { None } else { self.edges.change(value >= self.level) };
        edge.map_or(Ok(Demand::More), |edge| out.next(T::carry(rest, edge)))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.edges.0.on_state("is high", state);
    }
}
