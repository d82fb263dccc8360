//! `map_with(state, f)`: as `map`, with a state of its own.
//!
//! Holds the state.

use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`map_with`](super::Filters::map_with).
///
/// [`scan`](super::Filters::scan) is the one whose state is its result.
///
/// ```
/// # use thingflow_core::prelude::*;
/// let numbered = pipe().map_with(0, |n: &mut u32, x: char| {
///     *n += 1;
///     (*n, x)
/// });
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter("ab".chars()).pipe(numbered).collect_now(), [(1, 'a'), (2, 'b')]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MapWith<S, F> {
    pub(super) state: S,
    pub(super) f: F,
}

impl<In, Out, S, F: FnMut(&mut S, In) -> Out> Filter<In> for MapWith<S, F> {
    type Out = Out;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Out>>) -> Receipt {
        out.next((self.f)(&mut self.state, event))
    }
}
