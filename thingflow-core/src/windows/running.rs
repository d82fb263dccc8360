//! `aggregate(Window::running(), a)`: send a running result over all events so far, for each event.
//!
//! Holds the aggregate.

use super::aggregates::Aggregate;
use crate::measure::Carrier;
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`aggregate`](super::Windows::aggregate) with [`Window::running`](super::Window::running).
///
/// An event for which the aggregate has no value sends nothing.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::windows::{Mean, Window};
/// # #[cfg(feature = "alloc")] {
/// let mean = |start| from_iter([50.0, 100.0, 200.0]).aggregate(Window::running(), start).collect_now();
/// assert_eq!(mean(Mean::new())[..2], [50.0, 75.0]);
/// assert_eq!(mean(Mean::starting_at(10.0, 2)).last(), Some(&72.0)); // goes on from an earlier run
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Running<A>(pub(super) A);

impl<T: Carrier, A: Aggregate<T::Value>> Filter<T> for Running<A> {
    type Out = T::With<A::Out>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (value, rest) = event.part();
        self.0.absorb(&value);
        match self.0.value() {
            Some(result) => out.next(T::carry(rest, result)),
            None => Ok(Demand::More),
        }
    }
}
