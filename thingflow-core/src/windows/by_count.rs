//! `aggregate(Window::tumbling(n), a)`, `aggregate(Window::sliding(n), a)`, `aggregate(Window::every(size, step), a)`,
//! `aggregate(Window::sliding_of::<N>(), a)`, `aggregate(Window::every_of::<N>(step), a)`: send a result for windows of so
//! many events.
//!
//! Holds the values of one window where windows overlap, else none.

use super::aggregates::Aggregate;
use super::ring::Ring;
use super::window::CountWindow;
use crate::error::StreamError;
use crate::measure::Carrier;
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`aggregate`](super::Windows::aggregate) with a [`Window`](super::Window) of so many events.
///
/// A result carries the id and time of the last event of its window. Windows that overlap are full ones only, unless
/// [`partial`](CountWindow::partial) is asked for. Where they do not overlap, the events of a window that the end cuts
/// short are held back till then: they give a last result, also before an error unless
/// [`drop_on_error`](CountWindow::drop_on_error) is asked for.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// # use thingflow_core::windows::{Max, Mean, Window};
/// let lux = [3.0, 5.0, 7.0].map(|lux| SensorEvent::new("lux", Timestamp::from_secs(1), lux));
/// let seen = from_iter(lux).aggregate(Window::sliding(2), (Mean::new(), Max::new())).collect_now();
/// assert_eq!(seen[1], SensorEvent::new("lux", Timestamp::from_secs(1), (6.0, 7.0)));
/// # }
/// ```
#[derive(Debug)]
pub struct ByCount<T: Carrier, A, R> {
    size: usize,
    step: usize,
    /// Overlapping: how many events to go to the next result. Else how many came since the last window began.
    at: usize,
    held: R,
    aggregate: A,
    fresh: A,
    /// What is left of the last event of a group that is not full.
    rest: Option<T::Rest>,
    drop_on_error: bool,
}

impl<T: Carrier, A: Aggregate<T::Value> + Clone, R: Ring<T::Value>> ByCount<T, A, R> {
    pub(super) fn new<W>(window: &CountWindow<W>, aggregate: A) -> Self {
        let &CountWindow { size, step, partial, drop_on_error, .. } = window;
        let at = if step >= size {
            0
        } else if partial {
            step
        } else {
            size
        };
        Self { size, step, at, held: R::default(), fresh: aggregate.clone(), aggregate, rest: None, drop_on_error }
    }

    /// Takes an event of windows that do not overlap.
    #[inline]
    fn group(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T::With<A::Out>>>) -> Receipt {
        self.at += 1;
        let (at, (value, rest)) = (self.at, event.part());
        if at == self.step {
            self.at = 0;
        }
        if at <= self.size {
            self.aggregate.absorb(&value);
            self.rest = Some(rest);
        }
        match if at == self.size { self.result() } else { None } {
            Some(result) => out.next(result),
            None => Ok(Demand::More),
        }
    }

    /// The result of a group, and an empty group.
    fn result(&mut self) -> Option<T::With<A::Out>> {
        let rest = self.rest.take()?;
        let result = self.aggregate.value();
        self.aggregate.clone_from(&self.fresh);
        result.map(|result| T::carry(rest, result))
    }
}

impl<T: Carrier, A: Aggregate<T::Value> + Clone, R: Ring<T::Value>> Filter<T> for ByCount<T, A, R> {
    type Out = T::With<A::Out>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        if self.step >= self.size {
            return self.group(event, out);
        }
        if self.held.count() == self.size
            && let Some(oldest) = self.held.pop()
        {
            self.aggregate.remove(&oldest);
        }
        let (value, rest) = event.part();
        self.aggregate.add(&value);
        self.held.push(value);
        self.at -= 1;
        if self.at > 0 {
            return Ok(Demand::More);
        }
        self.at = self.step;
        match self.aggregate.value() {
            Some(result) => out.next(T::carry(rest, result)),
            None => Ok(Demand::More),
        }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        out.flush(self.result())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Closed {
        let rest = self.result().filter(|_| !self.drop_on_error);
        out.flush_error(rest, error)
    }
}
