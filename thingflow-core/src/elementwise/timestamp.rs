//! `timestamp()`: send each event together with the wall-clock time.
//!
//! Holds nothing.

use crate::clock::Timestamp;
use crate::thing::{Emitter, Filter, InputThing, Receipt};

/// Made by [`timestamp`](super::Elementwise::timestamp).
#[derive(Clone, Copy, Debug)]
pub struct WithTimestamp;

impl<T> Filter<T> for WithTimestamp {
    type Out = (Timestamp, T);
    const TRANSPARENT: bool = true;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<(Timestamp, T)>>) -> Receipt {
        let now = out.context().timestamp();
        out.next((now, event))
    }
}
