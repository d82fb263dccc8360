//! `take(n)`: pass the first `n` events, then complete and ask for no more.
//!
//! Holds one number.

use crate::state::{Saved, StateVisitor};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`take`](super::Selecting::take) and [`first`](super::Selecting::first).
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
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let most = self.left;
        self.left.on_state("left", state);
        if self.left > most {
            state.refuse("left");
            self.left = most;
        }
    }
}
