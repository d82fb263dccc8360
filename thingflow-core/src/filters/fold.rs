//! `fold(seed, f)`: send the final result of a function of two, at completion.
//!
//! Holds the result so far.

use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`fold`](super::Filters::fold). After an error there is no final result: only the error goes on.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// assert_eq!(from_iter(1..=3).fold(0, |sum, x| sum + x).collect_now(), [6]);
/// assert_eq!(from_iter([0; 0]).fold(5, |sum, x| sum + x).collect_now(), [5]);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fold<S, F> {
    /// `None` only while `f` has it.
    pub(super) state: Option<S>,
    pub(super) f: F,
}

impl<T, S, F: FnMut(S, T) -> S> Filter<T> for Fold<S, F> {
    type Out = S;
    #[inline]
    fn on_next(&mut self, event: T, _: &mut Emitter<'_, '_, impl InputThing<S>>) -> Receipt {
        self.state = self.state.take().map(|state| (self.f)(state, event));
        Ok(Demand::More)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<S>>) -> Closed {
        out.flush(self.state.take())
    }
}
