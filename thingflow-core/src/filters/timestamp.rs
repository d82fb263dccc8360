//! `timestamp()`: send each event together with the wall-clock time.
//!
//! Holds nothing.

use crate::clock::Timestamp;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`timestamp`](super::Filters::timestamp). The time is the scheduler's, so a virtual clock shows its own.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([7]).timestamp().collect_now(), [(Timestamp::UNIX_EPOCH, 7)]); // no scheduler: time stands still
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WithTimestamp;

impl<T> Filter<T> for WithTimestamp {
    type Out = (Timestamp, T);
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<(Timestamp, T)>>) -> Receipt {
        let now = out.context().timestamp();
        out.next((now, event))
    }
}
