//! `filter_map(f)`: send what a function makes of each event, and nothing where it makes nothing.
//!
//! Holds nothing.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`filter_map`](super::Elementwise::filter_map).
#[derive(Clone, Copy, Debug)]
pub struct FilterMap<F>(pub(super) F);

impl<In, Out, F: FnMut(In) -> Option<Out>> Filter<In> for FilterMap<F> {
    type Out = Out;
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: In, out: &mut Emitter<'_, '_, impl InputThing<Out>>) -> Receipt {
        match (self.0)(event) {
            Some(event) => out.next(event),
            None => Ok(Demand::More),
        }
    }
}
