//! `slice(range, step)`: pass the events whose numbers are in a range, one of `step`.
//!
//! Holds one number.

use core::ops::{Bound, RangeBounds};

use crate::size::Size;
use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`slice`](super::Selecting::slice).
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// How many events to leave out before the next one.
    skip: usize,
    /// How many events to send; `None` if there is no end.
    left: Option<usize>,
    step: usize,
}

impl Slice {
    pub(super) fn new(range: &impl RangeBounds<usize>, step: Size) -> Self {
        let step = step.get();
        let start = match range.start_bound() {
            Bound::Included(n) => *n,
            Bound::Excluded(n) => n.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(n) => Some(n.saturating_add(1)),
            Bound::Excluded(n) => Some(*n),
            Bound::Unbounded => None,
        };
        Self { skip: start, left: end.map(|end| end.saturating_sub(start).div_ceil(step)), step }
    }
}

impl<T> Filter<T> for Slice {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(Demand::More);
        }
        self.skip = self.step - 1;
        self.left = self.left.map(|left| left.saturating_sub(1));
        match out.next(event)? {
            Demand::Done => Ok(Demand::Done),
            _ if self.left == Some(0) => out.finish(),
            demand => Ok(demand),
        }
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.left == Some(0) { out.finish() } else { Ok(Demand::More) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let has_end = self.left.is_some();
        self.skip.on_state("skip", state);
        self.left.on_state("left", state);
        if self.left.is_some() != has_end {
            state.refuse("left");
            self.left = has_end.then_some(0);
        }
    }
}
