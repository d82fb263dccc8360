//! `stamped()`: mark each event with the time at which it came.
//!
//! Holds nothing.

use crate::clock::Instant;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// An event and when it came, on the scheduler's clock. Made by [`stamped`](super::Timing::stamped).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamped<T> {
    /// When it came.
    pub at: Instant,
    /// The event.
    pub event: T,
}

/// Made by [`stamped`](super::Timing::stamped).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")] {
/// # use core::time::Duration;
/// let gaps = pipe::<char>().stamped().pairwise().map(|(before, e)| e.at - before.at);
/// # let seen = thingflow_core::testing::Recorder::new();
/// let mut chain = gaps.to(seen.clone());
/// chain.next('a', &mut Context::detached(Instant::from_nanos(10)))?;
/// chain.next('b', &mut Context::detached(Instant::from_nanos(15)))?;
/// assert_eq!(seen.events(), [Duration::from_nanos(5)]);
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Stamp;

impl<T> Filter<T> for Stamp {
    type Out = Stamped<T>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Stamped<T>>>) -> Receipt {
        out.next(Stamped { at: out.now(), event })
    }
}
