//! `take(n)`: pass the first `n` events, then complete and ask for no more.
//!
//! Holds one number.

use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`take`](super::Filters::take) and [`first`](super::Filters::first).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// assert_eq!(from_iter(1..).take(2).collect_now(), [1, 2]);
/// assert_eq!(from_iter(1..).take(0).collect_now(), []); // completes at the start, before any event
/// assert_eq!(from_iter([7, 8]).first().collect_now(), [7]);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Take {
    pub(super) left: usize,
}

impl<T> Filter<T> for Take {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        self.left = self.left.saturating_sub(1);
        match out.next(event)? {
            Demand::Done => Ok(Demand::Done),
            _ if self.left == 0 => out.finish(),
            demand => Ok(demand),
        }
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.left == 0 { out.finish() } else { Ok(Demand::More) }
    }
}
