//! `stamped()`: mark each event with the time at which it came.
//!
//! Holds nothing.

use crate::clock::Instant;
use crate::state::{Saved, saves};
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// An event and when it came, on the scheduler's clock. Made by [`stamped`](super::Timing::stamped).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamped<T> {
    /// When it came.
    pub at: Instant,
    /// The event.
    pub event: T,
}

saves! { [T: Saved] Stamped<T> { at, event } }

/// Made by [`stamped`](super::Timing::stamped).
#[derive(Clone, Copy, Debug)]
pub struct Stamp;

impl<T> Filter<T> for Stamp {
    type Out = Stamped<T>;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Stamped<T>>>) -> Receipt {
        out.next(Stamped { at: out.now(), event })
    }
}
